// Bytes on a connection, and how it ends: the same on every backend.

#include "fake_io.hpp"

#include <catch2/generators/catch_generators.hpp>

#include <algorithm>
#include <cerrno>
#include <string>

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

namespace stream_test {

using namespace cetane;
using namespace cetane::test;

namespace {

using numbers = std::vector<int>;

// Bytes that show it when some are missing or out of place.
std::string pattern(std::size_t length) {
  std::string bytes(length, '\0');
  for (std::size_t i = 0; i < length; ++i) bytes[i] = static_cast<char>(i * 31 + i / 251);
  return bytes;
}

struct stream_fixture {
  event_loop loop{make_test_backend()};
  connected_pair pair{loop};
  noting_stream& client = pair.client;
  noting_stream& server = pair.server;

  void until(const std::function<bool()>& holds) { run_until(loop, holds); }
  void until_arrived(const noting_stream& sender) {
    until([&] { return sender.unsent() == 0; });
  }
  void until_gone(const noting_stream& stream) {
    address peer;
    until([&] { return stream.remote(peer) == -ENOTCONN; });
  }
};

}  // namespace

TEST_CASE_METHOD(stream_fixture, "bytes arrive in order, both ways", "[backend][stream]") {
  REQUIRE(client.write("one ") == 4);
  REQUIRE(client.write("two") == 3);
  REQUIRE(server.write("three") == 5);

  until([&] { return server.data == "one two" && client.data == "three"; });

  settle(loop);
  REQUIRE(server.story == std::vector<std::string>{"data"});
  REQUIRE(client.story == std::vector<std::string>{"data"});
}

TEST_CASE_METHOD(stream_fixture, "a write of several parts sends them one after the other",
                 "[backend][stream]") {
  std::string head = "head,", none, tail = "tail";
  const iovec parts[] = {{head.data(), head.size()}, {none.data(), 0}, {tail.data(), tail.size()}};

  REQUIRE(loop.io().write(client, parts, 3) == 9);

  until([&] { return server.data == "head,tail"; });
}

TEST_CASE_METHOD(stream_fixture, "nothing is delivered from within a write", "[backend][stream]") {
  server.hook = [&] {
    const std::size_t before = client.story.size();
    (void)server.write("answer");
    client.set_reading(true);
    REQUIRE(client.story.size() == before);
  };

  REQUIRE(client.write("question") == 8);

  REQUIRE(server.story.empty());
  until([&] { return client.data == "answer"; });
}

TEST_CASE_METHOD(stream_fixture, "much input comes in pieces of the loop's block, and completely",
                 "[backend][stream]") {
  const std::string sent = pattern(1'000'000);
  std::string_view left = sent;
  const auto send_more = [&] {
    while (!left.empty()) {
      const ssize_t taken = client.write(left);
      if (taken == -EAGAIN) return;
      REQUIRE(taken > 0);
      left.remove_prefix(static_cast<std::size_t>(taken));
    }
  };
  client.hook = send_more;
  send_more();

  until([&] { return server.data.size() >= sent.size(); });

  REQUIRE(server.data == sent);
  REQUIRE(server.largest <= 64 * 1024);
}

TEST_CASE_METHOD(stream_fixture, "without reading nothing is delivered, and nothing is lost",
                 "[backend][stream]") {
  server.set_reading(false);
  REQUIRE(client.write("early") == 5);
  settle(loop);
  REQUIRE(server.story.empty());

  server.set_reading(true);
  REQUIRE(server.story.empty());

  until([&] { return server.data == "early"; });
  REQUIRE(client.write(", late") == 6);
  until([&] { return server.data == "early, late"; });
}

TEST_CASE_METHOD(stream_fixture, "reading ends at once, within the very up-call",
                 "[backend][stream]") {
  const std::string sent = pattern(100'000);
  std::string_view left = sent;
  server.hook = [&] { server.set_reading(false); };
  const auto send_more = [&] {
    const ssize_t taken = client.write(left);
    if (taken > 0) left.remove_prefix(static_cast<std::size_t>(taken));
  };
  while (!left.empty()) {
    const std::size_t before = server.data.size();
    send_more();
    until([&] { return server.data.size() > before; });
    settle(loop);
    REQUIRE(server.story.size() == 1);  // one up-call each time
    server.story.clear();
    server.set_reading(true);
  }
  until([&] {
    server.set_reading(true);
    return server.data.size() == sent.size();
  });

  REQUIRE(server.data == sent);
}

TEST_CASE_METHOD(stream_fixture, "who wants input and then does not before it comes gets none",
                 "[backend][stream]") {
  server.set_reading(false);
  REQUIRE(client.write("kept") == 4);
  until_arrived(client);
  settle(loop);

  server.set_reading(true);
  server.set_reading(false);
  settle(loop);

  REQUIRE(server.story.empty());
  server.set_reading(true);
  until([&] { return server.data == "kept"; });
}

TEST_CASE_METHOD(stream_fixture, "a peer that does not read stops the writer until it reads",
                 "[backend][stream]") {
  server.set_reading(false);
  const std::size_t sent = client.fill('x');
  REQUIRE(client.write("y") == -EAGAIN);
  REQUIRE(client.unsent() > 0);
  REQUIRE(client.writables == 0);

  server.set_reading(true);
  until([&] { return client.writables > 0; });
  until([&] { return server.data.size() == sent; });
  until([&] { return client.unsent() == 0; });

  REQUIRE(client.writables == 1);
  REQUIRE(client.write("y") == 1);
  until([&] { return server.data.size() == sent + 1; });
  REQUIRE(server.data == std::string(sent, 'x') + "y");
}

TEST_CASE_METHOD(stream_fixture, "what was sent is unsent until it has arrived",
                 "[backend][stream]") {
  REQUIRE(client.unsent() == 0);
  REQUIRE(client.write("some bytes") == 10);
  until([&] { return server.data == "some bytes"; });
  until([&] { return client.unsent() == 0; });
}

TEST_CASE_METHOD(stream_fixture, "the end comes after all that was sent before it",
                 "[backend][end]") {
  REQUIRE(client.write("last words") == 10);
  REQUIRE(client.end_output() == 0);

  until([&] { return !server.ends.empty(); });

  REQUIRE(server.data == "last words");
  REQUIRE(server.ends == numbers{0});
  REQUIRE(server.hang_ups == numbers{0});
  REQUIRE(server.story.back() == "end");
  settle(loop);
  REQUIRE(server.ends.size() == 1);
  REQUIRE(client.story.empty());
}

TEST_CASE_METHOD(stream_fixture, "a peer that has ended its output still gets its answer",
                 "[backend][end]") {
  REQUIRE(client.end_output() == 0);
  until([&] { return !server.ends.empty(); });

  address peer;
  REQUIRE(server.remote(peer) == 0);
  REQUIRE(peer == client.local());
  REQUIRE(server.write("your answer") == 11);
  until([&] { return client.data == "your answer"; });
  REQUIRE(client.ends.empty());
  REQUIRE(server.end_output() == 0);
  until([&] { return !client.ends.empty(); });
  REQUIRE(client.ends == numbers{0});
}

TEST_CASE_METHOD(stream_fixture, "after the end of one's own output a write fails",
                 "[backend][end]") {
  REQUIRE(client.end_output() == 0);

  REQUIRE(client.write("x") == -EPIPE);
  REQUIRE(server.write("x") == 1);
}

TEST_CASE_METHOD(stream_fixture, "a writer that waits for room and ends its output waits no more",
                 "[backend][end]") {
  server.set_reading(false);
  (void)client.fill();

  REQUIRE(client.end_output() == 0);

  until([&] { return client.writables == 1; });
  REQUIRE(client.write("x") == -EPIPE);
}

TEST_CASE_METHOD(stream_fixture, "a hang-up is told while input waits unread", "[backend][end]") {
  server.set_reading(false);
  REQUIRE(client.write("unread") == 6);
  client.close();

  until([&] { return !server.hang_ups.empty(); });
  settle(loop);
  REQUIRE(server.hang_ups == numbers{0});
  REQUIRE(server.data.empty());
  REQUIRE(server.ends.empty());

  server.set_reading(true);
  until([&] { return !server.ends.empty(); });
  REQUIRE(server.data == "unread");
  REQUIRE(server.ends == numbers{0});
  REQUIRE(server.hang_ups.size() == 1);
}

TEST_CASE_METHOD(stream_fixture, "the end waits while nobody reads", "[backend][end]") {
  server.set_reading(false);
  client.close();
  until([&] { return !server.hang_ups.empty(); });
  settle(loop);
  REQUIRE(server.ends.empty());

  server.set_reading(true);
  until([&] { return !server.ends.empty(); });
  REQUIRE(server.ends == numbers{0});
}

TEST_CASE_METHOD(stream_fixture, "a connection that both have ended has no peer any more",
                 "[backend][end]") {
  REQUIRE(client.end_output() == 0);
  until([&] { return !server.ends.empty(); });
  REQUIRE(server.end_output() == 0);
  until([&] { return !client.ends.empty(); });

  until_gone(client);
  until_gone(server);
  REQUIRE(server.end_output() == -ENOTCONN);
}

TEST_CASE_METHOD(stream_fixture,
                 "ending one's output to a peer that has closed ends the connection",
                 "[backend][end]") {
  client.close();
  until([&] { return !server.ends.empty(); });

  REQUIRE(server.end_output() == 0);

  until_gone(server);
  REQUIRE(loop.io().connect_result(server.descriptor) == 0);
}

TEST_CASE_METHOD(stream_fixture, "a close with reset after both have ended is a plain close",
                 "[backend][reset]") {
  REQUIRE(client.end_output() == 0);
  until([&] { return !server.ends.empty(); });
  REQUIRE(server.end_output() == 0);
  server.close(true);

  until_gone(client);
  settle(loop);

  REQUIRE(client.ends == numbers{0});
  REQUIRE(loop.io().connect_result(client.descriptor) == 0);
}

TEST_CASE_METHOD(stream_fixture, "unread input of a connection that both have ended hurts nobody",
                 "[backend][reset]") {
  server.set_reading(false);
  REQUIRE(client.write("never read") == 10);
  REQUIRE(client.end_output() == 0);
  until([&] { return !server.hang_ups.empty(); });
  REQUIRE(server.end_output() == 0);
  until([&] { return !client.ends.empty(); });
  until_gone(client);
  until_gone(server);

  server.close();
  settle(loop);

  REQUIRE(client.ends == numbers{0});
  REQUIRE(client.hang_ups == numbers{0});
  REQUIRE(loop.io().connect_result(client.descriptor) == 0);
}

TEST_CASE_METHOD(stream_fixture, "a reset is told as one, and then the input ends with it",
                 "[backend][reset]") {
  client.close(true);

  until([&] { return !server.ends.empty(); });

  REQUIRE(server.story == std::vector<std::string>{"hang-up", "end"});
  REQUIRE(server.hang_ups == numbers{ECONNRESET});
  REQUIRE(server.ends == numbers{ECONNRESET});
  address peer;
  REQUIRE(server.remote(peer) == -ENOTCONN);
  REQUIRE(server.write("x") == -EPIPE);
  REQUIRE(server.end_output() == -ENOTCONN);
}

TEST_CASE_METHOD(stream_fixture, "what arrived before a reset can still be read",
                 "[backend][reset]") {
  server.set_reading(false);
  REQUIRE(client.write("before") == 6);
  until_arrived(client);
  client.close(true);
  until([&] { return !server.hang_ups.empty(); });
  REQUIRE(server.hang_ups == numbers{ECONNRESET});
  REQUIRE(server.ends.empty());

  server.set_reading(true);
  until([&] { return !server.ends.empty(); });

  REQUIRE(server.data == "before");
  REQUIRE(server.ends == numbers{ECONNRESET});
}

TEST_CASE_METHOD(stream_fixture, "a close with unread input is a reset", "[backend][reset]") {
  server.set_reading(false);
  REQUIRE(client.write("never read") == 10);
  until_arrived(client);

  server.close();

  until([&] { return !client.ends.empty(); });
  REQUIRE(client.hang_ups == numbers{ECONNRESET});
  REQUIRE(client.ends == numbers{ECONNRESET});
}

TEST_CASE_METHOD(stream_fixture, "who writes to a peer that has closed is reset after the first",
                 "[backend][reset]") {
  server.close();
  until([&] { return !client.ends.empty(); });
  REQUIRE(client.ends == numbers{0});

  REQUIRE(client.write("into the void") == 13);
  until_gone(client);

  REQUIRE(client.write("again") == -EPIPE);
  REQUIRE(client.hang_ups.front() == 0);  // the reset may have been told since
  REQUIRE(client.ends.size() == 1);
}

TEST_CASE_METHOD(stream_fixture, "the first to ask after a reset gets the error, the next the end",
                 "[backend][reset]") {
  server.set_reading(false);
  client.close(true);
  until([&] { return !server.hang_ups.empty(); });

  REQUIRE(server.write("x") == -ECONNRESET);
  REQUIRE(server.write("x") == -EPIPE);
  server.set_reading(true);
  until([&] { return !server.ends.empty(); });
  REQUIRE(server.ends == numbers{0});
}

// A peer that takes nothing for so long: the kernel gives the connection up by itself.
TEST_CASE_METHOD(stream_fixture, "a connection that times out is told as that, whoever hears first",
                 "[backend][reset][not-sim]") {
  const bool reads = GENERATE(true, false);
  server.set_reading(false);
  client.set_reading(reads);
  (void)client.fill();

  const unsigned patience_ms = 1;
  REQUIRE(::setsockopt(client.descriptor, IPPROTO_TCP, TCP_USER_TIMEOUT, &patience_ms,
                       sizeof patience_ms) == 0);
  until([&] { return !client.hang_ups.empty(); });

  REQUIRE(client.hang_ups == numbers{ETIMEDOUT});
  if (!reads) REQUIRE(client.write("x") == -ETIMEDOUT);
  client.set_reading(true);
  until([&] { return !client.ends.empty(); });
  REQUIRE(client.ends == numbers{reads ? ETIMEDOUT : 0});
}

TEST_CASE_METHOD(stream_fixture, "a writer that waits for room hears of a reset",
                 "[backend][reset]") {
  server.set_reading(false);
  (void)client.fill();

  server.close(true);

  until([&] { return !client.ends.empty(); });
  REQUIRE(client.writables == 1);
  REQUIRE(client.hang_ups == numbers{ECONNRESET});
  REQUIRE(client.write("x") == -EPIPE);
}

TEST_CASE_METHOD(stream_fixture, "a close sends what was written before, although nobody waits",
                 "[backend][end]") {
  server.set_reading(false);
  std::size_t sent = client.fill();
  settle(loop);
  sent += client.fill();  // the receiver has taken what it can: this waits here
  client.close();
  settle(loop);

  server.set_reading(true);
  until([&] { return !server.ends.empty(); });

  REQUIRE(server.data.size() == sent);
  REQUIRE(server.ends == numbers{0});
}

TEST_CASE_METHOD(stream_fixture, "keepalive can be asked for", "[backend][stream]") {
  REQUIRE(loop.io().set_keepalive(client.descriptor) == 0);
}

}  // namespace stream_test
