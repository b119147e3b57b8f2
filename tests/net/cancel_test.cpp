// Cancelling whoever waits on a connection: nothing is consumed, nothing is lost, nobody is woken
// twice.

#include <net/net_fixture.hpp>

#include <cetane/base/errors.hpp>
#include <cetane/base/literals.hpp>

#include <tuple>

namespace cancel_test {

using namespace cetane;
using namespace cetane::test;

namespace {

// Every read as a task that says what it got.
task<> line(connection& c) { std::ignore = co_await c.until_eol(); }
task<> strict_line(connection& c) { std::ignore = co_await c.until_eol(line_end::crlf); }
task<> marked(connection& c) { std::ignore = co_await c.until("<end>"); }
task<> counted(connection& c) { std::ignore = co_await c.receive(1000); }
task<> some(connection& c) { std::ignore = co_await c.receive_some(); }
task<> all(connection& c) { std::ignore = co_await c.until_eof(); }
task<> next_line(connection& c) { std::ignore = co_await c.next_line(); }
task<> next_chunk(connection& c) { std::ignore = co_await c.next_chunk(); }

struct read_kind {
  const char* name;
  task<> (*read)(connection&);
  bool takes_anything;
};

const read_kind kinds[] = {
    {"until_eol", line, false},      {"until_eol(crlf)", strict_line, false},
    {"until", marked, false},        {"receive(n)", counted, false},
    {"receive_some", some, true},    {"until_eof", all, false},
    {"next_line", next_line, false}, {"next_chunk", next_chunk, true},
};

std::string text_of(const std::string& text) { return text; }
std::string text_of(const chunk& bytes) { return std::string(bytes.view()); }
template <class T>
std::string text_of(const std::optional<T>& some) {
  return some ? text_of(*some) : "the end";
}

// With so many reads behind it a task gives the others a turn, though its message is there.
constexpr int reads_of_a_turn = 127;
const std::string lines_of_a_turn = [] {
  std::string lines;
  for (int i = 0; i < reads_of_a_turn; ++i) lines += "line\n";
  return lines;
}();

template <class Read>
task<std::string> read_at_the_end_of_a_turn(connection& peer, Read read) {
  for (int i = 0; i < reads_of_a_turn; ++i) co_await peer.until_eol();
  const auto message = co_await read(peer);
  co_return text_of(message);
}

template <class Read>
task<std::string> cancel_then_read(connection& peer, join_handle<std::string>& other, Read read) {
  REQUIRE_FALSE(other.done());
  other.cancel();
  const auto message = co_await read(peer);
  co_return text_of(message);
}

template <class Read>
task<std::string> read_once(connection& peer, Read read) {
  const auto message = co_await read(peer);
  co_return text_of(message);
}

// A reader waits for its turn when another task cancels it, and reads. What the other one gets, and
// what comes then, is the same as without the first.
template <class Read>
void turns_of_two(test_loop& loop, const char* name, Read read) {
  INFO(name);
  const std::string messages = "short<end>\r\na longer one<end>\r\n";
  connected_pair quiet(loop);
  connected_pair pair(loop);
  deliver(loop, quiet.there, messages);
  deliver(loop, pair.there, lines_of_a_turn + messages);
  auto first = loop.spawn(read_at_the_end_of_a_turn<Read>, std::ref(pair.here), read);
  auto next = loop.spawn(cancel_then_read<Read>, std::ref(pair.here), std::ref(first), read);
  run_until(loop, [&] { return first.done() && next.done(); });

  const auto result = [&](auto& of) {
    return loop.run(
        [](join_handle<std::string>& handle) -> task<std::string> { co_return co_await handle; },
        of);
  };
  REQUIRE_THROWS_AS(result(first), cancelled);
  REQUIRE(result(next) == loop.run(read_once<Read>, quiet.here, read));
  deliver(loop, quiet.there, "the rest\r\n");
  deliver(loop, pair.there, "the rest\r\n");
  REQUIRE(loop.run(read_once<Read>, pair.here, read) ==
          loop.run(read_once<Read>, quiet.here, read));
}

}  // namespace

TEST_CASE_METHOD(net_fixture, "a cancelled read consumes nothing", "[net][cancel]") {
  for (const read_kind& kind : kinds) {
    INFO(kind.name);
    auto reader = begin(kind.read);
    settle();
    if (!kind.takes_anything) arrives("half of it");
    reader.cancel();
    if (kind.takes_anything) arrives("half of it");

    REQUIRE_THROWS_AS(result(reader), cancelled);

    arrives(", and the rest\n");
    REQUIRE(result(begin(read_line)) == "half of it, and the rest\n");
  }
}

TEST_CASE_METHOD(net_fixture, "ORDER-1 an abandoned read does not come back later",
                 "[net][cancel]") {
  for (const read_kind& kind : kinds) {
    INFO(kind.name);
    auto abandoned = begin(kind.read);
    settle();
    abandoned.cancel();
    REQUIRE_THROWS_AS(result(abandoned), cancelled);
    const std::uint64_t resumes = stats().resumes;

    arrives("for the next one\n");
    settle();

    REQUIRE(stats().resumes == resumes);
    REQUIRE(result(begin(read_line)) == "for the next one\n");
  }
}

TEST_CASE_METHOD(net_fixture, "a read that is cancelled before it begins consumes nothing",
                 "[net][cancel]") {
  arrives("a line\n");
  for (const read_kind& kind : kinds) {
    INFO(kind.name);
    auto reader = begin(kind.read);
    reader.cancel();
    REQUIRE_THROWS_AS(result(reader), cancelled);
  }
  REQUIRE(result(begin(read_line)) == "a line\n");
}

TEST_CASE_METHOD(net_fixture, "a task may go on with the connection after a cancelled read",
                 "[net][cancel]") {
  // The cancel state stays; what the next task reads is what the first one left.
  auto reader = begin([](connection& peer) -> task<> {
    try {
      co_await peer.until_eol();
    } catch (const cancelled&) {
      peer.try_send("cancelled");
      throw;
    }
  });
  arrives("unfinished");
  reader.cancel();
  REQUIRE_THROWS_AS(result(reader), cancelled);
  REQUIRE(loop.run(read_some, there) == "cancelled");
  REQUIRE(result(begin(read_some)) == "unfinished");
}

TEST_CASE_METHOD(net_fixture,
                 "a reader that is cancelled before its turn leaves its message to the next, whole",
                 "[net][cancel]") {
  turns_of_two(loop, "until_eol", [](connection& c) { return c.until_eol(); });
  turns_of_two(loop, "until_eol(crlf)", [](connection& c) { return c.until_eol(line_end::crlf); });
  turns_of_two(loop, "until", [](connection& c) { return c.until("<end>"); });
  turns_of_two(loop, "receive(n)", [](connection& c) { return c.receive(5); });
  turns_of_two(loop, "next_line", [](connection& c) { return c.next_line(); });
  turns_of_two(loop, "receive_some", [](connection& c) { return c.receive_some(); });
  turns_of_two(loop, "next_chunk", [](connection& c) { return c.next_chunk(); });
}

TEST_CASE_METHOD(net_fixture, "a line that is too long is the next reader's when the first is gone",
                 "[net][cancel]") {
  const auto read = [](connection& c) { return c.until_eol(8); };
  arrives(lines_of_a_turn + "far too long for eight\nshort\n");
  auto first = begin(read_at_the_end_of_a_turn<decltype(read)>, read);
  auto next = begin(cancel_then_read<decltype(read)>, std::ref(first), read);

  REQUIRE_THROWS_AS(result(next), message_too_long);
  REQUIRE_THROWS_AS(result(first), cancelled);
  REQUIRE(result(begin(read_line)) == "short\n");
}

TEST_CASE_METHOD(net_fixture, "a reader that is cancelled before its turn is no second reader",
                 "[net][cancel]") {
  const auto some = [](connection& c) { return c.receive_some(); };
  const auto much = [](connection& c) { return c.receive(20); };
  arrives(lines_of_a_turn + "ten bytes.");
  auto first = begin(read_at_the_end_of_a_turn<decltype(some)>, some);
  auto next = begin(cancel_then_read<decltype(much)>, std::ref(first), much);

  REQUIRE_THROWS_AS(result(first), cancelled);

  arrives("ten more..");
  REQUIRE(result(next) == "ten bytes.ten more..");
}

TEST_CASE_METHOD(net_fixture, "cancelling a wait to send takes nothing back", "[net][cancel]") {
  const std::string sent = pattern(1'000'000);
  auto sender =
      begin([](connection& peer, const std::string& text) -> task<> { co_await peer.send(text); },
            std::cref(sent));
  settle();
  REQUIRE_FALSE(sender.done());
  sender.cancel();
  REQUIRE_THROWS_AS(result(sender), cancelled);
  const std::uint64_t resumes = stats().resumes;

  auto reader = loop.spawn(read_bytes, std::ref(there), sent.size());
  REQUIRE(result(reader) == sent);
  REQUIRE(stats().resumes - resumes <= 4);  // the reader, and this test's own
  REQUIRE(here.queued_bytes() == 0);
}

TEST_CASE_METHOD(net_fixture, "cancelling drain or send_eof takes nothing back", "[net][cancel]") {
  for (auto wait : {+[](connection& peer) -> task<> { co_await peer.drain(); },
                    +[](connection& peer) -> task<> { co_await peer.send_eof(); }}) {
    connected_pair pair(loop, socket_buffers::small);
    std::ignore = pair.here.send(std::string(1'000'000, 'x'));
    auto waiter = loop.spawn(wait, std::ref(pair.here));
    settle();
    REQUIRE_FALSE(waiter.done());
    waiter.cancel();
    REQUIRE_THROWS_AS(result(waiter), cancelled);

    pair.here.close();
    REQUIRE(loop.run(read_to_end, pair.there).size() == 1'000'000);
  }
}

TEST_CASE_METHOD(net_fixture, "after a cancelled wait to send another task may send",
                 "[net][cancel]") {
  auto sender = begin(send_text, std::string(1'000'000, 'x'));
  settle();
  sender.cancel();
  REQUIRE_THROWS_AS(result(sender), cancelled);

  auto next = begin(send_text, std::string("next"));
  settle();
  REQUIRE_FALSE(next.done());
  auto reader = loop.spawn(read_bytes, std::ref(there), std::size_t{1'000'004});
  REQUIRE(result(reader).substr(1'000'000) == "next");
  result(next);
}

TEST_CASE_METHOD(net_fixture, "a task that is ended with the loop leaves its connection in order",
                 "[net][cancel]") {
  // The loop destroys the frames; the connections are closed after it.
  std::ignore = begin(read_line);
  std::ignore = begin(send_text, std::string(1'000'000, 'x'));
  std::ignore = begin(wait_closed);
  std::ignore = loop.spawn(read_some, std::ref(there));
  settle();
}

}  // namespace cancel_test
