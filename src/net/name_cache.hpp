#pragma once

#include <cetane/base/clock.hpp>
#include <cetane/os/address.hpp>

#include <cstddef>
#include <list>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace cetane::detail {

/// Remembers the addresses of names for a while; belongs to one thread.
///
/// All entries live equally long, so the order of their making is the order of their ends: the
/// first in the list is both the first to grow too old and the one that makes room.
class name_cache {
 public:
  name_cache(std::size_t most_entries, duration age) noexcept;

  /// The addresses of a name, or null. Valid until the next call.
  const std::vector<address>* find(std::string_view name, time_point now);

  void keep(std::string_view name, std::vector<address> addresses, time_point now);

  std::size_t size() const noexcept { return entries_.size(); }

 private:
  struct entry {
    std::string name;
    std::vector<address> addresses;
    time_point end;
  };

  void drop_first();
  void drop_old(time_point now);

  const std::size_t most_entries_;
  const duration age_;
  std::list<entry> entries_;
  std::unordered_map<std::string_view, entry*> by_name_;
};

}  // namespace cetane::detail
