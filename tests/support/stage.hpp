#pragma once

#include <support/connected_pair.hpp>
#include <support/test_loop.hpp>

#include <cetane/net/connection.hpp>

#include <optional>
#include <utility>

namespace cetane::test {

/// What a scenario is given, new for each time that it is played.
struct stage {
  test_loop loop;
  std::optional<connected_pair> pair{std::in_place, loop, socket_buffers::small};
  int alive = 0;  // frames that have noted themselves

  connection& here() { return pair->here; }
  connection& there() { return pair->there; }

  /// In a frame: notes that it is there, until it is destroyed.
  class presence {
   public:
    explicit presence(stage& on) noexcept : stage_(on) { ++stage_.alive; }
    presence(const presence&) = delete;
    presence& operator=(const presence&) = delete;
    ~presence() { --stage_.alive; }

   private:
    stage& stage_;
  };
};

}  // namespace cetane::test
