#include "net/input_window.hpp"

#include <catch2/catch_test_macros.hpp>

#include <string>

namespace input_window_test {

using cetane::detail::input_window;

TEST_CASE("a window remembers how far it was searched, and for what", "[net][window]") {
  input_window window;
  window.append("some text");
  CHECK(window.searched_for("\n") == 0);

  window.note_searched("\n", 9);
  window.append(" and more");

  CHECK(window.searched_for("\n") == 9);
  CHECK(window.searched_for("\r\n") == 0);
  CHECK(window.view() == "some text and more");
}

TEST_CASE("what was searched moves forward with what is consumed", "[net][window]") {
  input_window window;
  window.append("some text");
  window.note_searched("--", 6);
  window.consume(4);
  CHECK(window.searched_for("--") == 2);
  window.consume(4);
  CHECK(window.searched_for("--") == 0);
}

TEST_CASE("what was searched stays known when the window grows", "[net][window]") {
  input_window window;
  window.append("some text");
  window.note_searched("a mark that is too long for a small string", 9);
  window.append(std::string(10'000, 'x'));
  CHECK(window.searched_for("a mark that is too long for a small string") == 9);
}

}  // namespace input_window_test
