#pragma once

#include <cetane/base/clock.hpp>
#include <cetane/polling/events.hpp>

#include <cstddef>
#include <optional>
#include <unordered_map>
#include <vector>

namespace cetane::polling {

/// A set of descriptors to wait for with poll(2): any number, of any value. It does not own them.
///
/// One thread at a time.
class CETANE_API poll {
 public:
  /// Adds a descriptor, or changes what it is waited for.
  void add(int descriptor, events wanted = events::in | events::priority | events::out);
  /// @throws error  The descriptor was not added.
  void modify(int descriptor, events wanted);
  /// @throws error  The descriptor was not added.
  void remove(int descriptor);

  [[nodiscard]] std::size_t size() const noexcept { return entries_.size(); }

  /// Blocks the thread until something has happened on at least one descriptor; empty when the time
  /// is over. A descriptor that is not open any more is reported as `events::invalid`. Signals do
  /// not shorten the wait.
  /// @param timeout  Zero only looks; nothing waits for as long as it takes. Never ends early.
  /// @throws std::invalid_argument  The timeout is negative.
  [[nodiscard]] std::vector<ready> wait(std::optional<any_duration> timeout = std::nullopt);

 private:
  struct entry {  // as pollfd
    int descriptor;
    events wanted;
  };

  entry& find(int descriptor, const char* tried);

  std::vector<entry> entries_;
  std::unordered_map<int, std::size_t> places_;  // of descriptors in entries_
};

}  // namespace cetane::polling
