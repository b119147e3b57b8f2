#include <cetane/cetane.hpp>
#include <cetane/testing.hpp>

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <new>
#include <stdexcept>
#include <string>

namespace fail_allocations_test {

using namespace cetane;
using namespace cetane::testing;
using namespace std::chrono_literals;
using Catch::Matchers::ContainsSubstring;

namespace {

task<> echo(connection& peer) {
  for (;;) co_await peer.send(co_await peer.until_eol());
}

// Keeps the compiler from doing without the allocation.
void needed(const void* block) { asm volatile("" : : "r"(block) : "memory"); }

}  // namespace

TEST_CASE("the allocation with the number fails, and no other one",
          "[allocations][failure][not-epoll]") {
  allocation_failure failure(2);
  const auto one = std::make_unique<int>(1);
  needed(one.get());
  bool failed = false;
  try {
    needed(std::make_unique<int>(2).get());
  } catch (const std::bad_alloc&) {
    failed = true;
  }
  {
    const spared_allocations here;
    needed(std::make_unique<int>(3).get());
  }
  const auto four = std::make_unique<int>(4);
  needed(four.get());
  const std::uint64_t seen = failure.seen();
  const spared_allocations from_here;
  CHECK(failed);
  CHECK(failure.happened());
  CHECK(seen == 3);
}

TEST_CASE("coroutine frames are counted, whatever was freed before",
          "[allocations][failure][not-epoll]") {
  const auto frames = [](std::uint64_t number) {
    world w(1);
    w.run([](world&) -> task<> { co_await sleep(1s); });  // its frames are there to be used again
    allocation_failure failure(number);
    try {
      w.run([](world&) -> task<> { co_await sleep(1s); });
    } catch (const std::bad_alloc&) {
      return std::uint64_t{0};
    }
    return failure.seen();
  };
  const std::uint64_t seen = frames(0);
  CHECK(seen >= 2);  // the task's record and its frame
  CHECK(frames(0) == seen);
  for (std::uint64_t number = 1; number <= seen; ++number) CHECK(frames(number) == 0);
}

TEST_CASE("a client and its server live with the failure of each allocation",
          "[allocations][fail_allocations][not-epoll]") {
  const auto scenario = [](world& w) -> task<> {
    const auto& server = w.serve(service(echo, 0));
    connection c = co_await connect("echo", server.port());
    co_await c.send("a line that is longer than a short string holds\n");
    const std::string answer = co_await c.until_eol();
    const spared_allocations here;
    REQUIRE(answer == "a line that is longer than a short string holds\n");
  };
  const std::uint64_t allocations = fail_allocations(scenario);

  CHECK(allocations > 10);
  CHECK(fail_allocations(scenario) == allocations);
}

TEST_CASE("a scenario that answers a failure with another error fails the test",
          "[allocations][fail_allocations][not-epoll]") {
  CHECK_THROWS_AS(fail_allocations([](world&) -> task<> {
                    try {
                      needed(std::make_unique<int>(1).get());
                    } catch (const std::bad_alloc&) {
                      throw std::logic_error("this cannot be");
                    }
                    co_return;
                  }),
                  std::logic_error);
}

TEST_CASE("what a failure leaves behind is found", "[allocations][fail_allocations][not-epoll]") {
  std::string said;
  try {
    fail_allocations([](world&) -> task<> {
      auto helper = spawn([]() -> task<> { co_await sleep(24h); });
      const std::string text(100, 'x');
      needed(text.data());
      helper.cancel();
      co_return;
    });
  } catch (const unfinished& e) {
    said = e.what();
  }
  CHECK_THAT(said, ContainsSubstring("left something behind") &&
                       ContainsSubstring("fail_allocations_test"));
}

}  // namespace fail_allocations_test
