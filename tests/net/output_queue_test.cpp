// The queue of what waits to be sent, by itself: pieces of any size leave, and the order holds.
// PIPE: diesel's own checks of its pipeline.

#include <net/output_queue.hpp>
#include <net/stream.hpp>
#include <support/test_loop.hpp>

#include <catch2/catch_test_macros.hpp>

#include <array>
#include <string>
#include <string_view>

#include <fcntl.h>

namespace output_queue_test {

using namespace cetane;
using namespace cetane::detail;

namespace {

constexpr int usual = 5;

struct queue_fixture {
  test::test_loop loop;
  connection_limits limits;
  stream owner{loop, limits};
  output_queue queue{owner};

  void push(std::string_view text, int level = usual) { queue.push(&text, 1, level); }

  // Writes as a socket does that takes `most` bytes.
  std::string leave(std::size_t most) {
    std::string left;
    while (left.size() < most) {
      std::array<iovec, 4> parts;
      const int count = queue.gather(parts.data(), static_cast<int>(parts.size()));
      if (count == 0) break;
      std::size_t now = 0;
      for (int i = 0; i < count; ++i) {
        const std::size_t length = std::min(parts[i].iov_len, most - left.size());
        left.append(static_cast<const char*>(parts[i].iov_base), length);
        now += length;
      }
      queue.advance(now);
    }
    return left;
  }
};

}  // namespace

TEST_CASE_METHOD(queue_fixture, "PIPE-1 a queue with something in it is not empty",
                 "[net][output-queue]") {
  REQUIRE(queue.empty());
  push("foo");
  REQUIRE_FALSE(queue.empty());
  REQUIRE(queue.bytes() == 3);
}

TEST_CASE_METHOD(queue_fixture, "PIPE-4 nothing leaves an empty queue", "[net][output-queue]") {
  REQUIRE(leave(500).empty());
  push("");
  REQUIRE(queue.empty());
  REQUIRE(leave(500).empty());
}

TEST_CASE_METHOD(queue_fixture, "PIPE-5 a socket that takes all empties the queue",
                 "[net][output-queue]") {
  push("foo");
  REQUIRE(leave(3) == "foo");
  REQUIRE(queue.empty());
  REQUIRE(queue.bytes() == 0);
}

TEST_CASE_METHOD(queue_fixture, "PIPE-6 a message leaves in pieces", "[net][output-queue]") {
  push("foo");
  REQUIRE(leave(2) == "fo");
  REQUIRE(queue.bytes() == 1);
  REQUIRE(leave(2) == "o");
  REQUIRE(leave(2).empty());
}

TEST_CASE_METHOD(queue_fixture, "PIPE-7 PIPE-8 what the socket did not take leaves first",
                 "[net][output-queue]") {
  const std::string_view message[] = {"foo", "bar"};
  queue.push(message, 2, usual, 2);
  push("o");

  REQUIRE(queue.bytes() == 5);
  REQUIRE(leave(500) == "obaro");
}

TEST_CASE_METHOD(queue_fixture, "PIPE-9 a write takes the end of one message and the next one",
                 "[net][output-queue]") {
  push("foo,");
  push(std::string(5000, 'b'));
  push("baz");
  REQUIRE(leave(10) == "foo,bbbbbb");
  REQUIRE(leave(4994) == std::string(4994, 'b'));
  REQUIRE(leave(10) == "baz");
  REQUIRE(queue.empty());
}

TEST_CASE_METHOD(queue_fixture, "PIPE-12 of equal priority the first leaves first",
                 "[net][output-queue]") {
  push("two");
  push("three");
  push("one");
  REQUIRE(leave(500) == "twothreeone");
}

TEST_CASE_METHOD(queue_fixture, "PIPE-12 higher priorities leave first", "[net][output-queue]") {
  push("two", 2);
  push("three", 3);
  push("six", 2);
  push("one", 1);
  REQUIRE(leave(500) == "threetwosixone");
}

TEST_CASE_METHOD(queue_fixture, "PIPE-11 a message that has begun to leave is finished first",
                 "[net][output-queue]") {
  push("rock", 1);
  REQUIRE(leave(2) == "ro");
  push("or", 9);
  push("soma", 3);
  REQUIRE(leave(500) == "ckorsoma");
}

TEST_CASE_METHOD(queue_fixture, "no message stands in the middle of another, however large",
                 "[net][output-queue]") {
  const std::string large(10'000, 'a');
  const std::string_view parts[] = {"[", large, large, "]"};
  queue.push(parts, 4, 2);
  REQUIRE(leave(1) == "[");
  push("urgent", 9);
  REQUIRE(leave(20'001) == large + large + "]");
  REQUIRE(leave(500) == "urgent");
}

TEST_CASE_METHOD(queue_fixture, "the rest of a message that has begun goes before all priorities",
                 "[net][output-queue]") {
  const std::string_view message[] = {"half ", "gone"};
  queue.push(message, 2, 1, 3);
  push("urgent", 9);
  REQUIRE(leave(500) == "f goneurgent");
}

TEST_CASE_METHOD(queue_fixture, "a message does not join one that stands before a higher priority",
                 "[net][output-queue]") {
  push("begun,", 5);
  REQUIRE(leave(1) == "b");
  push("high,", 9);
  push("low,", 1);
  push("usual,", 5);
  REQUIRE(leave(500) == "egun,high,usual,low,");
}

TEST_CASE_METHOD(queue_fixture, "the order is by priority and then by time, whatever happens",
                 "[net][output-queue]") {
  std::string expected;
  for (int level = 9; level >= 0; --level) {
    for (int i = 0; i < 50; ++i) {
      expected += std::to_string(level) + ":" + std::to_string(i) + std::string(200, '.') + "\n";
    }
  }
  for (int i = 0; i < 50; ++i) {
    for (const int level : {3, 0, 9, 5, 1, 7, 2, 8, 4, 6}) {
      push(std::to_string(level) + ":" + std::to_string(i) + std::string(200, '.') + "\n", level);
    }
  }
  REQUIRE(queue.bytes() == expected.size());
  REQUIRE(leave(expected.size()) == expected);
  REQUIRE(queue.bytes() == 0);
}

TEST_CASE_METHOD(queue_fixture, "a file keeps its place among messages", "[net][output-queue]") {
  push("before");
  queue.push_file(unique_fd(::open("/dev/null", O_RDONLY | O_CLOEXEC)), 10, 100, usual);
  push("behind");
  push("urgent", 9);
  REQUIRE(queue.bytes() == 18);
  REQUIRE(queue.file_bytes() == 100);

  REQUIRE(leave(500) == "urgentbefore");
  REQUIRE(queue.file().offset == 10);
  queue.advance_file(60);
  REQUIRE(leave(500).empty());
  REQUIRE(queue.file().count == 40);
  queue.advance_file(40);
  REQUIRE(queue.file_bytes() == 0);
  REQUIRE(leave(500) == "behind");
  REQUIRE(queue.empty());
}

}  // namespace output_queue_test
