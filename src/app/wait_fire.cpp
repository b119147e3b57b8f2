#include <cetane/app/wait_fire.hpp>

#include <app/application_core.hpp>
#include <app/named_topics.hpp>
#include <app/type_text.hpp>

#include <fmt/format.h>

#include <stdexcept>

namespace cetane::detail {
namespace {

const std::shared_ptr<named_topics>& names_of_this_application(std::string_view tried) {
  application_core* const running = application_core::current();
  if (running == nullptr) {
    throw std::logic_error(fmt::format(
        "{}: no application runs on this thread; use a topic, which needs none", tried));
  }
  return running->topics();
}

named_topic* find(named_topics& names, std::string_view tried, std::string_view name,
                  const std::type_info& type) {
  const auto found = names.by_name.find(std::string(name));
  if (found == names.by_name.end()) return nullptr;
  named_topic& topic = *found->second;
  if (topic.type == type) return &topic;
  throw std::logic_error(
      fmt::format("{} \"{}\" with the type {}: tasks wait for it with the type {}; a name has one "
                  "type",
                  tried, name, type_text(type), type_text(topic.type)));
}

}  // namespace

named_topic::~named_topic() = default;

named_topic_use::named_topic_use(std::string_view name, const std::type_info& type, maker make)
    : names_(names_of_this_application("wait")), topic_(find(*names_, "wait for", name, type)) {
  if (topic_ == nullptr) {
    const auto [place, added] = names_->by_name.try_emplace(std::string(name), make());
    topic_ = place->second.get();
    topic_->name = &place->first;
  }
  ++topic_->uses;
}

named_topic_use::named_topic_use(const named_topic_use& other) noexcept
    : names_(other.names_), topic_(other.topic_) {
  ++topic_->uses;
}

named_topic_use::~named_topic_use() {
  if (--topic_->uses == 0) names_->by_name.erase(names_->by_name.find(*topic_->name));
}

named_topic* find_named_topic(std::string_view name, const std::type_info& type) {
  return find(*names_of_this_application("fire"), "fire", name, type);
}

}  // namespace cetane::detail
