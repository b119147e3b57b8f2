#include <cetane/conc/attached_errors.hpp>

#include <catch2/catch_test_macros.hpp>

#include <cstddef>
#include <exception>
#include <stdexcept>
#include <string>
#include <vector>

using cetane::attached_errors;
using cetane::detail::attach_errors;

namespace attached_errors_test {
namespace {

std::exception_ptr error(const std::string& text) {
  return std::make_exception_ptr(std::runtime_error(text));
}

std::string text_of(const std::exception_ptr& error) {
  try {
    std::rethrow_exception(error);
  } catch (const std::runtime_error& e) {
    return e.what();
  }
}

TEST_CASE("the last eight errors keep what is attached to them, older ones lose it",
          "[conc][attached_errors]") {
  constexpr std::size_t remembered = 8;
  std::vector<std::exception_ptr> thrown;
  for (std::size_t number = 0; number < remembered + 2; ++number) {
    thrown.push_back(error("thrown " + std::to_string(number)));
    attach_errors(thrown.back(), {error("with " + std::to_string(number))});
  }
  CHECK(attached_errors(thrown[0]).empty());
  CHECK(attached_errors(thrown[1]).empty());
  for (std::size_t number = 2; number < thrown.size(); ++number) {
    const std::vector<std::exception_ptr> attached = attached_errors(thrown[number]);
    REQUIRE(attached.size() == 1);
    CHECK(text_of(attached[0]) == "with " + std::to_string(number));
  }
}

TEST_CASE("an error that is attached to twice has both, and 64 at most",
          "[conc][attached_errors]") {
  const std::exception_ptr thrown = error("thrown");
  attach_errors(thrown, {error("first")});
  attach_errors(thrown, {error("second")});
  REQUIRE(attached_errors(thrown).size() == 2);
  CHECK(text_of(attached_errors(thrown)[1]) == "second");
  attach_errors(thrown, std::vector<std::exception_ptr>(70, error("more")));
  CHECK(attached_errors(thrown).size() == 64);
}

}  // namespace
}  // namespace attached_errors_test
