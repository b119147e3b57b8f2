#pragma once

#include <net/name_cache.hpp>
#include <net/name_query.hpp>

#include <cetane/base/limits.hpp>
#include <cetane/runtime/event_loop.hpp>

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace cetane::detail {

/// The names of one loop: those that it remembers, and those that it has asked for.
///
/// A failure is not remembered: the system's own resolver does that, for as long as the owner of
/// the name says, and who tries again after a pause wants to know.
class name_table final : public loop_part {
 public:
  explicit name_table(event_loop& loop) : loop_(loop) { set_limits({}); }

  /// What is remembered of a name, or null. Valid until the next call.
  const std::vector<address>* find(const std::string& name);

  /// The question for a name: the one that is under way, or a new one.
  std::shared_ptr<name_query> ask(const std::string& name);

  /// Forgets all names. Who waits for an answer still gets it, but it is not remembered.
  void forget() noexcept;

  /// Forgets all names, and remembers that many from now on.
  void set_limits(const name_limits& limits);

  /// Nobody waits for a question any more; it has been answered. Both may destroy it.
  void left(name_query& query) noexcept;
  void answered(const name_query& query) noexcept;

 private:
  using queries = std::map<std::string, std::shared_ptr<name_query>>;

  queries::iterator place_of(const name_query& query) noexcept;

  event_loop& loop_;
  name_limits limits_;
  std::optional<name_cache> cache_;
  queries under_way_;
};

}  // namespace cetane::detail
