#pragma once

#include <cetane/app/wait_fire.hpp>

#include <memory>
#include <string>
#include <unordered_map>

namespace cetane::detail {

class named_topics {
 public:
  std::unordered_map<std::string, std::unique_ptr<named_topic>> by_name;
};

}  // namespace cetane::detail
