#include <cetane/conc/spawn.hpp>

#include <cetane/conc/sleep.hpp>

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_exception.hpp>
#include <support/gate.hpp>
#include <support/test_loop.hpp>
#include <support/traced.hpp>

#include <chrono>
#include <functional>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace spawn_test {

using namespace std::chrono_literals;
using cetane::fork;
using cetane::join_handle;
using cetane::spawn;
using cetane::task;
using cetane::yield;
using cetane::test::gate;
using cetane::test::ledger;
using cetane::test::test_loop;
using cetane::test::traced;

namespace {

task<> increment(int& number) {
  ++number;
  co_return;
}

struct account {
  task<int> add(int amount) {
    co_await yield();
    co_return total += amount;
  }
  int total = 0;
};

// Counts how it came to where it is.
struct travelling {
  travelling() = default;
  travelling(const travelling& other) : copies(other.copies + 1), moves(other.moves) {}
  travelling(travelling&& other) noexcept : copies(other.copies), moves(other.moves + 1) {}
  int copies = 0;
  int moves = 0;
};

}  // namespace

TEST_CASE("FORK-1: a spawned task and a forked one run", "[conc][spawn]") {
  test_loop loop;
  int runs = 0;
  loop.run([&]() -> task<> {
    (void)spawn(increment, std::ref(runs));
    (void)fork(increment, std::ref(runs));
    co_await yield();
    CHECK(runs == 2);
  });
}

TEST_CASE("FORK-2: 10,000 forked tasks all run", "[conc][spawn]") {
  test_loop loop;
  int runs = 0;
  loop.run([&]() -> task<> {
    for (int i = 0; i < 10'000; ++i) (void)fork(increment, std::ref(runs));
    co_return;
  });
  loop.loop().run_until([&] { return runs == 10'000; });

  REQUIRE(loop.loop().stats().tasks_alive == 0);
}

TEST_CASE("NEW-23: tasks begin in the order of their forks, once the parent waits",
          "[conc][spawn]") {
  test_loop loop;
  std::vector<int> begun;
  const auto child = [&](int number) -> task<> {
    begun.push_back(number);
    co_return;
  };

  loop.run([&]() -> task<> {
    for (int n = 0; n < 3; ++n) (void)fork(child, n);
    CHECK(begun.empty());
    co_await yield();
  });

  REQUIRE(begun == std::vector{0, 1, 2});
}

TEST_CASE("a spawned task outlives the one that spawned it", "[conc][spawn]") {
  test_loop loop;
  gate door;
  bool ended = false;
  const auto child = [&]() -> task<> {
    co_await door.wait();
    ended = true;
  };
  loop.run([&]() -> task<> {
    (void)spawn(child);
    co_return;
  });
  loop.loop().run_until([&] { return door.waiting() == 1; });

  door.open();
  loop.loop().run_until([&] { return ended; });

  REQUIRE(loop.loop().stats().tasks_alive == 0);
}

TEST_CASE("function and arguments are kept until the frames are gone, no longer", "[conc][spawn]") {
  test_loop loop;
  ledger objects;
  gate door;
  join_handle<> handle;
  const auto waits = [&](const traced&, traced& changed) -> task<> {
    const traced local(objects, 1);
    co_await door.wait();
    CHECK(changed.number() == 3);
  };

  loop.run([&]() -> task<> {
    const auto owning = [held = traced(objects, 4), waits](const traced& a, traced& b) -> task<> {
      co_await waits(a, b);
    };
    handle = spawn(owning, traced(objects, 2), traced(objects, 3));
    co_await yield();
  });
  REQUIRE(objects.alive == 4);
  objects.destroyed.clear();
  door.open();
  loop.loop().run_until([&] { return handle.done(); });

  CHECK(objects.alive == 0);  // the handle is still there
  CHECK(objects.wrong == 0);
  CHECK(objects.destroyed.front() == 1);
}

TEST_CASE("arguments are moved all the way to parameters that take values", "[conc][spawn]") {
  test_loop loop;
  loop.run([]() -> task<> {
    const auto look = [](travelling given, const travelling& kept) -> task<> {
      CHECK(given.copies == 0);
      CHECK(kept.copies == 1);
      co_return;
    };
    const travelling named;
    auto handle = spawn(look, travelling(), named);
    co_await handle;
  });
}

TEST_CASE("what cannot be copied can be given by value and by reference", "[conc][spawn]") {
  test_loop loop;
  loop.run([]() -> task<> {
    const auto by_value = [](std::unique_ptr<int> n) -> task<int> {
      co_await yield();
      co_return *n;
    };
    const auto by_reference = [](std::unique_ptr<int>& n) -> task<int> {
      co_await yield();
      co_return ++*n;
    };
    auto first = spawn(by_value, std::make_unique<int>(1));
    auto second = spawn(by_reference, std::make_unique<int>(1));
    const int a = co_await first;
    const int b = co_await second;
    CHECK(a == 1);
    CHECK(b == 2);
  });
}

TEST_CASE("std::ref shares instead of copying", "[conc][spawn]") {
  test_loop loop;
  loop.run([]() -> task<> {
    int number = 0;
    const std::string word = "word";
    const auto change = [&](int& n, const std::string& w) -> task<> {
      n = 7;
      CHECK(&w == &word);
      co_return;
    };
    auto handle = spawn(change, std::ref(number), std::cref(word));
    co_await handle;
    CHECK(number == 7);
  });
}

TEST_CASE("a member function works on the object it is given with", "[conc][spawn]") {
  test_loop loop;
  loop.run([]() -> task<> {
    account own;
    auto shared = std::make_shared<account>();
    auto on_copy = spawn(&account::add, own, 1);
    auto on_pointer = spawn(&account::add, &own, 2);
    auto on_shared = spawn(&account::add, shared, 3);
    const int a = co_await on_copy;
    const int b = co_await on_pointer;
    const int c = co_await on_shared;
    CHECK(a == 1);
    CHECK(b == 2);
    CHECK(own.total == 2);
    CHECK(c == 3);
    CHECK(shared.use_count() == 1);
  });
}

TEST_CASE("an exception while the call is made reaches the spawner, and nothing is started",
          "[conc][spawn]") {
  struct throws_when_copied {
    throws_when_copied() = default;
    throws_when_copied(const throws_when_copied&) { throw std::runtime_error("no copy"); }
  };
  test_loop loop;
  ledger objects;
  const auto body = [](traced, throws_when_copied) -> task<> { co_return; };
  const throws_when_copied argument;

  REQUIRE_THROWS_AS(loop.spawn(body, traced(objects, 1), argument), std::runtime_error);

  REQUIRE(objects.alive == 0);
  REQUIRE(objects.wrong == 0);
  REQUIRE(loop.loop().stats().tasks_started == 0);
}

TEST_CASE("spawn outside of a task says what is missing", "[conc][spawn]") {
  using Catch::Matchers::Message;
  int runs = 0;
  REQUIRE_THROWS_MATCHES(
      spawn(increment, std::ref(runs)), std::logic_error,
      Message("spawn: no event loop runs on this thread; call it from a task, or "
              "from another thread through post()"));
  test_loop loop;
  std::string message;
  loop.loop().post([&] {
    try {
      (void)fork(increment, std::ref(runs));
    } catch (const std::logic_error& e) {
      message = e.what();
    }
  });
  loop.loop().run_once(cetane::time_point::min());
  REQUIRE(message == "fork: no task is running; call it from a coroutine");
}

TEST_CASE("a destructor of what a task was given may start another one", "[conc][spawn]") {
  struct starter {
    explicit starter(int& n) noexcept : number(&n) {}
    starter(starter&& other) noexcept : number(std::exchange(other.number, nullptr)) {}
    ~starter() {
      if (number == nullptr) return;
      (void)spawn(increment, std::ref(*number));
      (void)fork(increment, std::ref(*number));
    }
    int* number;
  };
  const auto takes_it = [](starter) -> task<> { co_return; };
  const auto refers_to_it = [](const starter&) -> task<> { co_return; };
  const auto never_ends = [](starter, gate& at) -> task<> { co_await at.wait(); };
  int runs = 0;
  {
    test_loop loop;
    loop.run([&]() -> task<> {
      auto one = spawn(takes_it, starter(runs));
      co_await one;
      auto other = spawn(refers_to_it, starter(runs));
      co_await other;
      co_await yield();
    });
    CHECK(runs == 4);
    gate door;
    (void)loop.spawn(never_ends, starter(runs), std::ref(door));
    loop.loop().run_until([&] { return door.waiting() == 1; });
    loop.loop().end_tasks(loop.loop().scope());  // destroys the frame, and what that starts
  }
  CHECK(runs == 4);
}

TEST_CASE("a destructor of what a task was given starts no child of it", "[conc][spawn]") {
  struct starter {
    explicit starter(std::string& s) noexcept : said(&s) {}
    starter(starter&& other) noexcept : said(std::exchange(other.said, nullptr)) {}
    ~starter() {
      if (said == nullptr) return;
      const auto child = []() -> task<> { co_return; };
      try {
        (void)cetane::fork_child(child);
      } catch (const std::logic_error& e) {
        *said = e.what();
      }
    }
    std::string* said;
  };
  const auto takes_it = [](starter) -> task<> { co_return; };
  std::string said;
  test_loop loop;
  loop.run([&]() -> task<> {
    auto handle = spawn(takes_it, starter(said));
    co_await handle;
  });
  CHECK(said.find("this task has ended") != std::string::npos);
}

TEST_CASE("fork starts in the home around the caller, spawn in its innermost scope",
          "[conc][spawn]") {
  test_loop loop;
  cetane::cancel_scope service(&loop.loop().scope());
  service.be_home();
  loop.run([&]() -> task<> {
    gate door;
    const auto waits = [&]() -> task<> { co_await door.wait(); };
    const auto handler = [&]() -> task<> {
      cetane::detail::task_context& self = cetane::detail::this_task("test");
      cetane::cancel_scope inner(self.scope);
      inner.enter(self);
      auto forked = fork(waits);
      auto spawned = spawn(waits);
      co_await yield();
      inner.cancel();
      inner.leave(self);
      co_await yield();
      CHECK_FALSE(forked.done());
      CHECK(spawned.done());
      door.open();
      co_await forked;
    };
    auto handle = cetane::detail::spawn_in(loop.loop(), service, handler);
    co_await handle;
  });
  REQUIRE(service.empty());
}

}  // namespace spawn_test
