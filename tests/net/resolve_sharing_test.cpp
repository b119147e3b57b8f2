// Who wants the same name at the same time, who gives up, and what is remembered of the answer.
#include "cetane/net/resolve.hpp"

#include "conc/offload_pool.hpp"
#include "net/name_query.hpp"
#include "support/connected_pair.hpp"
#include "support/test_loop.hpp"

#include <cetane/backend/sim.hpp>
#include <cetane/backend/sim_names.hpp>
#include <cetane/base/errors.hpp>
#include <cetane/base/limits.hpp>
#include <cetane/conc/spawn.hpp>

#include <catch2/catch_test_macros.hpp>

#include <algorithm>
#include <atomic>
#include <exception>
#include <latch>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

namespace resolve_sharing_test {

using namespace cetane;
using namespace cetane::test;
using namespace std::chrono_literals;

namespace {

using addresses = std::vector<address>;

// A simulated network with a name server that takes ten seconds to answer.
class slow_names {
 public:
  slow_names() {
    server().set("db", {*address::parse_ip("10.0.0.7", 0)});
    server().take(10s, 10s);
  }

  test_loop loop;

  simulated_names& server() { return simulation::of(loop).names(); }
  auto ask(std::string host) { return loop.spawn(resolve, std::move(host), std::uint16_t{80}); }
  void pass(duration span) {
    pass_time(loop, span);
    loop.loop().run_once(time_point::min());  // whom a timer has woken at the end
  }

  std::string answer(join_handle<addresses>& of) {
    run_until(loop, [&] { return of.done(); });
    try {
      const auto join = [](join_handle<addresses>& task_of) -> task<addresses> {
        co_return co_await task_of;
      };
      return loop.run(join, of).front().to_string();
    } catch (const resolve_error& e) {
      return e.what();
    }
  }

  // How often the server was asked.
  std::size_t questions() {
    const std::string log = simulation::of(loop).log_tail(1000);
    std::size_t count = 0;
    for (auto at = log.find("the name "); at != log.npos; at = log.find("the name ", at + 1))
      ++count;
    return count;
  }
};

// Calls that keep all threads of the offload pool busy as long as this lives.
class busy_pool {
 public:
  busy_pool() {
    for (std::size_t i = 0; i < most_offload_threads; ++i)
      pool().submit(std::make_unique<blocker>(shared_));
    while (shared_->begun != pool().now().threads) std::this_thread::yield();
    extra_ = pool().now().in_line;
  }
  busy_pool(const busy_pool&) = delete;
  busy_pool& operator=(const busy_pool&) = delete;
  ~busy_pool() { shared_->open.count_down(); }

  // How many other calls wait for a thread.
  std::size_t in_line() const { return pool().now().in_line - extra_; }

 private:
  struct state {
    std::atomic<std::size_t> begun{0};
    std::latch open{1};
  };
  class blocker final : public detail::offloaded_call {
   public:
    explicit blocker(std::shared_ptr<state> shared) : shared_(std::move(shared)) {}
    void run() noexcept override {
      ++shared_->begun;
      shared_->open.wait();
    }
    std::exception_ptr error() const noexcept override { return nullptr; }

   protected:
    void hand_over(detail::offload_caller&) noexcept override {}

   private:
    std::shared_ptr<state> shared_;
  };

  static detail::offload_pool& pool() { return detail::offload_pool::of_process(); }

  std::shared_ptr<state> shared_ = std::make_shared<state>();
  std::size_t extra_ = 0;
};

std::string where(std::uint16_t port) { return "10.0.0.7:" + std::to_string(port); }

}  // namespace

TEST_CASE("who wants the same name at the same time waits for the same answer",
          "[net][resolve][not-epoll]") {
  slow_names on;
  auto first = on.ask("db");
  on.pass(4s);
  auto second = on.ask("DB");  // names have no case
  auto third = on.loop.spawn(resolve, std::string("db"), std::uint16_t{81});
  on.pass(5s);
  REQUIRE_FALSE(first.done());
  on.pass(1s);

  REQUIRE((first.done() && second.done() && third.done()));
  CHECK(on.answer(first) == where(80));
  CHECK(on.answer(second) == where(80));
  CHECK(on.answer(third) == where(81));
  CHECK(on.questions() == 1);
}

TEST_CASE("names that are asked for at the same time are asked for apart",
          "[net][resolve][not-epoll]") {
  slow_names on;
  on.server().set("web", {*address::parse_ip("10.0.0.8", 0)});
  auto db = on.ask("db");
  auto web = on.ask("web");
  on.pass(10s);

  CHECK(on.answer(db) == where(80));
  CHECK(on.answer(web) == "10.0.0.8:80");
  CHECK(on.questions() == 2);
}

TEST_CASE("one who gives up a name does not end the wait of the others",
          "[net][resolve][not-epoll]") {
  slow_names on;
  auto first = on.ask("db");
  auto second = on.ask("db");
  on.pass(3s);
  first.cancel();
  on.pass(1s);

  REQUIRE(first.done());
  REQUIRE_FALSE(second.done());
  CHECK(on.answer(second) == where(80));
  CHECK(on.loop.loop().now() == simulation_start + 10s);
  CHECK(on.questions() == 1);
}

TEST_CASE("a name that nobody waits for any more is still being asked for",
          "[net][resolve][not-epoll]") {
  slow_names on;
  auto gone = on.ask("db");
  on.pass(3s);
  gone.cancel();
  on.pass(1s);
  REQUIRE(on.loop.loop().stats().timers_live == 0);
  auto later = on.ask("db");
  on.pass(5s);
  REQUIRE_FALSE(later.done());

  CHECK(on.answer(later) == where(80));
  CHECK(on.loop.loop().now() == simulation_start + 10s);
  CHECK(on.questions() == 1);
}

TEST_CASE("an answer that came while nobody waited is there for who asks then",
          "[net][resolve][not-epoll]") {
  slow_names on;
  auto gone = on.ask("db");
  on.pass(3s);
  gone.cancel();
  on.pass(1min);
  const time_point before = on.loop.loop().now();
  auto later = on.ask("db");

  CHECK(on.answer(later) == where(80));
  CHECK(on.loop.loop().now() == before);
  CHECK(on.questions() == 1);
}

TEST_CASE("a failure is told to all who wait for it, and not remembered",
          "[net][resolve][not-epoll]") {
  slow_names on;
  auto first = on.ask("nobody");
  auto second = on.ask("Nobody");
  on.pass(10s);

  CHECK(on.answer(first).starts_with("resolve nobody: "));
  CHECK(on.answer(second).starts_with("resolve Nobody: "));
  CHECK(on.questions() == 1);

  on.server().set("nobody", {*address::parse_ip("10.0.0.7", 0)});
  auto third = on.ask("nobody");
  CHECK(on.answer(third) == where(80));
  CHECK(on.questions() == 2);
}

TEST_CASE("names can be forgotten, those that are being asked for too",
          "[net][resolve][not-epoll]") {
  slow_names on;
  const auto forget = []() -> task<> {
    forget_names();
    co_return;
  };
  auto first = on.ask("db");
  on.pass(3s);
  on.server().set("db", {*address::parse_ip("10.0.0.99", 0)});
  on.loop.run(forget);
  auto second = on.ask("db");

  CHECK(on.answer(first) == where(80));  // what was asked for before
  CHECK(on.loop.loop().now() == simulation_start + 10s);
  auto third = on.ask("db");  // waits with the second
  CHECK(on.answer(second) == "10.0.0.99:80");
  CHECK(on.answer(third) == "10.0.0.99:80");
  CHECK(on.questions() == 2);

  on.loop.run(forget);
  auto fourth = on.ask("db");
  CHECK(on.answer(fourth) == "10.0.0.99:80");
  CHECK(on.questions() == 3);
}

TEST_CASE("how many names are remembered, and for how long, can be said",
          "[net][resolve][not-epoll]") {
  slow_names on;
  const auto limit = [](std::size_t entries, duration age) -> task<> {
    name_limits wanted;
    wanted.entries = entries;
    wanted.age = age;
    set_name_limits(wanted);
    co_return;
  };
  const auto asks = [&](const char* host) {
    const std::size_t before = on.questions();
    auto asking = on.ask(host);
    on.answer(asking);
    return on.questions() - before;
  };

  CHECK(asks("db") == 1);
  CHECK(asks("db") == 0);
  on.loop.run(limit, std::size_t{0}, duration(1min));
  CHECK(asks("db") == 1);
  CHECK(asks("db") == 1);

  on.server().set("web", {*address::parse_ip("10.0.0.8", 0)});
  on.loop.run(limit, std::size_t{1}, duration(1min));
  CHECK(asks("db") == 1);
  CHECK(asks("web") == 1);
  CHECK(asks("web") == 0);
  CHECK(asks("db") == 1);  // there is room for one

  on.loop.run(limit, std::size_t{10}, duration(1s));
  CHECK(asks("db") == 1);
  on.pass(999ms);
  CHECK(asks("db") == 0);
  on.pass(1ms);
  CHECK(asks("db") == 1);

  REQUIRE_THROWS_AS(on.loop.run(limit, std::size_t{1}, duration(-1s)), std::invalid_argument);
}

TEST_CASE("a name that was asked for is remembered for 60 s", "[net][resolve][not-epoll]") {
  slow_names on;
  auto first = on.ask("db");
  CHECK(on.answer(first) == where(80));
  on.pass(60s - 1ns);
  auto second = on.ask("db");
  on.pass(1ns);
  REQUIRE(second.done());
  CHECK(on.questions() == 1);
  auto third = on.ask("db");
  CHECK(on.answer(third) == where(80));
  CHECK(on.questions() == 2);
}

TEST_CASE("of a name with very many addresses 32 of each family are taken",
          "[net][resolve][not-epoll]") {
  test_loop loop;
  addresses many;
  for (int i = 0; i < 100; ++i) {
    many.push_back(*address::parse_ip("10.0.1." + std::to_string(i), 0));
    many.push_back(*address::parse_ip("fd00::1:" + std::to_string(i), 0));
  }
  simulation::of(loop).names().set("crowd", many);

  const addresses found = loop.run(resolve, std::string("crowd"), std::uint16_t{0});

  many.resize(2 * most_name_addresses);
  CHECK(found == many);
}

TEST_CASE("a loop may end while names are being asked for", "[net][resolve][not-epoll]") {
  auto on = std::make_unique<slow_names>();
  auto waits = on->ask("db");
  auto gave_up = on->ask("web");
  on->pass(1s);
  gave_up.cancel();
  on->pass(1s);
  REQUIRE_FALSE(waits.done());
  on.reset();

  CHECK(waits.done());
}

TEST_CASE("tasks that want the same name keep one thread busy", "[net][resolve][not-sim]") {
  test_loop loop;
  std::vector<join_handle<addresses>> asking;
  for (int i = 0; i < 20; ++i)
    asking.push_back(loop.spawn(resolve, std::string("127.3"), std::uint16_t{80}));
  run_until(loop, [&] {
    return std::all_of(asking.begin(), asking.end(), [](auto& each) { return each.done(); });
  });

  CHECK(loop.loop().stats().messages == 1);
}

TEST_CASE("a name that still stands in line for a thread is dropped with the last who waits",
          "[net][resolve][not-sim]") {
  test_loop loop;
  const busy_pool busy;
  auto first = loop.spawn(resolve, std::string("127.4"), std::uint16_t{80});
  auto second = loop.spawn(resolve, std::string("127.4"), std::uint16_t{80});
  settle(loop);
  REQUIRE(busy.in_line() == 1);
  first.cancel();
  settle(loop);
  CHECK(busy.in_line() == 1);
  second.cancel();
  settle(loop);
  CHECK(busy.in_line() == 0);
}

TEST_CASE("what is longer than any name is refused without asking", "[net][resolve]") {
  test_loop loop;
  const std::string long_name(255, 'x');
  CHECK_THROWS_AS(loop.run(resolve, long_name, std::uint16_t{80}), resolve_error);
  CHECK(loop.loop().stats().messages == 0);
}

}  // namespace resolve_sharing_test
