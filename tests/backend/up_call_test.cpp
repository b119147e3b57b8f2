// What an up-call may do to the objects that are watched: the same on every backend.

#include "fake_io.hpp"

#include <cetane/backend/sim.hpp>

#include <catch2/generators/catch_generators.hpp>

#include <cerrno>
#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace up_call_test {

using namespace cetane;
using namespace cetane::test;
using namespace std::chrono_literals;

namespace {

struct two_pairs {
  event_loop loop{make_test_backend()};
  connected_pair one{loop};
  connected_pair other{loop};

  void until(const std::function<bool()>& holds) { run_until(loop, holds); }
};

}  // namespace

TEST_CASE_METHOD(two_pairs, "a stream closed within its own up-call hears nothing more",
                 "[backend][up-call]") {
  const std::string call = GENERATE(as<std::string>(), "data", "end", "hang-up", "writable");
  noting_stream& closing = one.client;
  closing.hook = [&] {
    if (closing.story.back() == call) closing.close();
  };
  if (call == "writable") {
    one.server.set_reading(false);
    (void)closing.fill();
  } else {
    REQUIRE(one.server.write("bytes") == 5);
    REQUIRE(one.server.end_output() == 0);
  }

  one.server.set_reading(true);
  until([&] { return closing.descriptor < 0; });

  const auto heard = closing.story;
  settle(loop);
  REQUIRE(closing.story == heard);
  REQUIRE(heard.back() == call);
}

TEST_CASE_METHOD(two_pairs, "a writer that closes when there is room hears nothing of a reset",
                 "[backend][up-call]") {
  noting_stream& closing = one.client;
  closing.hook = [&] { closing.close(); };
  one.server.set_reading(false);
  (void)closing.fill();

  one.server.close(true);  // room, the hang-up and the end in one

  until([&] { return closing.descriptor < 0; });
  settle(loop);
  REQUIRE(closing.story == std::vector<std::string>{"writable"});
}

TEST_CASE_METHOD(two_pairs, "a stream destroyed within its own up-call is not touched again",
                 "[backend][up-call]") {
  const std::string call = GENERATE(as<std::string>(), "data", "end", "hang-up", "writable");
  auto doomed = std::make_unique<noting_stream>(loop);
  doomed->open(one.client.release());
  doomed->hook = [&] {
    if (doomed->story.back() == call) doomed.reset();
  };
  if (call == "writable") {
    one.server.set_reading(false);
    (void)doomed->fill();
  } else {
    REQUIRE(one.server.write("bytes") == 5);
    REQUIRE(one.server.end_output() == 0);
  }

  one.server.set_reading(true);
  until([&] { return doomed == nullptr; });

  settle(loop);  // under a sanitizer this would show
  until([&] { return !one.server.ends.empty(); });
}

TEST_CASE_METHOD(two_pairs, "what an up-call closes hears nothing more, though it was next",
                 "[backend][up-call]") {
  // Whoever is called first closes the other; on a real network both events come in one batch.
  int calls = 0;
  one.server.hook = [&] {
    ++calls;
    other.server.close();
  };
  other.server.hook = [&] {
    ++calls;
    one.server.close();
  };
  REQUIRE(one.client.write("x") == 1);
  REQUIRE(other.client.write("x") == 1);

  until([&] { return calls > 0; });
  settle(loop);

  REQUIRE(calls == 1);
}

TEST_CASE("what an up-call closes in the middle of a batch is stale, and counted as such",
          "[backend][up-call][sim][not-epoll]") {
  event_loop loop(make_sim_backend(sim_options().set_latency(1ms, 1ms)));
  connected_pair one(loop), other(loop);
  settle(loop);
  one.server.hook = [&] { other.server.close(); };
  const std::uint64_t before = loop.stats().stale_events;
  REQUIRE(one.client.write("x") == 1);
  REQUIRE(other.client.write("x") == 1);  // arrives in the same nanosecond, second

  run_until(loop, [&] { return one.server.data == "x"; });

  REQUIRE(loop.stats().stale_events == before + 1);
  REQUIRE(other.server.story.empty());
}

TEST_CASE_METHOD(two_pairs, "a new connection with an old number hears nothing of the old one",
                 "[backend][up-call]") {
  // Both servers have something to hear. The first that does closes both and opens a new
  // connection, which takes one of the numbers.
  noting_stream newcomer(loop);
  int calls = 0;
  const auto replace = [&] {
    ++calls;
    one.server.close();
    other.server.close();
    int descriptor = -1;
    REQUIRE(loop.io().connect(one.server_side.where, nullptr, descriptor) == -EINPROGRESS);
    newcomer.open(descriptor);
  };
  one.server.hook = replace;
  other.server.hook = replace;
  REQUIRE(one.client.write("old") == 3);
  REQUIRE(other.client.write("old") == 3);

  until([&] { return calls > 0; });
  settle(loop);

  REQUIRE(calls == 1);
  REQUIRE(newcomer.story.empty());
}

TEST_CASE_METHOD(two_pairs, "a stream that is not watched hears nothing until it is watched again",
                 "[backend][watch]") {
  REQUIRE(one.client.write("first") == 5);
  until([&] { return one.server.data == "first"; });
  const int descriptor = one.server.release();
  REQUIRE(one.client.write(", second") == 8);
  REQUIRE(one.client.end_output() == 0);
  until([&] { return one.client.unsent() == 0; });  // it has arrived all the same
  settle(loop);
  REQUIRE(one.server.data == "first");

  one.server.set_reading(false);
  one.server.open(descriptor);

  REQUIRE(one.server.data == "first");
  until([&] { return !one.server.ends.empty(); });
  REQUIRE(one.server.data == "first, second");
  REQUIRE(one.server.hang_ups == std::vector{0});
}

TEST_CASE_METHOD(two_pairs, "a stream with input left over can be watched anew",
                 "[backend][watch]") {
  one.server.set_reading(false);
  REQUIRE(one.client.write("left over") == 9);
  settle(loop);
  one.server.set_reading(true);  // to be read in the next poll

  const int descriptor = one.server.release();
  one.server.set_reading(false);
  one.server.open(descriptor);
  until([&] { return one.server.data == "left over"; });

  one.server.set_reading(false);
  REQUIRE(one.client.write(", and more") == 10);
  settle(loop);
  one.server.set_reading(true);
  until([&] { return one.server.data == "left over, and more"; });
}

TEST_CASE_METHOD(two_pairs, "a watched descriptor cannot be watched a second time",
                 "[backend][watch]") {
  noting_stream second(loop);
  second.descriptor = one.client.descriptor;

  REQUIRE(loop.io().watch(second, true) == -EEXIST);

  second.descriptor = -1;
  REQUIRE(loop.io().watch(second, true) == -EBADF);
}

TEST_CASE_METHOD(two_pairs, "unwatching twice does nothing", "[backend][watch]") {
  loop.io().unwatch(one.client);
  loop.io().unwatch(one.client);

  REQUIRE(one.server.write("x") == 1);
  settle(loop);
  REQUIRE(one.client.story.empty());
}

}  // namespace up_call_test
