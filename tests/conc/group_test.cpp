#include "cetane/conc/group.hpp"

#include <cetane/base/scope_exit.hpp>
#include <cetane/conc/attached_errors.hpp>
#include <cetane/conc/attempt.hpp>
#include <cetane/conc/sleep.hpp>
#include <cetane/conc/spawn.hpp>
#include <cetane/conc/timeout.hpp>

#include <app/captured_log.hpp>
#include <catch2/catch_test_macros.hpp>
#include <support/expect.hpp>
#include <support/gate.hpp>
#include <support/test_loop.hpp>
#include <support/traced.hpp>

#include <algorithm>
#include <chrono>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace group_test {

using namespace cetane;
using namespace cetane::test;
using namespace std::chrono_literals;

namespace {

task<> fail_after(duration span, std::string text) {
  co_await sleep(span);
  throw std::runtime_error(text);
}

task<> fail_when_cancelled(std::string text) {
  try {
    co_await sleep_until(never);
  } catch (const cancelled&) {
    throw std::runtime_error(text);
  }
}

task<> note_end(std::vector<std::string>& ends, std::string name, duration span) {
  try {
    co_await sleep(span);
    ends.push_back(name);
  } catch (const cancelled& e) {
    ends.push_back(name + ": " + to_string(e.reason));
    throw;
  }
}

}  // namespace

TEST_CASE("a group ends when its body and all of its tasks have ended", "[conc][group]") {
  test_loop loop;
  loop.run([]() -> task<> {
    std::vector<std::string> ends;
    co_await with_group([&](group& g) -> task<> {
      g.spawn(note_end, std::ref(ends), "slow", 20ms);
      g.spawn(note_end, std::ref(ends), "quick", 1ms);
      CHECK(g.size() == 2);
      ends.push_back("body");
      co_return;
    });
    CHECK(ends == std::vector<std::string>{"body", "quick", "slow"});
  });
  check_nothing_left(loop);
}

TEST_CASE("a group without tasks ends with its body", "[conc][group]") {
  test_loop loop;
  int ran = 0;
  loop.run([&]() -> task<> {
    co_await with_group([&](group&) -> task<> {
      ++ran;
      co_return;
    });
  });
  CHECK(ran == 1);
  check_nothing_left(loop);
}

TEST_CASE("the first error cancels the others, and is thrown when they have ended",
          "[conc][group]") {
  test_loop loop;
  std::vector<std::string> ends;
  loop.run([&]() -> task<> {
    auto body = [&](group& g) -> task<> {
      g.spawn(note_end, std::ref(ends), "other", 1h);
      g.spawn(fail_after, 1ms, "broken");
      co_await note_end(ends, "body", 1h);
    };
    const std::string text = co_await thrown_by(with_group(body));
    ends.push_back(text);
  });
  CHECK(ends.size() == 3);
  CHECK(ends.back() == "broken");
  for (const char* each : {"other: sibling", "body: sibling"})
    CHECK(std::count(ends.begin(), ends.end(), each) == 1);
  check_nothing_left(loop);
}

TEST_CASE("an error of the body cancels the tasks", "[conc][group]") {
  test_loop loop;
  std::vector<std::string> ends;
  loop.run([&]() -> task<> {
    auto body = [&](group& g) -> task<> {
      g.spawn(note_end, std::ref(ends), "task", 1h);
      co_await yield();
      throw std::runtime_error("body broke");
    };
    const std::string text = co_await thrown_by(with_group(body));
    CHECK(text == "body broke");
  });
  CHECK(ends == std::vector<std::string>{"task: sibling"});
  check_nothing_left(loop);
}

TEST_CASE("the errors after the first one are attached to it, and each is logged once",
          "[conc][group]") {
  const captured_log log;
  test_loop loop;
  std::vector<std::string> attached;
  loop.run([&]() -> task<> {
    auto body = [&](group& g) -> task<> {
      g.spawn(fail_after, 1ms, "first").label("one");
      g.spawn(fail_when_cancelled, "second").label("two");
      g.spawn(fail_when_cancelled, "third").label("three");
      co_return;
    };
    try {
      co_await with_group(body);
    } catch (const std::runtime_error& e) {
      CHECK(std::string(e.what()) == "first");
      for (const std::exception_ptr& each : attached_errors()) {
        try {
          std::rethrow_exception(each);
        } catch (const std::runtime_error& other) {
          attached.push_back(other.what());
        }
      }
    }
  });
  CHECK(attached == std::vector<std::string>{"second", "third"});
  CHECK(log.of(log::level::error) ==
        std::vector<std::string>{"unhandled exception in two: second",
                                 "unhandled exception in three: third"});
}

TEST_CASE("nothing is attached to an error that came alone", "[conc][group]") {
  test_loop loop;
  loop.run([&]() -> task<> {
    auto body = [&](group& g) -> task<> {
      g.spawn(fail_after, 1ms, "alone");
      co_return;
    };
    try {
      co_await with_group(body);
    } catch (const std::runtime_error&) {
      CHECK(attached_errors().empty());
    }
    CHECK(attached_errors().empty());
  });
}

TEST_CASE("a body that joins the task that fails throws its error once", "[conc][group]") {
  const captured_log log;
  test_loop loop;
  loop.run([&]() -> task<> {
    auto body = [&](group& g) -> task<> {
      auto child = g.spawn(fail_after, 1ms, "joined");
      co_await child;
    };
    try {
      co_await with_group(body);
    } catch (const std::runtime_error& e) {
      CHECK(std::string(e.what()) == "joined");
      CHECK(attached_errors().empty());
    }
  });
  CHECK(log.of(log::level::error).empty());
}

TEST_CASE("results of a group's tasks are there for who joins them", "[conc][group]") {
  test_loop loop;
  loop.run([]() -> task<> {
    int sum = 0;
    const auto number = [](int n) -> task<int> {
      co_await yield();
      co_return n;
    };
    co_await with_group([&](group& g) -> task<> {
      auto a = g.spawn(number, 3);
      auto b = g.spawn(number, 4);
      sum = co_await a;
      sum += co_await b;
    });
    CHECK(sum == 7);
  });
}

TEST_CASE("a group that is cancelled from within ends its body and tasks, and returns",
          "[conc][group]") {
  test_loop loop;
  std::vector<std::string> ends;
  loop.run([&]() -> task<> {
    co_await with_group([&](group& g) -> task<> {
      g.spawn(note_end, std::ref(ends), "task", 1h);
      co_await yield();
      g.cancel();
      co_await note_end(ends, "body", 1h);
    });
    ends.push_back("after");
    co_await yield();  // the task itself is not cancelled
  });
  CHECK(ends == std::vector<std::string>{"task: user", "after"});
  check_nothing_left(loop);
}

TEST_CASE("a task of a group that is cancelled alone does not end the others", "[conc][group]") {
  test_loop loop;
  std::vector<std::string> ends;
  loop.run([&]() -> task<> {
    co_await with_group([&](group& g) -> task<> {
      auto one = g.spawn(note_end, std::ref(ends), "one", 1h);
      g.spawn(note_end, std::ref(ends), "two", 5ms);
      co_await yield();
      one.cancel();
    });
  });
  CHECK(ends == std::vector<std::string>{"one: user", "two"});
}

TEST_CASE("a cancel from outside reaches all of a group, which ends before it is told",
          "[conc][group]") {
  test_loop loop;
  std::vector<std::string> ends;
  loop.run([&]() -> task<> {
    const auto owner = [&]() -> task<> {
      try {
        co_await with_group([&](group& g) -> task<> {
          g.spawn(note_end, std::ref(ends), "one", 1h);
          g.spawn(note_end, std::ref(ends), "two", 1h);
          co_return;
        });
      } catch (const cancelled& e) {
        ends.push_back(std::string("owner: ") + to_string(e.reason));
        throw;
      }
    };
    auto handle = spawn(owner);
    co_await yield();
    co_await yield();
    handle.cancel();
    const std::string text = co_await thrown_by(handle);
    CHECK(text == "cancelled: user");
  });
  std::sort(ends.begin(), ends.begin() + 2);
  CHECK(ends == std::vector<std::string>{"one: user", "two: user", "owner: user"});
  check_nothing_left(loop);
}

TEST_CASE("a timeout around a group says what it waited for", "[conc][group]") {
  test_loop loop;
  loop.run([]() -> task<> {
    auto body = [&](group& g) -> task<> {
      g.spawn([]() -> task<> { co_await sleep(1h); });
      g.spawn([]() -> task<> { co_await sleep(1h); });
      co_return;
    };
    const std::string text = co_await thrown_by(with_timeout(3ms, with_group(body)));
    CHECK(text == "the end of 2 tasks: not done within 3 ms");
  });
  check_nothing_left(loop);
}

TEST_CASE("a deadline within the body reaches what the body does, not the group", "[conc][group]") {
  test_loop loop;
  std::vector<std::string> ends;
  loop.run([&]() -> task<> {
    co_await with_group([&](group& g) -> task<> {
      g.spawn(note_end, std::ref(ends), "task", 10ms);
      const bool in_time = co_await move_on_after(1ms, sleep(1h));
      CHECK_FALSE(in_time);
      ends.push_back("body");
    });
  });
  CHECK(ends == std::vector<std::string>{"body", "task"});
}

TEST_CASE("a task of a group may start others in it", "[conc][group]") {
  test_loop loop;
  int ended = 0;
  loop.run([&]() -> task<> {
    co_await with_group([&](group& g) -> task<> {
      const auto grow = [&ended](const auto& self, group& in, int depth) -> task<> {
        if (depth > 0) {
          in.spawn(self, self, std::ref(in), depth - 1);
          in.spawn(self, self, std::ref(in), depth - 1);
        }
        co_await yield();
        ++ended;
      };
      g.spawn(grow, grow, std::ref(g), 5);
      co_return;
    });
    CHECK(ended == 63);
  });
  check_nothing_left(loop);
}

TEST_CASE("groups nest, and an error goes out through all of them", "[conc][group]") {
  test_loop loop;
  std::vector<std::string> ends;
  loop.run([&]() -> task<> {
    auto inner = [&](group& g) -> task<> {
      g.spawn(note_end, std::ref(ends), "inner", 1h);
      g.spawn(fail_after, 1ms, "deep");
      co_return;
    };
    auto outer = [&](group& g) -> task<> {
      g.spawn(note_end, std::ref(ends), "outer", 1h);
      co_await with_group(inner);
    };
    const std::string text = co_await thrown_by(with_group(outer));
    CHECK(text == "deep");
  });
  CHECK(ends == std::vector<std::string>{"inner: sibling", "outer: sibling"});
  check_nothing_left(loop);
}

TEST_CASE("a loop that ends destroys a group's tasks before what they were lent",
          "[conc][group][teardown]") {
  ledger objects;
  {
    test_loop loop;
    gate door;
    const auto owner = [&]() -> task<> {
      co_await with_group([&](group& g) -> task<> {
        const traced lent(objects, 1);
        const auto borrows = [](const traced& from, ledger& book, gate& at) -> task<> {
          const scope_exit look([&] { CHECK(from.number() == 1); });
          const traced own(book, 2);
          co_await at.wait();
        };
        g.spawn(borrows, std::ref(lent), std::ref(objects), std::ref(door));
        co_await yield();
        co_await with_timeout(1h, door.wait());  // the owner is in a scope that is newer
      });
    };
    (void)loop.spawn(owner);
    loop.loop().run_until([&] { return door.waiting() == 2; });
    objects.destroyed.clear();
  }
  CHECK(objects.destroyed == std::vector{2, 1});
  CHECK(objects.wrong == 0);
}

TEST_CASE("the body is kept as long as the group", "[conc][group]") {
  test_loop loop;
  loop.run([]() -> task<> {
    std::string seen;
    auto make = [&seen](std::string text) {
      auto body = [&seen, text](group&) -> task<> {
        co_await yield();
        seen = text;
      };
      return with_group(body);
    };
    co_await make("a text that needs the heap, for sure it does");
    CHECK(seen == "a text that needs the heap, for sure it does");
  });
}

TEST_CASE("an error that passes through two groups takes along what was attached in both",
          "[conc][group]") {
  test_loop loop;
  const captured_log quiet;
  loop.run([]() -> task<> {
    std::vector<std::string> attached;
    const auto inner = [](group& tasks) -> task<> {
      tasks.spawn(fail_after, 1ms, "first");
      tasks.spawn(fail_when_cancelled, "second");
      co_return;
    };
    const auto outer = [&](group& tasks) -> task<> {
      tasks.spawn(fail_when_cancelled, "third");
      co_await with_group(inner);
    };
    try {
      co_await with_group(outer);
    } catch (const std::runtime_error&) {
      for (const auto& each : attached_errors()) attached.push_back(detail::error_text(each));
    }
    CHECK(attached == std::vector<std::string>{"second", "third"});
  });
}

TEST_CASE("a task that is started when the last of a group has just ended is waited for",
          "[conc][group]") {
  test_loop loop;
  loop.run([]() -> task<> {
    group* lent = nullptr;
    bool ended = false;
    const auto last = []() -> task<> { co_await yield(); };
    const auto late = [&]() -> task<> {
      co_await sleep(1ms);
      ended = true;
    };
    const auto outsider = [&]() -> task<> {
      while (lent == nullptr || lent->size() != 0) co_await yield();
      lent->spawn(late);
    };
    auto handle = spawn(outsider);
    const auto body = [&](group& tasks) -> task<> {
      tasks.spawn(last);
      lent = &tasks;
      co_return;
    };
    co_await with_group(body);
    CHECK(ended);
    co_await handle;
  });
  check_nothing_left(loop);
}

}  // namespace group_test
