// Names for people, from what g++ and clang write into a source location.
#include <cetane/conc/sleep.hpp>
#include <cetane/conc/spawn.hpp>
#include <cetane/runtime/this_task.hpp>

#include <catch2/catch_test_macros.hpp>
#include <support/gate.hpp>
#include <support/test_loop.hpp>

#include <functional>
#include <map>
#include <string>
#include <utility>
#include <vector>

using cetane::join_handle;
using cetane::task;
using cetane::detail::function_name;
using cetane::test::gate;
using cetane::test::test_loop;

namespace app {

struct room {
  std::string
      title;  // GCC 12 warns of a call by member pointer on an object smaller than a pointer

  task<> talk(gate& door, int) { co_await door.wait(); }
  template <class T>
  task<> of_template(gate& door, std::map<T, T>, std::function<void(T)>) {
    co_await door.wait();
  }
  task<> operator()(gate& door) { co_await door.wait(); }
};

template <class T>
task<> free_template(gate& door, T) {
  co_await door.wait();
}

}  // namespace app

namespace {

task<> in_unnamed_namespace(gate& door, std::pair<int, int>) { co_await door.wait(); }

struct maker {
  static auto lambda() {
    return [](gate& door, auto) -> task<> { co_await door.wait(); };
  }
};

// What a dump calls a task: before it begins, and when it waits.
std::pair<std::string, std::string> names_of(auto function, auto... arguments) {
  test_loop test;
  gate door;
  (void)test.spawn(function, std::ref(door), arguments...);
  const auto name = [&] {
    const std::string text = test.loop().dump_tasks();
    const std::size_t begin = text.find("  ") + 2;
    return text.substr(begin, text.find(',') - begin);
  };
  std::string before = name();
  test.loop().run_until([&] { return door.waiting() == 1; });
  return {before, name()};
}

std::pair<std::string, std::string> both(const std::string& name) { return {name, name}; }

}  // namespace

TEST_CASE("a task is named by its function, before it begins and when it waits",
          "[runtime][label]") {
  CHECK(names_of(in_unnamed_namespace, std::pair(1, 2)) == both("in_unnamed_namespace"));
  CHECK(names_of(app::free_template<std::vector<std::string>>, std::vector<std::string>()) ==
        both("app::free_template"));
  CHECK(names_of(app::room()) == both("app::room"));
  CHECK(names_of(maker::lambda(), 1) == both("lambda in maker::lambda"));
}

TEST_CASE("a member function is named with its class", "[runtime][label]") {
  test_loop test;
  gate door;
  app::room room;
  (void)test.spawn(&app::room::talk, &room, std::ref(door), 1);
  const auto function = &app::room::of_template<std::string>;
  (void)test.spawn(function, &room, std::ref(door), std::map<std::string, std::string>(),
                   std::function<void(std::string)>());
  test.loop().run_until([&] { return door.waiting() == 2; });
  const std::string text = test.loop().dump_tasks();
  CHECK(text.find("  app::room::talk, ") != std::string::npos);
  CHECK(text.find("  app::room::of_template, ") != std::string::npos);
}

TEST_CASE("signatures as g++ writes them", "[runtime][label]") {
  CHECK(function_name("cetane::task<void> show()") == "show");
  CHECK(function_name("void body(body()::_Z4bodyv.Frame*)") == "body");
  CHECK(function_name("cetane::task<std::__cxx11::basic_string<char> > {anonymous}::s::st()") ==
        "s::st");
  CHECK(function_name(
            "void {anonymous}::anon(anon(std::map<int, int>)::_ZN12_GLOBAL__N_14anon.Frame*)") ==
        "anon");
  CHECK(
      function_name("void body()::<lambda()>::operator()(body()::<lambda()>::_ZZ4bodyv.Frame*)") ==
      "lambda in body");
  CHECK(function_name(
            "void body(body()::_Z4bodyv.Frame*)::<lambda(auto:21, std::string)>::operator()("
            "body(body()::_Z4bodyv.Frame*)::<lambda(auto:21, std::string)> "
            "mutable::_ZZ4bo.Frame*)") == "lambda in body");
  CHECK(function_name(
            "outer(outer<int>()::_Z5outerIiE.Frame*)::<lambda(auto:20)> [with auto:20 = int]") ==
        "lambda in outer");
  CHECK(function_name(
            "void app::room::operator()(app::room::operator()(int)::_ZN3app4roomclEi.Frame*)") ==
        "app::room");
}

TEST_CASE("signatures as clang writes them", "[runtime][label]") {
  CHECK(function_name("task<> app::room::talk(int)") == "app::room::talk");
  CHECK(function_name(
            "task<> app::room::tmpl(T, std::function<void (int)>) [T = std::vector<int>]") ==
        "app::room::tmpl");
  CHECK(function_name("static task<std::string> (anonymous namespace)::s::st()") == "s::st");
  CHECK(function_name(
            "auto body()::(anonymous class)::operator()(auto, std::string) [v:auto = int]") ==
        "lambda in body");
  CHECK(function_name(
            "auto (anonymous namespace)::x::y(int)::(anonymous class)::operator()() const") ==
        "lambda in x::y");
  CHECK(function_name("task<> app::room::inner::operator()()") == "app::room::inner");
}

TEST_CASE("what cannot be read is shown as it is, and nothing is read beyond its end",
          "[runtime][label]") {
  CHECK(function_name("") == "");
  CHECK(function_name("main") == "main");
  CHECK(function_name("(") == "(");
  CHECK(function_name("f(") == "f");
  CHECK(function_name("f<") == "f");
  CHECK(function_name(")>") == ")>");
  CHECK(function_name("decltype(a->b) f(decltype(a->b))") == "f");
}
