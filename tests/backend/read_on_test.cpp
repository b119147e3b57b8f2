// A reader who is back for more than a block gets several in a row, and no more than are fair.
// Unix sockets: what is written to one is there to be read, without a network's delay.
#include "fake_io.hpp"

#include "backend/kernel_backend.hpp"
#include "runtime/io_blocks.hpp"

#include <cetane/os/address.hpp>

#include <catch2/generators/catch_generators.hpp>

#include <algorithm>
#include <cstddef>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <unistd.h>

namespace read_on_test {

using namespace cetane;
using namespace cetane::test;

namespace {

constexpr std::size_t block = detail::io_blocks::input_bytes;
constexpr std::size_t a_turn = detail::block_allowance::a_turn;
constexpr std::size_t many = 200;  // blocks for each, then its peer sends no more
constexpr int enough_passes = 2000;

address place(const char* what) {
  return address::unix_path("@cetane-read-on-" + std::to_string(::getpid()) + "-" + what);
}

/// Two readers whose peers write a block whenever one was read.
struct two_readers {
  event_loop loop{make_test_backend()};
  connected_pair one{loop, place("one")};
  connected_pair other{loop, place("other")};
  std::string order;  // who got a block

  /// Until each has had `many`, or has left.
  void run() {
    refill(one, '1');
    refill(other, '2');
    const auto is_over = [this](char name) { return had(name) == many || gone == name; };
    int passes = 0;
    while (!is_over('1') || !is_over('2')) {
      REQUIRE(++passes < enough_passes);
      loop.run_once(time_point::min());
    }
  }

  void refill(connected_pair& pair, char name) {
    const auto write = [&pair, text = std::string(block, name)] {
      REQUIRE(pair.client.write(text) == static_cast<ssize_t>(block));
    };
    pair.server.hook = [this, &pair, name, write] {
      if (pair.server.data.size() < block) return;
      pair.server.data.clear();
      order += name;
      if (had(name) < many) write();
      if (leaves_after != 0 && name == '1' && had(name) == leaves_after) leave(pair.server);
    };
    write();
  }

  void leave(noting_stream& reader) {
    gone = '1';
    closes ? reader.close() : reader.set_reading(false);
  }

  std::size_t had(char name) const {
    return static_cast<std::size_t>(std::count(order.begin(), order.end(), name));
  }

  /// How many blocks in a row each had, while both had more to come. A backend finds out in the
  /// first turns what kind of sender this is.
  std::vector<std::size_t> runs() const {
    const std::size_t last_of_first = std::min(order.rfind('1'), order.rfind('2'));
    const std::size_t settled = 6 * a_turn;
    std::vector<std::size_t> found;
    char before = order[settled - 1];
    for (std::size_t i = settled; i < last_of_first; ++i) {
      if (order[i] != std::exchange(before, order[i])) found.push_back(0);
      if (!found.empty()) ++found.back();
    }
    found.pop_back();  // perhaps not whole
    return found;
  }

  std::size_t leaves_after = 0;
  bool closes = false;
  char gone = 0;
};

}  // namespace

TEST_CASE_METHOD(two_readers, "a reader who is back gets some blocks, then others have their turn",
                 "[backend][not-sim]") {
  one.server.is_back = other.server.is_back = true;
  run();
  const auto found = runs();
  REQUIRE(found.size() > 10);
  REQUIRE(found == std::vector<std::size_t>(found.size(), a_turn));
}

TEST_CASE_METHOD(two_readers, "all readers together get so many blocks in a row in one poll",
                 "[backend][not-sim]") {
  detail::block_allowance allowance;
  one.server.is_back = true;
  for (int poll = 0; poll < 2; ++poll) {
    allowance.renew();
    REQUIRE_FALSE(allowance.grants_another(other.server, 1));  // who is not back takes none of them
    int granted = 0;
    while (granted <= allowance.extra_a_poll && allowance.grants_another(one.server, 1)) ++granted;
    REQUIRE(granted == allowance.extra_a_poll);
  }
}

TEST_CASE_METHOD(two_readers, "where nobody waits for the next block, one is read a turn",
                 "[backend][not-sim]") {
  run();
  const auto found = runs();
  REQUIRE(found.size() > 10);
  REQUIRE(found == std::vector<std::size_t>(found.size(), 1));
}

TEST_CASE_METHOD(two_readers, "a reader who leaves between two blocks of its turn gets no more",
                 "[backend][not-sim]") {
  one.server.is_back = other.server.is_back = true;
  closes = GENERATE(true, false);
  leaves_after = 10 * a_turn + 3;

  run();

  REQUIRE(had('1') == leaves_after);
  if (closes) return;
  one.server.set_reading(true);
  run_until(loop, [&] { return had('1') > leaves_after; });
}

TEST_CASE_METHOD(two_readers, "a reader who is destroyed between two blocks is not touched again",
                 "[backend][not-sim]") {
  auto doomed = std::make_unique<noting_stream>(loop);
  doomed->is_back = true;
  doomed->open(one.server.release());
  std::size_t blocks = 0;
  const std::string text(block, 'x');
  doomed->hook = [&] {
    if (doomed->data.size() < block) return;
    doomed->data.clear();
    if (++blocks == 3 * a_turn + 2) return doomed.reset();
    REQUIRE(one.client.write(text) == static_cast<ssize_t>(block));
  };

  REQUIRE(one.client.write(text) == static_cast<ssize_t>(block));
  run_until(loop, [&] { return doomed == nullptr; });

  settle(loop);
  REQUIRE(blocks == 3 * a_turn + 2);
  REQUIRE(other.client.write("more") == 4);
  run_until(loop, [&] { return other.server.data == "more"; });
}

TEST_CASE_METHOD(two_readers,
                 "blocks, what is left of one, and the end come in one turn or several",
                 "[backend][not-sim]") {
  const bool ends = GENERATE(true, false);
  one.server.is_back = GENERATE(true, false);
  const std::string text = std::string(2 * block, 'a') + std::string(block / 2, 'b');

  REQUIRE(one.client.write(text) == static_cast<ssize_t>(text.size()));
  if (ends) REQUIRE(one.client.end_output() == 0);
  run_until(loop, [&] { return one.server.data.size() == text.size(); });
  settle(loop);

  REQUIRE(one.server.data == text);
  REQUIRE(one.server.ends == (ends ? std::vector<int>{0} : std::vector<int>{}));
  if (ends) return;
  REQUIRE(one.client.write("more") == 4);
  run_until(loop, [&] { return one.server.data == text + "more"; });
}

TEST_CASE_METHOD(two_readers, "after whole blocks and nothing more, what comes next is told of",
                 "[backend][not-sim]") {
  one.server.is_back = true;
  const std::string text(2 * block, 'a');

  for (std::size_t i = 1; i <= 3; ++i) {
    REQUIRE(one.client.write(text) == static_cast<ssize_t>(text.size()));
    run_until(loop, [&] { return one.server.data.size() == i * text.size(); });
    settle(loop);
  }
}

}  // namespace read_on_test
