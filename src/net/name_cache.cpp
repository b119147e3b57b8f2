#include <net/name_cache.hpp>

#include <utility>

namespace cetane::detail {

name_cache::name_cache(std::size_t most_entries, duration age) noexcept
    : most_entries_(most_entries), age_(age) {}

const std::vector<address>* name_cache::find(std::string_view name, time_point now) {
  drop_old(now);
  const auto found = by_name_.find(name);
  return found == by_name_.end() ? nullptr : &found->second->addresses;
}

// A name that is there already was looked up twice at the same time: the first answer is as good.
void name_cache::keep(std::string_view name, std::vector<address> addresses, time_point now) {
  if (most_entries_ == 0 || find(name, now) != nullptr) return;
  if (entries_.size() == most_entries_) drop_first();
  entries_.push_back({std::string(name), std::move(addresses), deadline_after(now, age_)});
  entry& kept = entries_.back();
  by_name_.emplace(kept.name, &kept);
}

void name_cache::drop_old(time_point now) {
  while (!entries_.empty() && entries_.front().end <= now) drop_first();
}

void name_cache::drop_first() {
  by_name_.erase(entries_.front().name);
  entries_.pop_front();
}

}  // namespace cetane::detail
