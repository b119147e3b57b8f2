// A reader that is back for more than a block gets several in a row, and no more than are fair.
// Unix sockets: what is written to one is there to be read, without a network's delay.
#include "fake_io.hpp"

#include "backend/kernel_backend.hpp"
#include "runtime/io_blocks.hpp"

#include <cetane/os/address.hpp>

#include <catch2/generators/catch_generators.hpp>

#include <algorithm>
#include <cstddef>
#include <string>
#include <vector>

#include <unistd.h>

namespace read_on_test {

using namespace cetane;
using namespace cetane::test;

namespace {

constexpr std::size_t block = detail::io_blocks::input_bytes;
constexpr std::size_t some_turns = 20;

address place(const char* what) {
  return address::unix_path("@cetane-read-on-" + std::to_string(::getpid()) + "-" + what);
}

/// Two readers whose peers write a block whenever one was read.
struct two_readers {
  event_loop loop{make_test_backend()};
  connected_pair one{loop, place("one")};
  connected_pair other{loop, place("other")};
  std::string order;  // who got a block

  two_readers() {
    refill(one, '1');
    refill(other, '2');
  }

  void refill(connected_pair& pair, char name) {
    const auto write = [&pair, text = std::string(block, name)] {
      REQUIRE(pair.client.write(text) == static_cast<ssize_t>(block));
    };
    pair.server.hook = [this, &pair, name, write] {
      if (pair.server.data.size() < block) return;
      pair.server.data.clear();
      order += name;
      write();
    };
    write();
  }

  /// How many blocks in a row each had, without the first turns, in which a backend finds out what
  /// kind of sender this is.
  std::vector<std::size_t> runs() {
    std::vector<std::size_t> found;
    while (found.size() < some_turns) {
      loop.run_once(time_point::min());
      found = count_runs();
    }
    found.erase(found.begin(), found.begin() + 6);
    found.pop_back();
    return found;
  }

  std::vector<std::size_t> count_runs() const {
    std::vector<std::size_t> found;
    for (std::size_t i = 0; i < order.size(); ++i) {
      if (i == 0 || order[i] != order[i - 1]) found.push_back(0);
      ++found.back();
    }
    return found;
  }
};

}  // namespace

TEST_CASE_METHOD(two_readers, "a reader that is back gets some blocks, then others have their turn",
                 "[backend][not-sim]") {
  one.server.awaits = other.server.awaits = true;
  REQUIRE(runs() == std::vector<std::size_t>(some_turns - 7, detail::blocks_a_turn));
}

TEST_CASE_METHOD(two_readers, "where nobody waits for the next block, one is read a turn",
                 "[backend][not-sim]") {
  REQUIRE(runs() == std::vector<std::size_t>(some_turns - 7, 1));
}

TEST_CASE_METHOD(two_readers, "a reader that leaves between two blocks of its turn gets no more",
                 "[backend][not-sim]") {
  const bool closes = GENERATE(true, false);
  one.server.awaits = other.server.awaits = true;
  (void)runs();
  const auto refill = one.server.hook;
  std::size_t left = 2;
  one.server.hook = [&, closes] {
    refill();
    if (--left != 0) return;
    if (closes) return one.server.close();
    one.server.set_reading(false);
  };

  order.clear();
  while (order.size() < 4 * detail::blocks_a_turn) loop.run_once(time_point::min());

  REQUIRE(left == 0);
  REQUIRE(std::count(order.begin(), order.end(), '1') == 2);
}

}  // namespace read_on_test
