#include <cetane/app/wait_fire.hpp>

#include <app/application_core.hpp>
#include <app/named_topics.hpp>

#include <app/app_fixture.hpp>

#include <cetane/conc/first.hpp>
#include <cetane/conc/timeout.hpp>
#include <cetane/sync/event.hpp>

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_exception.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>

#include <stdexcept>
#include <string>
#include <string_view>

namespace wait_fire_test {

using namespace std::chrono_literals;
using Catch::Matchers::ContainsSubstring;
using Catch::Matchers::MessageMatches;
using cetane::fire;
using cetane::task;
using cetane::wait;
using cetane::yield;
using cetane::test::app_fixture;

namespace {

std::size_t names_kept() {
  return cetane::detail::application_core::current()->topics()->by_name.size();
}

task<> count_fires(std::string name, int& heard) {
  for (;;) {
    (void)co_await wait<int>(name);
    ++heard;
  }
}

}  // namespace

TEST_CASE("FIRE-1, FIRE-2, FIRE-3: fires are heard by all who wait for the name, and no other",
          "[app][fire]") {
  app_fixture f;
  int one = 0;
  int two = 0;
  f.run([&]() -> task<> {
    auto first = cetane::spawn(count_fires, "one", std::ref(one));
    auto second = cetane::spawn(count_fires, "two", std::ref(two));
    auto third = cetane::spawn(count_fires, "two", std::ref(two));
    co_await yield();
    CHECK(fire("one", 1) == 1);
    CHECK(fire("two", 1) == 2);
    CHECK(fire("three", 1) == 0);
    co_await yield();
    CHECK(fire("one", 2) == 1);
    CHECK(fire("two", 2) == 2);
    co_await yield();
    first.cancel();
    second.cancel();
    third.cancel();
  });
  CHECK(one == 2);
  CHECK(two == 4);
}

TEST_CASE("text of any kind is fired and waited for as std::string", "[app][fire]") {
  app_fixture f;
  std::string heard;
  f.run([&]() -> task<> {
    const auto hear = [&]() -> task<> {
      for (;;) heard += co_await wait("said") + "|";
    };
    auto hearing = cetane::spawn(hear);
    co_await yield();
    CHECK(fire("said", "literal") == 1);
    co_await yield();
    CHECK(fire("said", std::string("string")) == 1);
    co_await yield();
    CHECK(fire("said", std::string_view("view")) == 1);
    co_await yield();
    hearing.cancel();
  });
  CHECK(heard == "literal|string|view|");
}

TEST_CASE("WAIT-5, NEW-29, W24: names leave no residue, whether fired or waited for",
          "[app][fire]") {
  app_fixture f;
  f.run([&]() -> task<> {
    for (int i = 0; i < 1000; ++i) CHECK(fire("nobody " + std::to_string(i), i) == 0);
    CHECK(names_kept() == 0);
    for (int i = 0; i < 50; ++i) {
      const std::string name = "name " + std::to_string(i);
      const auto nothing = co_await cetane::move_on_after(0s, wait<int>(name));
      CHECK_FALSE(nothing);
    }
    CHECK(names_kept() == 0);
    const auto hear = []() -> task<> { (void)co_await wait<int>("heard"); };
    auto hearing = cetane::spawn(hear);
    co_await yield();
    CHECK(names_kept() == 1);
    CHECK(fire("heard", 1) == 1);
    co_await hearing;
    CHECK(names_kept() == 0);
  });
}

TEST_CASE("WAIT-1, WAIT-2: the same text is the same name, another is another", "[app][fire]") {
  app_fixture f;
  f.run([&]() -> task<> {
    const auto one = wait<int>("same");
    const auto two = wait<int>(std::string("sa") + "me");
    CHECK(names_kept() == 1);
    const auto three = wait<int>("different");
    CHECK(names_kept() == 2);
    co_return;
  });
}

TEST_CASE("WAIT-3: a name beside something that is ready is not waited for", "[app][fire]") {
  app_fixture f;
  f.run([&]() -> task<> {
    cetane::event ready;
    ready.set();
    const std::uint64_t resumes = f.stats().resumes;

    auto turn = co_await cetane::first(ready.wait(), wait<int>("name"));
    auto& [was_ready, fired] = turn;

    CHECK((was_ready && !fired));
    CHECK(f.stats().resumes == resumes);  // it did not suspend
    CHECK(names_kept() == 0);
    CHECK(fire("name", 1) == 0);
  });
}

TEST_CASE("WAIT-4: who waits for a name is there under it, until it is fired or given up",
          "[app][fire]") {
  app_fixture f;
  int heard = 0;
  f.run([&]() -> task<> {
    auto hearing = cetane::spawn(count_fires, "news", std::ref(heard));
    CHECK(fire("news", 1) == 0);  // it has not begun
    co_await yield();
    CHECK(names_kept() == 1);
    CHECK(fire("news", 1) == 1);
    CHECK(fire("news", 1) == 0);  // it has been told, and waits again when its turn comes
    co_await yield();
    CHECK(names_kept() == 1);
    hearing.cancel();
    CHECK(fire("news", 1) == 0);
    co_await yield();
    CHECK(names_kept() == 0);
  });
  CHECK(heard == 1);
}

TEST_CASE("a name that is waited for with one type is not fired with another", "[app][fire]") {
  app_fixture f;
  f.run([&]() -> task<> {
    const auto number = wait<int>("number");
    CHECK_THROWS_MATCHES(
        fire("number", "text"), std::logic_error,
        MessageMatches(ContainsSubstring("std::string") && ContainsSubstring("type int")));
    CHECK_THROWS_AS(wait<double>("number"), std::logic_error);
    CHECK(fire("number", 1) == 0);  // nobody has awaited
    co_return;
  });
}

TEST_CASE("wait and fire need an application, and say so", "[app][fire]") {
  cetane::test::test_loop loop;
  loop.run([]() -> task<> {
    CHECK_THROWS_MATCHES(fire("name", 1), std::logic_error,
                         MessageMatches(ContainsSubstring("use a topic")));
    CHECK_THROWS_AS(wait<int>("name"), std::logic_error);
    co_return;
  });
}

TEST_CASE("the dump says which name is waited for", "[app][fire]") {
  app_fixture f;
  int heard = 0;
  f.run([&]() -> task<> {
    auto hearing = cetane::spawn(count_fires, "news", std::ref(heard));
    co_await yield();
    CHECK_THAT(f.loop.loop().dump_tasks(), ContainsSubstring("wait for \"news\""));
    hearing.cancel();
  });
}

}  // namespace wait_fire_test
