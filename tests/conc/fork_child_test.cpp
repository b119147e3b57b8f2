// Children that end with their parent: diesel's fork_child.
#include <cetane/base/scope_exit.hpp>
#include <cetane/conc/shielded.hpp>
#include <cetane/conc/sleep.hpp>
#include <cetane/conc/spawn.hpp>

#include <catch2/catch_test_macros.hpp>
#include <support/expect.hpp>
#include <support/gate.hpp>
#include <support/test_loop.hpp>
#include <support/traced.hpp>

#include <chrono>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace fork_child_test {

using namespace cetane;
using namespace cetane::test;
using namespace std::chrono_literals;

namespace {

using names = std::vector<std::string>;

task<> note_end(names& ends, std::string name) {
  try {
    co_await sleep(50s);
    ends.push_back(name + " slept");
  } catch (const cancelled& e) {
    ends.push_back(name + ": " + to_string(e.reason));
    throw;
  }
}

}  // namespace

TEST_CASE("FORK-3: a child that sleeps is cancelled when its parent ends", "[conc][fork]") {
  test_loop loop;
  names ends;
  loop.run([&]() -> task<> {
    const auto parent = [&]() -> task<> {
      (void)fork_child(note_end, std::ref(ends), "child");
      co_await yield();
    };
    auto handle = spawn(parent);
    co_await handle;
    CHECK(ends == names{"child: parent"});  // it has ended by then
  });
  check_nothing_left(loop);
}

TEST_CASE("FORK-4: a child that sleeps is cancelled when its parent ends by an exception",
          "[conc][fork]") {
  test_loop loop;
  names ends;
  loop.run([&]() -> task<> {
    const auto parent = [&]() -> task<> {
      (void)fork_child(note_end, std::ref(ends), "child");
      co_await yield();
      throw std::runtime_error("parent broke");
    };
    auto handle = spawn(parent);
    const std::string text = co_await thrown_by(handle);
    CHECK(text == "parent broke");
  });
  CHECK(ends == names{"child: parent"});
  check_nothing_left(loop);
}

TEST_CASE("W14, NEW-13: a child that has not begun when its parent ends is no orphan",
          "[conc][fork]") {
  test_loop loop;
  names ends;
  loop.run([&]() -> task<> {
    const auto parent = [&]() -> task<> {
      (void)fork_child(note_end, std::ref(ends), "child");
      co_return;
    };
    auto handle = spawn(parent);
    co_await handle;
  });
  CHECK(ends == names{"child: parent"});
  check_nothing_left(loop);
}

TEST_CASE("W14: a child that something else has woken is told of its parent's end all the same",
          "[conc][fork]") {
  test_loop loop;
  gate door;
  names ends;
  loop.run([&]() -> task<> {
    const auto child = [&]() -> task<> {
      co_await door.wait();
      ends.push_back("woken");
      co_await note_end(ends, "then");
      ends.push_back("goes on");
    };
    const auto parent = [&]() -> task<> {
      (void)fork_child(child);
      co_await yield();
      door.open();
    };
    auto handle = spawn(parent);
    co_await handle;
  });
  CHECK(ends == names{"woken"});
  check_nothing_left(loop);
}

TEST_CASE("grandchildren end when their parent does", "[conc][fork]") {
  test_loop loop;
  names ends;
  loop.run([&]() -> task<> {
    const auto child = [&]() -> task<> {
      (void)fork_child(note_end, std::ref(ends), "grandchild");
      co_await note_end(ends, "child");
    };
    const auto parent = [&]() -> task<> {
      (void)fork_child(child);
      co_await yield();
      co_await yield();
    };
    auto handle = spawn(parent);
    co_await handle;
  });
  CHECK(ends == names{"child: parent", "grandchild: parent"});
  check_nothing_left(loop);
}

TEST_CASE("a child that ends first leaves its parent alone, and its result can be joined",
          "[conc][fork]") {
  test_loop loop;
  loop.run([]() -> task<> {
    const auto parent = []() -> task<int> {
      const auto child = []() -> task<int> {
        co_await yield();
        co_return 5;
      };
      int sum = 0;
      for (int i = 0; i < 3; ++i) {
        auto handle = fork_child(child);
        sum += co_await handle;
      }
      co_return sum;
    };
    auto handle = spawn(parent);
    const int sum = co_await handle;
    CHECK(sum == 15);
  });
  check_nothing_left(loop);
}

TEST_CASE("a parent has its end, for who joins it, when its children have had theirs",
          "[conc][fork]") {
  test_loop loop;
  names ends;
  loop.run([&]() -> task<> {
    const auto child = [&]() -> task<> {
      try {
        co_await sleep(1h);
      } catch (const cancelled&) {
        ends.push_back("cancelled");
      }
      co_await shielded(1s, [](names& into) -> task<> {
        co_await sleep(5ms);
        into.push_back("cleaned up");
      }(ends));
    };
    const auto parent = [&]() -> task<> {
      (void)fork_child(child);
      co_await yield();
    };
    auto handle = spawn(parent);
    co_await handle;
    ends.push_back("joined");
  });
  CHECK(ends == names{"cancelled", "cleaned up", "joined"});
  check_nothing_left(loop);
}

TEST_CASE("what a parent was given by reference outlives its children", "[conc][fork]") {
  test_loop loop;
  ledger objects;
  loop.run([&]() -> task<> {
    const auto child = [](traced& lent) -> task<> {
      const scope_exit look([&] { CHECK(lent.number() == 7); });
      co_await sleep(1h);
    };
    const auto parent = [&](traced own) -> task<> {
      (void)fork_child(child, std::ref(own));
      co_await yield();
    };
    auto handle = spawn(parent, traced(objects, 7));
    co_await handle;
  });
  CHECK(objects.alive == 0);
  CHECK(objects.wrong == 0);
}

TEST_CASE("a parent that waits for its children's end is dumped, and may be cancelled",
          "[conc][fork][dump]") {
  test_loop loop;
  const auto child = []() -> task<> { co_await shielded(1h, sleep(10ms)); };
  const auto parent = [&]() -> task<> {
    (void)fork_child(child);
    co_await yield();
  };
  auto handle = loop.spawn(parent);
  for (int pass = 0; pass < 3; ++pass) loop.loop().run_once(time_point::min());
  CHECK_FALSE(handle.done());
  CHECK(loop.loop().dump_tasks().find("the end of its children") != std::string::npos);
  handle.cancel();
  loop.loop().run_until([&] { return handle.done(); });
  check_nothing_left(loop);
}

TEST_CASE("fork outlives its parent, and fork_child does not", "[conc][fork]") {
  test_loop loop;
  names ends;
  loop.run([&]() -> task<> {
    const auto short_sleep = [&](std::string name) -> task<> {
      co_await sleep(5ms);
      ends.push_back(name);
    };
    join_handle<> forked;
    const auto parent = [&]() -> task<> {
      forked = fork(short_sleep, "forked");
      (void)fork_child(short_sleep, "child");
      co_await yield();
    };
    auto handle = spawn(parent);
    co_await handle;
    co_await forked;
  });
  CHECK(ends == names{"forked"});
}

TEST_CASE("a loop that ends destroys children before their parents", "[conc][fork][teardown]") {
  ledger objects;
  {
    test_loop loop;
    gate door;
    const auto hold = [](traced, gate& at) -> task<> { co_await at.wait(); };
    const auto parent = [&](traced) -> task<> {
      (void)fork_child(hold, traced(objects, 2), std::ref(door));
      (void)fork_child(hold, traced(objects, 3), std::ref(door));
      co_await door.wait();
    };
    (void)loop.spawn(parent, traced(objects, 1));
    loop.loop().run_until([&] { return door.waiting() == 3; });
    objects.destroyed.clear();
  }
  CHECK(objects.destroyed == std::vector{3, 2, 1});
  CHECK(objects.wrong == 0);
}

TEST_CASE("a loop may end while a parent waits for its children", "[conc][fork][teardown]") {
  ledger objects;
  {
    test_loop loop;
    const auto child = [](traced) -> task<> { co_await shielded(1h, sleep(1h)); };
    const auto parent = [&](traced) -> task<> {
      (void)fork_child(child, traced(objects, 2));
      co_await yield();
    };
    (void)loop.spawn(parent, traced(objects, 1));
    for (int pass = 0; pass < 4; ++pass) loop.loop().run_once(time_point::min());
    CHECK(loop.loop().stats().tasks_alive == 2);
  }
  CHECK(objects.alive == 0);
  CHECK(objects.wrong == 0);
}

}  // namespace fork_child_test
