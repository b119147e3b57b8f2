// What only a kernel that completes operations can do wrong: too few buffers, too much news, and
// memory that it still works on.

#include "backend/io_uring_backend.hpp"
#include "fake_io.hpp"

#include <cerrno>
#include <chrono>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include <sys/socket.h>

namespace io_uring_test {

using namespace cetane;
using namespace cetane::test;
using namespace std::chrono_literals;

namespace {

constexpr std::size_t pairs_count = 40;

// A loop on a ring of the given sizes, and many connections in it.
struct crowd {
  explicit crowd(const detail::uring_sizes& sizes)
      : io(new detail::uring_backend(sizes)), loop(std::unique_ptr<detail::backend>(io)) {
    for (std::size_t i = 0; i < pairs_count; ++i)
      pairs.push_back(std::make_unique<connected_pair>(loop));
    settle(loop);
  }

  // All clients at once, before the loop looks.
  void all_write(const std::string& text) {
    for (const auto& pair : pairs)
      REQUIRE(pair->client.write(text) == static_cast<ssize_t>(text.size()));
  }
  bool all_have(std::size_t bytes) const {
    std::size_t sum = 0;
    for (const auto& pair : pairs) sum += pair->server.data.size();
    return sum == bytes * pairs_count;
  }

  detail::uring_backend* io;
  event_loop loop;
  std::vector<std::unique_ptr<connected_pair>> pairs;
};

// A stream that only sends.
struct writer final : detail::stream_io {
  void on_data(char*, std::size_t) noexcept override {}
  void on_end(int) noexcept override {}
  void on_hang_up(int) noexcept override {}
  void on_writable() noexcept override { ++writables; }
  void on_unsent(std::string_view bytes, int error) noexcept override {
    unsent += bytes;
    errors += error;
  }
  void on_staged(std::size_t, ssize_t) noexcept override {}
  std::string unsent;
  int errors = 0;
  int writables = 0;
};

detail::uring_sizes tiny_ring() {
  detail::uring_sizes sizes;
  sizes.submissions = 4;
  sizes.completions = 8;
  return sizes;
}

detail::uring_sizes few_buffers(unsigned first, unsigned most) {
  detail::uring_sizes sizes;
  sizes.first_buffers = first;
  sizes.most_buffers = most;
  return sizes;
}

std::string numbered_text(std::size_t length) {
  std::string text;
  while (text.size() < length) text += std::to_string(text.size()) + ' ';
  text.resize(length);
  return text;
}

}  // namespace

TEST_CASE("who met no receive buffer is served when one is back, and nothing is lost",
          "[backend][only-io_uring]") {
  crowd crowd(few_buffers(1, 1));
  const std::string text = numbered_text(3000);

  crowd.all_write(text);
  run_until(crowd.loop, [&] { return crowd.all_have(text.size()); });

  for (const auto& pair : crowd.pairs) CHECK(pair->server.data == text);
  CHECK(crowd.loop.stats().buffer_shortages > 0);
  CHECK(crowd.io->receive_buffers() == 1);
}

TEST_CASE("when more buffers are in use at once than there are, their number grows",
          "[backend][only-io_uring]") {
  crowd crowd(few_buffers(1, 64));
  for (int round = 0; round < 12; ++round) {
    crowd.all_write("x");
    run_until(crowd.loop, [&] { return crowd.all_have(static_cast<std::size_t>(round) + 1); });
  }

  CHECK(crowd.io->receive_buffers() >= pairs_count);
  const std::uint64_t before = crowd.loop.stats().buffer_shortages;
  crowd.all_write("x");
  run_until(crowd.loop, [&] { return crowd.all_have(13); });
  CHECK(crowd.loop.stats().buffer_shortages == before);
}

TEST_CASE("more news than the queue holds is kept, delivered and counted",
          "[backend][only-io_uring]") {
  crowd crowd(tiny_ring());
  const std::string text = numbered_text(200);

  crowd.all_write(text);
  run_until(crowd.loop, [&] { return crowd.all_have(text.size()); });

  for (const auto& pair : crowd.pairs) CHECK(pair->server.data == text);
  CHECK(crowd.loop.stats().completion_overflows > 0);
}

TEST_CASE("a tiny ring sends all letters of a pass", "[backend][only-io_uring]") {
  crowd crowd(tiny_ring());
  for (const auto& pair : crowd.pairs) {
    REQUIRE(crowd.io->write_soon(pair->client, "a letter") == 8);
    REQUIRE(pair->client.output_taken);
  }

  run_until(crowd.loop, [&] { return crowd.all_have(8); });

  for (const auto& pair : crowd.pairs) CHECK_FALSE(pair->client.output_taken);
}

TEST_CASE("a letter that was taken leaves before what is written behind it",
          "[backend][only-io_uring]") {
  event_loop loop(std::make_unique<detail::uring_backend>());
  connected_pair pair(loop);
  REQUIRE(loop.io().write_soon(pair.client, "first, ") == 7);
  REQUIRE(pair.client.output_taken);

  REQUIRE(loop.io().send_taken(pair.client).bytes.empty());
  REQUIRE_FALSE(pair.client.output_taken);
  REQUIRE(pair.client.write("second") == 6);

  run_until(loop, [&] { return pair.server.data.size() == 13; });
  CHECK(pair.server.data == "first, second");
}

TEST_CASE("a letter that finds no room is given back, and room is announced",
          "[backend][only-io_uring]") {
  event_loop loop(std::make_unique<detail::uring_backend>());
  connected_pair pair(loop);
  writer full;
  pair.server.set_reading(false);
  const std::size_t filled = [&] {  // as much as both kernels take, in the end
    std::size_t sum = pair.client.fill();
    settle(loop);
    return sum + pair.client.fill();
  }();
  full.descriptor = pair.client.release();
  REQUIRE(loop.io().watch(full, true) == 0);

  REQUIRE(loop.io().write_soon(full, "no room") == 7);
  settle(loop);
  CHECK(full.unsent == "no room");
  CHECK(full.errors == 0);
  CHECK(full.writables == 0);
  CHECK_FALSE(full.output_taken);

  pair.server.set_reading(true);
  run_until(loop, [&] { return full.writables == 1; });
  run_until(loop, [&] { return pair.server.data.size() == filled; });
  loop.io().unwatch(full);
  loop.io().close(full.descriptor, false);
}

TEST_CASE("of a letter that is sent in part the rest is given back", "[backend][only-io_uring]") {
  event_loop loop(std::make_unique<detail::uring_backend>());
  int ends[2];
  REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends) == 0);
  const int least = 1;  // the kernel makes it some thousand
  REQUIRE(::setsockopt(ends[0], SOL_SOCKET, SO_SNDBUF, &least, sizeof least) == 0);
  writer narrow;
  narrow.descriptor = ends[0];
  REQUIRE(loop.io().watch(narrow, false) == 0);
  const std::string text = numbered_text(8000);

  REQUIRE(loop.io().write_soon(narrow, text) == 8000);
  settle(loop);

  CHECK_FALSE(narrow.output_taken);
  CHECK(narrow.errors == 0);
  std::string arrived(9000, '\0');
  arrived.resize(static_cast<std::size_t>(::recv(ends[1], arrived.data(), arrived.size(), 0)));
  CHECK(arrived.size() < 8000);
  CHECK(arrived + narrow.unsent == text);
  run_until(loop, [&] { return narrow.writables == 1; });
  loop.io().unwatch(narrow);
  ::close(ends[0]);
  ::close(ends[1]);
}

TEST_CASE("a letter that cannot be sent says why, and the next one does not overtake it",
          "[backend][only-io_uring]") {
  event_loop loop(std::make_unique<detail::uring_backend>());
  int ends[2];
  REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends) == 0);
  writer lonely;
  lonely.descriptor = ends[0];
  REQUIRE(loop.io().watch(lonely, false) == 0);
  ::close(ends[1]);

  REQUIRE(loop.io().write_soon(lonely, "lost") == 4);
  REQUIRE(loop.io().write_soon(lonely, "also") == -EAGAIN);
  settle(loop);

  CHECK(lonely.unsent == "lost");
  CHECK(lonely.errors == EPIPE);
  loop.io().unwatch(lonely);
  ::close(ends[0]);
}

TEST_CASE("what is written in the last pass has left when the loop is left",
          "[backend][only-io_uring]") {
  event_loop loop(std::make_unique<detail::uring_backend>());
  int ends[2];
  REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends) == 0);
  writer last;
  last.descriptor = ends[0];
  REQUIRE(loop.io().watch(last, false) == 0);

  int asked = 0;
  loop.run_until([&] { return ++asked == 2 && loop.io().write_soon(last, "text") == 4; });

  char text[8];
  CHECK(::recv(ends[1], text, sizeof text, 0) == 4);
  loop.io().unwatch(last);
  ::close(ends[0]);
  ::close(ends[1]);
}

TEST_CASE("a loop is destroyed with operations in flight, and waits for none of them",
          "[backend][only-io_uring]") {
  auto* const io = new detail::uring_backend();
  auto loop = std::make_unique<event_loop>(std::unique_ptr<detail::backend>(io));
  {
    connected_pair pair(*loop);
    settle(*loop);
    REQUIRE(io->in_flight() >= 5);  // two receives, two hang-ups, the listener, the wake-up
  }
  CHECK(io->in_flight() == 1);  // the wake-up

  loop.reset();
}

TEST_CASE("closing takes a receive back: the peer is told at once", "[backend][only-io_uring]") {
  event_loop loop(std::make_unique<detail::uring_backend>());
  connected_pair pair(loop);
  settle(loop);

  pair.client.close();  // a descriptor with a receive in flight would stay open in the kernel

  char byte = 0;
  CHECK(::recv(pair.server.descriptor, &byte, 1, 0) == 0);
}

TEST_CASE("a loop that ran on a thread that has ended is destroyed on another",
          "[backend][only-io_uring]") {
  auto loop = std::make_unique<event_loop>(std::make_unique<detail::uring_backend>());
  std::unique_ptr<connected_pair> pair;
  std::thread runner([&] {
    pair = std::make_unique<connected_pair>(*loop);
    settle(*loop);
  });
  runner.join();

  REQUIRE_THROWS_AS(loop->run_once(time_point::min()), std::logic_error);
  pair.reset();
  loop.reset();
}

TEST_CASE("a stream that is not read keeps what a receive has met, and an error too",
          "[backend][only-io_uring]") {
  event_loop loop(std::make_unique<detail::uring_backend>());
  connected_pair pair(loop);
  settle(loop);  // a receive is in flight
  pair.server.set_reading(false);
  REQUIRE(pair.client.write("held") == 4);
  settle(loop);
  REQUIRE(pair.server.data.empty());
  pair.client.close(true);
  run_until(loop, [&] { return !pair.server.hang_ups.empty(); });

  pair.server.set_reading(true);
  run_until(loop, [&] { return !pair.server.ends.empty(); });

  CHECK(pair.server.data == "held");
  CHECK(pair.server.ends == std::vector{ECONNRESET});
}

}  // namespace io_uring_test
