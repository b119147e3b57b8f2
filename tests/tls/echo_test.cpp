// A secure connection is a connection: what it carries, and how it ends.
#include <tls/tls_fixture.hpp>

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_exception.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>

#include <string>

namespace tls_echo_test {

using namespace cetane;
using namespace cetane::test;
using Catch::Matchers::ContainsSubstring;

task<> echo(connection& peer) {
  while (auto bytes = co_await peer.next_chunk()) co_await peer.send(*bytes);
  co_await peer.send_eof();
}

TEST_CASE("a line comes back over TLS", "[tls]") {
  tls_fixture f;
  f.meet();
  auto served = f.loop.spawn(echo, std::ref(f.there));

  const std::string answer = f.loop.run([&]() -> task<std::string> {
    co_await f.here.send("hello\r\n");
    co_return co_await f.here.until_eol();
  });

  CHECK(answer == "hello\r\n");
  f.here.close();
  f.result(served);
}

TEST_CASE("both sides know what they have agreed on", "[tls]") {
  tls_fixture f;
  CHECK_FALSE(tls_facts_of(f.here));
  f.meet();

  const auto here = tls_facts_of(f.here);
  const auto there = tls_facts_of(f.there);

  REQUIRE(here);
  REQUIRE(there);
  CHECK(here->version == "TLSv1.3");
  CHECK(here->cipher == there->cipher);
  CHECK(here->peer == "CN=localhost");
  CHECK(here->peer_names == std::vector<std::string>{"localhost", "127.0.0.1"});
  CHECK(there->server_name == "localhost");
  CHECK(there->peer.empty());
  CHECK_FALSE(here->resumed);
}

TEST_CASE("NEW-27: a line of 3 MB comes back over TLS unchanged", "[tls]") {
  tls_fixture f;
  f.meet();
  auto served = f.loop.spawn(echo, std::ref(f.there));
  std::string line = pattern(3'000'000);
  for (char& c : line) c = c == '\n' ? ' ' : c;
  line.back() = '\n';

  auto sends = f.loop.spawn([&]() -> task<> { co_await f.here.send(line); });
  const std::string back =
      f.loop.run([&]() -> task<std::string> { co_return co_await f.here.until_eol(4'000'000); });

  CHECK(back == line);
  f.result(sends);
  f.here.close();
  f.result(served);
}

TEST_CASE("the end of a secure connection is an orderly one where the peer says so", "[tls]") {
  tls_fixture f;
  f.meet();

  f.loop.run([&]() -> task<> {
    co_await f.there.send("bye\n");
    co_await f.there.send_eof();
  });

  CHECK(f.loop.run(read_next_line, f.here) == "bye");
  CHECK(f.loop.run(read_next_line, f.here) == std::nullopt);
}

TEST_CASE("NEW-5: a client that has ended its output gets its reply over TLS", "[tls]") {
  tls_fixture f;
  f.meet();
  auto served = f.loop.spawn([&]() -> task<> {
    const std::string all = co_await f.there.until_eof();
    co_await f.there.send("got ", all);
    f.there.close();
  });

  const std::string reply = f.loop.run([&]() -> task<std::string> {
    co_await f.here.send("question");
    co_await f.here.send_eof();
    co_return co_await f.here.until_eof();
  });

  CHECK(reply == "got question");
  f.result(served);
}

TEST_CASE("a secure connection that is cut off is never an orderly end", "[tls]") {
  tls_fixture f;
  f.meet();
  REQUIRE(f.there.try_send("half a message"));
  f.settle();

  // The socket's end, without TLS knowing of it: as somebody in between can make it.
  f.loop.loop().io().shutdown_write(detail::stream::of(f.there));
  auto read = f.begin(read_to_end);

  CHECK_THROWS_WITH(f.result(read), ContainsSubstring("without a close_notify") &&
                                        ContainsSubstring("14 bytes left unread"));
}

TEST_CASE("output that waits leaves over TLS though the peer's socket has ended its side",
          "[tls]") {
  tls_fixture f;
  f.meet();
  const std::string text = pattern(1'000'000);
  REQUIRE_FALSE(f.here.send(text).await_ready());
  f.settle();
  f.here.close();
  f.loop.loop().io().shutdown_write(detail::stream::of(f.there));
  f.settle();

  CHECK(f.loop.run(read_to_end, f.there) == text);
  CHECK_FALSE(f.there.is_closed());
}

TEST_CASE("what is no TLS ends a secure connection with its reason", "[tls]") {
  tls_fixture f;
  f.meet();

  const char plain[] = "GET / HTTP/1.0\r\n\r\n";
  const iovec part{const_cast<char*>(plain), sizeof plain - 1};
  REQUIRE(f.loop.loop().io().write(detail::stream::of(f.there), &part, 1) == sizeof plain - 1);

  auto read = f.begin(read_line);
  CHECK_THROWS_WITH(f.result(read), ContainsSubstring("TLS: "));
  CHECK(f.here.is_closed());
}

TEST_CASE("a sender over TLS waits while its peer does not read", "[tls]") {
  tls_fixture f;
  f.meet();
  const std::string block = pattern(64 * 1024);

  auto sends = f.loop.spawn([&]() -> task<> {
    for (int i = 0; i < 64; ++i) co_await f.here.send(block);
    co_await f.here.send_eof();
  });
  f.settle();
  CHECK_FALSE(sends.done());
  CHECK(f.here.queued_bytes() <= 3 * block.size());

  const std::string all = f.loop.run(read_to_end, f.there);
  f.result(sends);
  CHECK(all.size() == 64 * block.size());
  CHECK(all.substr(63 * block.size()) == block);
}

}  // namespace tls_echo_test
