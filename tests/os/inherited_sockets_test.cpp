#include <os/inherited_sockets.hpp>

#include <cetane/base/errors.hpp>

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_exception.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>

#include <cstdlib>
#include <string>
#include <vector>

#include <unistd.h>

namespace inherited_sockets_test {

using namespace cetane;
using Catch::Matchers::ContainsSubstring;
using Catch::Matchers::MessageMatches;
using os::listen_variables;
using os::read_listen_variables;
using names = std::vector<std::string>;

TEST_CASE("sockets are ours when LISTEN_PID is this process", "[os][inherited_sockets]") {
  REQUIRE(read_listen_variables({"12", "2", "web:admin"}, 12) == names{"web", "admin"});
  REQUIRE(read_listen_variables({"13", "2", "web:admin"}, 12).empty());
  REQUIRE(read_listen_variables({"13", "garbage", "web"}, 12).empty());
}

TEST_CASE("without both LISTEN_PID and LISTEN_FDS nothing was given", "[os][inherited_sockets]") {
  REQUIRE(read_listen_variables({}, 12).empty());
  REQUIRE(read_listen_variables({nullptr, "2", "a:b"}, 12).empty());
  REQUIRE(read_listen_variables({"12", nullptr, "a:b"}, 12).empty());
  REQUIRE(read_listen_variables({"12", "0", ""}, 12).empty());
}

TEST_CASE("a socket that nobody has named is unknown, and a name may be empty",
          "[os][inherited_sockets]") {
  REQUIRE(read_listen_variables({"12", "2", nullptr}, 12) == names{"unknown", "unknown"});
  REQUIRE(read_listen_variables({"12", "1", ""}, 12) == names{""});
  REQUIRE(read_listen_variables({"12", "3", ":x:"}, 12) == names{"", "x", ""});
}

TEST_CASE("variables that make no sense are refused, each by its name", "[os][inherited_sockets]") {
  const auto complaint = [](const listen_variables& said) -> std::string {
    try {
      read_listen_variables(said, 12);
    } catch (const error& e) {
      CHECK(e.code() == std::errc::invalid_argument);
      return e.what();
    }
    return "none";
  };
  for (const char* const pid : {"", "0", "-1", "12 ", " 12", "0x0c", "twelve", "99999999999"}) {
    INFO(pid);
    CHECK_THAT(complaint({pid, "1", nullptr}), ContainsSubstring("LISTEN_PID: \""));
  }
  for (const char* const count : {"", "-1", "1.5", "1025", "99999999999999999999", "+1"}) {
    INFO(count);
    CHECK_THAT(complaint({"12", count, nullptr}), ContainsSubstring("LISTEN_FDS: \""));
  }
  CHECK_THAT(complaint({"12", "1", "a:b"}),
             ContainsSubstring("LISTEN_FDNAMES: \"a:b\" has 2 names for 1 socket"));
  CHECK_THAT(complaint({"12", "2", "a"}), ContainsSubstring("has 1 name for 2 sockets"));
}

TEST_CASE("a note of an earlier run reads as it was written", "[os][inherited_sockets]") {
  for (const char* const text : {"3:", "8:3", "8:3,5"}) {
    REQUIRE(os::to_string(os::read_predecessor_note(text)) == text);
  }
  const os::predecessor_note note = os::read_predecessor_note("8:3,5");
  REQUIRE(note.link == 8);
  REQUIRE(note.own_files == std::vector{3, 5});
  for (const char* const text : {"", "8", ":", ":3", "8:,", "8:3,", "8:x", "-1:", "8:3:5"}) {
    INFO(text);
    CHECK_THROWS_MATCHES(os::read_predecessor_note(text), error,
                         MessageMatches(ContainsSubstring("CETANE_PREDECESSOR: \"")));
  }
}

TEST_CASE("the variables are gone once they are read", "[os][inherited_sockets]") {
  const std::vector<const char*> all = {"LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES",
                                        "LISTEN_PIDFDID", "CETANE_PREDECESSOR"};
  const std::string own = std::to_string(::getpid());
  for (const std::string& pid : {own, std::string("1"), std::string("garbage")}) {
    for (const char* const name : all) ::setenv(name, "0", 1);
    ::setenv("LISTEN_PID", pid.c_str(), 1);
    try {
      const os::inheritance nothing = os::take_inheritance();
      CHECK(nothing.sockets.empty());
      CHECK_FALSE(nothing.predecessor);
    } catch (const error&) {
      CHECK(pid != "1");  // the note is none, or the number
    }
    for (const char* const name : all) CHECK(std::getenv(name) == nullptr);
  }
}

TEST_CASE("a service's name is told so that it ends where it ends", "[os][inherited_sockets]") {
  REQUIRE(os::descriptor_name("Line Counter") == "Line Counter");
  REQUIRE(os::descriptor_name("a:b\n\xC3\xA9") == "a_b___");
  REQUIRE(os::descriptor_name("") == "unknown");
  REQUIRE(os::descriptor_name(std::string(300, 'x')).size() == 255);
}

}  // namespace inherited_sockets_test
