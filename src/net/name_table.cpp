#include <net/name_table.hpp>

#include <new>
#include <stdexcept>
#include <utility>

namespace cetane::detail {

const std::vector<address>* name_table::find(const std::string& name) {
  return cache_->find(name, loop_.now());
}

std::shared_ptr<name_query> name_table::ask(const std::string& name) {
  const auto known = under_way_.find(name);
  if (known != under_way_.end()) return known->second;
  const time_point now = loop_.now();
  std::erase_if(under_way_, [now](const auto& each) { return each.second->is_stale(now); });

  auto query = std::make_shared<name_query>(*this, name);
  const auto place = under_way_.emplace(name, query).first;
  try {
    query->begin(loop_);
  } catch (...) {
    under_way_.erase(place);
    throw;
  }
  return query;
}

void name_table::forget() noexcept {
  cache_.emplace(limits_.entries, limits_.age);
  under_way_.clear();
}

void name_table::set_limits(const name_limits& limits) {
  if (limits.age < duration::zero())
    throw std::invalid_argument("names are remembered for a time of zero or more");
  limits_ = limits;
  forget();
}

void name_table::left(name_query& query) noexcept {
  if (query.goes_on_alone()) return;
  if (const auto place = place_of(query); place != under_way_.end()) under_way_.erase(place);
}

void name_table::answered(const name_query& query) noexcept {
  const auto place = place_of(query);
  if (place == under_way_.end()) return;
  const std::shared_ptr<name_query> kept = std::move(place->second);
  under_way_.erase(place);
  if (query.found().error != 0) return;
  try {
    cache_->keep(query.name(), query.found().addresses, loop_.now());
  } catch (const std::bad_alloc&) {  // then it is asked for again
  }
}

name_table::queries::iterator name_table::place_of(const name_query& query) noexcept {
  const auto place = under_way_.find(query.name());
  return place != under_way_.end() && place->second.get() == &query ? place : under_way_.end();
}

}  // namespace cetane::detail
