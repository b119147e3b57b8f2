#include <cetane/base/errors.hpp>

#include <catch2/catch_test_macros.hpp>

#include <cerrno>
#include <concepts>
#include <exception>
#include <memory>
#include <string>
#include <type_traits>

#include <netdb.h>

namespace errors_test {

using namespace std::chrono_literals;

namespace {

template <class Error, class Base>
constexpr bool is_a = std::derived_from<Error, Base>;

static_assert(is_a<cetane::error, std::system_error>);
static_assert(is_a<cetane::connection_closed, cetane::connection_error>);
static_assert(is_a<cetane::connect_timeout, cetane::connect_error>);
static_assert(is_a<cetane::connect_error, cetane::connection_error>);
static_assert(is_a<cetane::resolve_error, cetane::connection_error>);
static_assert(is_a<cetane::tls_error, cetane::connection_error>);
static_assert(is_a<cetane::timed_out, cetane::error>);
static_assert(!is_a<cetane::timed_out, cetane::connection_error>);
static_assert(is_a<cetane::message_too_long, cetane::error>);
static_assert(is_a<cetane::queue_closed, cetane::error>);
static_assert(is_a<cetane::fell_behind, cetane::error>);
static_assert(is_a<cetane::connection_busy, std::logic_error>);
static_assert(is_a<cetane::client_busy, std::logic_error>);
static_assert(!is_a<cetane::cancelled, std::exception>);

// A copy that throws while an exception is under way ends the program.
static_assert(std::is_nothrow_copy_constructible_v<cetane::error>);
static_assert(std::is_nothrow_copy_constructible_v<cetane::connection_closed>);
static_assert(std::is_nothrow_copy_constructible_v<cetane::message_too_long>);
static_assert(std::is_nothrow_copy_constructible_v<cetane::cancelled>);

std::string text_of(const std::exception& e) { return e.what(); }

}  // namespace

TEST_CASE("an error says what was tried, on what, and why it failed, once", "[base][errors]") {
  const cetane::connect_error e("connect to 127.0.0.1:1", cetane::system_code(ECONNREFUSED));

  CHECK(text_of(e) == "connect to 127.0.0.1:1: connection refused");
  CHECK(e.code() == std::errc::connection_refused);
  CHECK(text_of(static_cast<const std::system_error&>(e)) == text_of(e));
}

TEST_CASE("a system call's negative return code is its errno", "[base][errors]") {
  CHECK(cetane::system_code(-EPIPE) == cetane::system_code(EPIPE));
  CHECK(cetane::system_code(-EPIPE) == std::errc::broken_pipe);
}

TEST_CASE("a reason continues a sentence", "[base][errors]") {
  CHECK(cetane::reason_text(cetane::system_code(EADDRINUSE)) == "address already in use");
  CHECK(cetane::reason_text(cetane::system_code(ESRMNT)) == "srmount error");
  CHECK(cetane::reason_text(cetane::system_code(EREMOTEIO)) == "remote I/O error");
  CHECK(cetane::reason_text(cetane::system_code(EDOTDOT)) == "RFS specific error");
}

TEST_CASE("a whole text is not added to", "[base][errors]") {
  const cetane::error e(cetane::error::whole_text("cannot listen; try --port 0"),
                        cetane::system_code(EADDRINUSE));

  CHECK(text_of(e) == "cannot listen; try --port 0");
  CHECK(e.code() == std::errc::address_in_use);
}

TEST_CASE("a closed connection keeps what had arrived and who the peer was", "[base][errors]") {
  const cetane::connection_closed e("read a line from", "127.0.0.1:4000", "half a li");

  CHECK(text_of(e) ==
        "read a line from 127.0.0.1:4000: the peer closed the connection (9 bytes left unread)");
  CHECK(e.leftover() == "half a li");
  CHECK(e.peer() == "127.0.0.1:4000");
  CHECK(e.code() == cetane::errc::end_of_input);
}

TEST_CASE("a reset tells itself from an orderly end", "[base][errors]") {
  const cetane::connection_closed e("read from", "[::1]:4000", "", cetane::system_code(ECONNRESET));

  CHECK(text_of(e) == "read from [::1]:4000: connection reset by peer");
  CHECK(e.code() == std::errc::connection_reset);
  CHECK(e.code() != cetane::errc::end_of_input);
}

TEST_CASE("a copy of an error outlives the original", "[base][errors]") {
  auto original = std::make_unique<cetane::connection_closed>("read from", "[::1]:4000", "abc");
  const cetane::connection_closed copy(*original);
  original.reset();

  CHECK(text_of(copy).starts_with("read from [::1]:4000: "));
  CHECK(copy.leftover() == "abc");
}

TEST_CASE("a connect timeout is a connect error and says how long it took", "[base][errors]") {
  const cetane::connect_timeout e("connect to example.org:80", 30s);

  CHECK(text_of(e) == "connect to example.org:80: no connection within 30 s");
  CHECK(e.code() == std::errc::timed_out);
  CHECK(text_of(cetane::connect_timeout("connect to x:80", 1s, "10.0.0.2:80: no answer")) ==
        "connect to x:80: no connection within 1 s (10.0.0.2:80: no answer)");
}

TEST_CASE("a client that is busy says with what, and what to do", "[base][errors]") {
  CHECK(text_of(cetane::client_busy("ask on 10.0.0.2:80", "count")) ==
        "ask on 10.0.0.2:80: its client is busy with \"count\"; await that first, or let each "
        "task have a client of its own, from a connection_pool");
}

TEST_CASE("a resolve error speaks getaddrinfo's language", "[base][errors]") {
  const cetane::resolve_error e("no-such.example", EAI_NONAME);

  CHECK(text_of(e) == "resolve no-such.example: name or service not known");
  CHECK(e.code().category() == cetane::resolve_category());
  CHECK(e.code().value() == EAI_NONAME);
}

TEST_CASE("a resolver's system error shows its errno", "[base][errors]") {
  const cetane::resolve_error e("example.org", EAI_SYSTEM, EMFILE);

  CHECK(text_of(e) == "resolve example.org: too many open files");
  CHECK(e.code() == std::errc::too_many_files_open);
}

TEST_CASE("a name with control bytes cannot write to the terminal", "[base][errors]") {
  const cetane::resolve_error e("evil\x1b[2J\n", EAI_NONAME);

  CHECK(text_of(e) == "resolve evil\\x1b[2J\\n: name or service not known");
}

TEST_CASE("a timeout says whose deadline it was", "[base][errors]") {
  const cetane::timed_out span("read a line from 127.0.0.1:4000", 1500ms);
  const cetane::timed_out point("read a line from 127.0.0.1:4000");

  CHECK(text_of(span) == "read a line from 127.0.0.1:4000: not done within 1.5 s");
  CHECK(text_of(point) == "read a line from 127.0.0.1:4000: not done by its deadline");
  CHECK(span.code() == std::errc::timed_out);
  CHECK(point.code() == cetane::errc::timed_out);
}

TEST_CASE("a message that is too long says the limit and how to raise it", "[base][errors]") {
  const cetane::message_too_long e("read a line from [::1]:4000", 65536, "until_eol(limit)");

  CHECK(text_of(e) ==
        "read a line from [::1]:4000: longer than the limit of 65536 bytes; "
        "raise it with until_eol(limit)");
  CHECK(e.limit_bytes() == 65536);
  CHECK(e.code() == std::errc::message_size);
}

TEST_CASE("the errors between tasks name their queue", "[base][errors]") {
  CHECK(text_of(cetane::queue_closed("get from queue jobs")) ==
        "get from queue jobs: the queue is closed");
  CHECK(text_of(cetane::fell_behind("subscriber of talk", 64)) ==
        "subscriber of talk: fell more than 64 messages behind");
}

TEST_CASE("a busy connection says who is there and what to do", "[base][errors]") {
  CHECK(text_of(cetane::connection_busy("read from [::1]:4000", "reader")) ==
        "read from [::1]:4000: the connection has a reader already; "
        "let it finish first, or let one task do both");
}

TEST_CASE("a handler that catches every std::exception lets cancelled pass", "[base][errors]") {
  const auto swallow_everything = [] {
    try {
      throw cetane::cancelled(cetane::cancel_reason::shutdown);
    } catch (const std::exception&) {
    }
  };

  CHECK_THROWS_AS(swallow_everything(), cetane::cancelled);
}

TEST_CASE("cancelled says who asked", "[base][errors]") {
  using cetane::cancel_reason;

  CHECK(std::string(cetane::cancelled(cancel_reason::timeout).what()) ==
        "cancelled: its deadline passed");
  CHECK(std::string(to_string(cancel_reason::sibling)) == "sibling");
  CHECK(std::string(to_string(cancel_reason::none)) == "none");
}

}  // namespace errors_test
