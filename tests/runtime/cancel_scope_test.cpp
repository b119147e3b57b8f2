#include <cetane/runtime/cancel_scope.hpp>

#include <cetane/conc/sleep.hpp>
#include <cetane/conc/spawn.hpp>
#include <cetane/runtime/this_task.hpp>

#include <catch2/catch_test_macros.hpp>
#include <support/gate.hpp>
#include <support/test_loop.hpp>

#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace cancel_scope_test {

using cetane::cancel_reason;
using cetane::cancel_scope;
using cetane::cancelled;
using cetane::join_handle;
using cetane::spawn;
using cetane::task;
using cetane::yield;
using cetane::detail::cancel_task;
using cetane::detail::spawn_in;
using cetane::detail::task_context;
using cetane::detail::this_task;
using cetane::test::gate;
using cetane::test::test_loop;

namespace {

// The running task is in the scope as long as this lives.
class within {
 public:
  explicit within(cancel_scope& scope) : scope_(scope), self_(this_task("test")) {
    scope_.enter(self_);
  }
  within(const within&) = delete;
  within& operator=(const within&) = delete;
  ~within() { scope_.leave(self_); }

 private:
  cancel_scope& scope_;
  task_context& self_;
};

cancel_scope& current_scope() { return *this_task("test").scope; }

task<> wait_and_note(gate& door, std::string& ends, char name) {
  try {
    co_await door.wait();
    ends += static_cast<char>(name - 'a' + 'A');
  } catch (const cancelled&) {
    ends += name;
  }
}

// Whether an await throws.
task<bool> is_refused() {
  try {
    co_await yield();
  } catch (const cancelled&) {
    co_return true;
  }
  co_return false;
}
// As a plain flag: in a cancelled task even the call of is_refused() would throw.
bool is_cancelled() { return this_task("test").cancel_state != cancel_reason::none; }

}  // namespace

TEST_CASE("a scope cancels what is in it and below, and nothing beside or above",
          "[runtime][cancel]") {
  test_loop test;
  gate door;
  std::string ends;
  cancel_scope above(&test.loop().scope());
  cancel_scope beside(&above);
  cancel_scope scope(&above);
  cancel_scope below(&scope);
  cancel_scope further_below(&below);
  const std::pair<cancel_scope*, char> places[] = {
      {&above, 'a'}, {&beside, 'b'}, {&scope, 'c'}, {&below, 'd'}, {&further_below, 'e'}};
  for (const auto& [place, name] : places) {
    (void)spawn_in(test.loop(), *place, wait_and_note, std::ref(door), std::ref(ends), name);
  }
  test.loop().run_until([&] { return door.waiting() == 5; });

  scope.cancel();
  CHECK(ends.empty());  // nobody's code runs before the loop resumes them
  CHECK(scope.cancelled());
  CHECK(further_below.cancelled());
  CHECK_FALSE(above.cancelled());
  test.loop().run_once(cetane::time_point::min());
  CHECK(ends == "cde");

  door.open();
  test.loop().run_once(cetane::time_point::min());
  CHECK(ends == "cdeAB");
}

TEST_CASE("the members of a scope are woken in the order in which they came", "[runtime][cancel]") {
  test_loop test;
  gate door;
  std::string ends;
  for (const char name : {'e', 'a', 'd', 'b', 'c'}) {
    (void)test.spawn(wait_and_note, std::ref(door), std::ref(ends), name);
  }
  test.loop().run_until([&] { return door.waiting() == 5; });

  test.loop().scope().cancel(cancel_reason::shutdown);
  test.loop().run_once(cetane::time_point::min());

  REQUIRE(ends == "eadbc");
}

TEST_CASE("a scope within a cancelled one begins cancelled, save a shield", "[runtime][cancel]") {
  cancel_scope outer;
  outer.cancel(cancel_reason::timeout);
  const cancel_scope inner(&outer);
  cancel_scope shield(&outer, cancel_scope::shield::yes);
  const cancel_scope inside(&shield);
  CHECK(inner.reason() == cancel_reason::timeout);
  CHECK_FALSE(shield.cancelled());
  CHECK_FALSE(inside.cancelled());
}

TEST_CASE("a shield keeps what is below it until it is cancelled itself", "[runtime][cancel]") {
  cancel_scope outer;
  cancel_scope shield(&outer, cancel_scope::shield::yes);
  const cancel_scope inside(&shield);
  const cancel_scope beside(&outer);

  outer.cancel();
  CHECK_FALSE(shield.cancelled());
  CHECK_FALSE(inside.cancelled());
  CHECK(beside.cancelled());
  shield.cancel(cancel_reason::timeout);
  CHECK(inside.reason() == cancel_reason::timeout);
}

TEST_CASE("the first reason of a scope stays, and one below keeps its own", "[runtime][cancel]") {
  cancel_scope outer;
  cancel_scope inner(&outer);
  inner.cancel(cancel_reason::sibling);
  outer.cancel(cancel_reason::shutdown);
  outer.cancel(cancel_reason::user);
  CHECK(inner.reason() == cancel_reason::sibling);
  CHECK(outer.reason() == cancel_reason::shutdown);
}

TEST_CASE("a shielded task finishes its clean-up and is refused again behind the shield",
          "[runtime][cancel]") {
  test_loop test;
  gate door;
  std::string seen;
  const auto body = [&]() -> task<> {
    try {
      co_await door.wait();
    } catch (const cancelled&) {
      seen += "cancelled ";
    }
    {
      cancel_scope shield(&current_scope(), cancel_scope::shield::yes);
      const within here(shield);
      co_await door.wait();
      seen += "cleaned ";
    }
    co_await yield();
    seen += "never ";
  };
  for (const bool by_scope : {true, false}) {
    CAPTURE(by_scope);
    seen.clear();
    cancel_scope scope(&test.loop().scope());
    auto handle = spawn_in(test.loop(), scope, body);
    test.loop().run_until([&] { return door.waiting() == 1; });
    if (by_scope)
      scope.cancel();
    else
      handle.cancel();
    test.loop().run_once(cetane::time_point::min());
    CHECK(seen == "cancelled ");
    CHECK(door.waiting() == 1);
    door.open();
    test.loop().run_until([&] { return handle.done(); });
    CHECK(seen == "cancelled cleaned ");
  }
}

TEST_CASE("a cancellation that comes while the task is shielded waits behind the shield",
          "[runtime][cancel]") {
  test_loop test;
  gate door;
  std::string seen;
  const auto body = [&]() -> task<> {
    {
      cancel_scope shield(&current_scope(), cancel_scope::shield::yes);
      const within here(shield);
      {
        cancel_scope inside(&shield);
        const within there(inside);
        co_await door.wait();
        seen += "inside ";
      }
      co_await yield();
      seen += "shielded ";
    }
    co_await yield();
    seen += "never ";
  };
  for (const bool by_scope : {true, false}) {
    CAPTURE(by_scope);
    seen.clear();
    cancel_scope scope(&test.loop().scope());
    auto handle = spawn_in(test.loop(), scope, body);
    test.loop().run_until([&] { return door.waiting() == 1; });
    if (by_scope)
      scope.cancel();
    else
      handle.cancel();
    CHECK(door.waiting() == 1);
    door.open();
    test.loop().run_until([&] { return handle.done(); });
    CHECK(seen == "inside shielded ");
  }
}

TEST_CASE("the first reason of a task stays, also of one that is shielded meanwhile",
          "[runtime][cancel]") {
  test_loop test;
  gate door;
  task_context* self = nullptr;
  cancel_reason told = cancel_reason::none;
  const auto body = [&]() -> task<> {
    self = &this_task("test");
    {
      cancel_scope shield(&current_scope(), cancel_scope::shield::yes);
      const within here(shield);
      co_await door.wait();
    }
    told = self->cancel_state;
    co_await yield();
  };
  auto handle = test.spawn(body);
  test.loop().run_until([&] { return door.waiting() == 1; });

  cancel_task(*self, cancel_reason::sibling);
  cancel_task(*self, cancel_reason::user);
  door.open();
  test.loop().run_until([&] { return handle.done(); });

  CHECK(told == cancel_reason::sibling);
}

TEST_CASE("a task cancelled by its handle stays so in the scopes that it enters and leaves",
          "[runtime][cancel]") {
  test_loop test;
  gate door;
  bool in_new_scope = false;
  bool behind_it = false;
  const auto body = [&]() -> task<> {
    try {
      cancel_scope first(&current_scope());
      const within here(first);
      co_await door.wait();
    } catch (const cancelled&) {
      behind_it = is_cancelled();
    }
    cancel_scope second(&current_scope());
    const within there(second);
    in_new_scope = is_cancelled();
    co_await is_refused();
  };
  auto handle = test.spawn(body);
  test.loop().run_until([&] { return door.waiting() == 1; });

  handle.cancel();
  test.loop().run_until([&] { return handle.done(); });

  CHECK(behind_it);
  CHECK(in_new_scope);
}

TEST_CASE("a task that leaves a cancelled scope is free again", "[runtime][cancel]") {
  test_loop test;
  test.run([]() -> task<> {
    {
      cancel_scope scope(&current_scope());
      const within here(scope);
      scope.cancel();
      CHECK(is_cancelled());
    }
    CHECK_FALSE(is_cancelled());
    const bool refused = co_await is_refused();
    CHECK_FALSE(refused);
  });
}

TEST_CASE("what is spawned within a scope belongs to it", "[runtime][cancel]") {
  test_loop test;
  test.run([]() -> task<> {
    gate door;
    std::string ends;
    cancel_scope scope(&current_scope());
    {
      const within here(scope);
      (void)spawn(wait_and_note, std::ref(door), std::ref(ends), 'a');
    }
    (void)spawn(wait_and_note, std::ref(door), std::ref(ends), 'b');
    co_await yield();
    scope.cancel();
    co_await yield();
    CHECK(ends == "a");
    CHECK(scope.empty());
    door.open();
    co_await yield();
    CHECK(ends == "aB");
  });
}

TEST_CASE("a task spawned in a cancelled scope begins, and its first await throws",
          "[runtime][cancel]") {
  test_loop test;
  cancel_scope scope(&test.loop().scope());
  scope.cancel();
  std::string seen;
  const auto body = [&]() -> task<> {
    seen += "begun ";
    co_await yield();
    seen += "never ";
  };
  const auto handle = spawn_in(test.loop(), scope, body);
  test.loop().run_until([&] { return handle.done(); });
  REQUIRE(seen == "begun ");
}

TEST_CASE("a scope that is dissolved leaves its members to the parent, cancelled as they are",
          "[runtime][cancel]") {
  test_loop test;
  gate door;
  std::string ends;
  cancel_scope parent(&test.loop().scope());
  {
    cancel_scope scope(&parent);
    cancel_scope below(&scope);
    (void)spawn_in(test.loop(), scope, wait_and_note, std::ref(door), std::ref(ends), 'a');
    (void)spawn_in(test.loop(), below, wait_and_note, std::ref(door), std::ref(ends), 'b');
    test.loop().run_until([&] { return door.waiting() == 2; });
    below.dissolve();
    scope.dissolve();
    CHECK(scope.empty());
  }
  parent.cancel();
  test.loop().run_once(cetane::time_point::min());
  REQUIRE(ends == "ab");
}

TEST_CASE("the last task of a tree of scopes is found, and null when there is none",
          "[runtime][cancel]") {
  test_loop test;
  gate door;
  std::string ends;
  cancel_scope top(&test.loop().scope());
  cancel_scope empty_first(&top);
  cancel_scope second(&top);
  cancel_scope in_second(&second);
  cancel_scope empty_last(&top);
  cancel_scope in_last(&empty_last);
  CHECK(top.last_task() == nullptr);

  std::vector<join_handle<>> handles;
  const auto start = [&](cancel_scope& in) {
    handles.push_back(
        spawn_in(test.loop(), in, wait_and_note, std::ref(door), std::ref(ends), 'x'));
    task_context* newest = nullptr;
    in.for_each_task([&](task_context& each) {
      if (each.scope == &in) newest = &each;
    });
    return newest;
  };
  task_context* const in_top = start(top);
  CHECK(top.last_task() == in_top);
  task_context* const below_second = start(in_second);
  CHECK(top.last_task() == below_second);
  (void)start(second);
  CHECK(top.last_task() == below_second);
  task_context* const last = start(in_last);
  CHECK(top.last_task() == last);
  CHECK(second.last_task() == below_second);

  top.cancel();
  test.loop().run_until([&] { return test.loop().stats().tasks_alive == 0; });
  CHECK(top.last_task() == nullptr);
}

TEST_CASE("100,000 scopes within each other are cancelled at once", "[runtime][cancel]") {
  std::vector<std::unique_ptr<cancel_scope>> nested;
  cancel_scope outer;
  cancel_scope* innermost = &outer;
  for (int i = 0; i < 100'000; ++i) {
    nested.push_back(std::make_unique<cancel_scope>(innermost));
    innermost = nested.back().get();
  }
  outer.cancel();
  CHECK(innermost->cancelled());
  CHECK(outer.last_task() == nullptr);
  while (!nested.empty()) nested.pop_back();
}

}  // namespace cancel_scope_test
