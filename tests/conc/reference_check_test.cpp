#include <cetane/conc/reference_check.hpp>

#include <cetane/conc/spawn.hpp>

#include <catch2/catch_test_macros.hpp>

#include <functional>
#include <memory>
#include <string>
#include <type_traits>
#include <vector>

namespace reference_check_test {

using cetane::task;
using cetane::detail::gets_temporary;
using cetane::detail::kept_argument;
using cetane::detail::kept_t;

namespace {

struct base {};
struct derived : base {};
struct makes_base {
  operator base() const { return {}; }
};

task<> takes_function(const std::function<void()>&) { co_return; }
task<> takes_text(const std::string&) { co_return; }
task<> takes_value(std::string) { co_return; }
task<> takes_base(const base&) { co_return; }
task<> changes_base(base&) { co_return; }
task<> takes_moved(std::vector<int>&&) { co_return; }
task<> takes_number(const double&) noexcept { co_return; }

struct object {
  task<> member(const std::string&, int) { co_return; }
  task<> constant(const base&) const noexcept { co_return; }
};

const auto plain = [] {};
const auto lambda = [](const double&) -> task<> { co_return; };
const auto generic = [](const auto&) -> task<> { co_return; };

// Of a function and what spawn() is given for it.
template <class... Given>
constexpr bool dangles(auto function) {
  return gets_temporary<decltype(function), typename kept_argument<kept_t<Given>>::moved...>();
}

}  // namespace

TEST_CASE("a reference to the outcome of a conversion is found", "[conc][spawn]") {
  CHECK(dangles<decltype(plain)>(takes_function));
  CHECK(dangles<int>(takes_number));
  CHECK(dangles<int>(lambda));
  CHECK(dangles<object*, makes_base>(&object::constant));
}

TEST_CASE("a reference to what the task keeps is none", "[conc][spawn]") {
  CHECK_FALSE(dangles<std::function<void()>>(takes_function));
  CHECK_FALSE(dangles<std::string>(takes_text));
  CHECK_FALSE(dangles<const char*>(takes_text));
  CHECK_FALSE(dangles<const char(&)[5]>(takes_text));
  CHECK_FALSE(dangles<derived>(takes_base));
  CHECK_FALSE(dangles<std::reference_wrapper<derived>>(changes_base));
  CHECK_FALSE(dangles<std::vector<int>>(takes_moved));
  CHECK_FALSE(dangles<const double>(takes_number));
  CHECK_FALSE(dangles<std::shared_ptr<object>, const char*, int>(&object::member));
  CHECK_FALSE(dangles<object*, derived>(&object::constant));
}

TEST_CASE("a value that is converted is none, and what cannot be known is not accused",
          "[conc][spawn]") {
  CHECK_FALSE(dangles<const char*>(takes_value));
  CHECK_FALSE(dangles<int>(generic));
  CHECK_FALSE(dangles<int>(takes_text));
}

}  // namespace reference_check_test
