#include <app/app_fixture.hpp>
#include <os/temporary_folder.hpp>

#include <cetane/base/errors.hpp>

#include <cstdint>
#include <filesystem>
#include <memory>
#include <stdexcept>
#include <vector>

#include <sys/socket.h>

namespace service_test {

using namespace cetane;
using namespace cetane::test;
using Catch::Matchers::ContainsSubstring;

namespace {

// A connection that a client has made, kept by the test: what a coroutine lambda captures must
// outlive it.
task<std::string> ask(const service& of, std::string line) {
  connection c = co_await connect_to(of);
  co_await c.send(line);
  co_return co_await c.until_eol();
}

task<std::string> hear_all(const service& of) {
  connection c = co_await connect_to(of);
  co_return co_await c.until_eof();
}

// With a pause now and then, in which the sender has to wait.
task<std::string> hear_slowly(const service& of) {
  connection c = co_await connect_to(of);
  std::string all;
  std::size_t next_pause = 0;
  while (auto more = co_await c.next_chunk()) {
    all += more->view();
    if (all.size() < next_pause) continue;
    next_pause = all.size() + 2'000'000;
    co_await sleep(1ms);
  }
  co_return all;
}

// The socket under a connection, found by its addresses.
int socket_of(const connection& of) {
  detail::backend& io = event_loop::current()->io();
  for (int candidate = 0; candidate < 1024; ++candidate) {
    address local;
    address remote;
    if (io.local_address(candidate, local) == 0 && local == of.local() &&
        io.peer_address(candidate, remote) == 0 && remote == of.remote())
      return candidate;
  }
  return -1;
}

int keepalive_of(int socket) {
  int value = -1;
  socklen_t size = sizeof value;
  ::getsockopt(socket, SOL_SOCKET, SO_KEEPALIVE, &value, &size);
  return value;
}

}  // namespace

TEST_CASE_METHOD(app_fixture, "a service calls its handler for each connection", "[app][service]") {
  const service& echo = app.add_service(service(echo_lines, 0));
  std::vector<std::string> heard;

  run([&]() -> task<> {
    connection one = co_await connect_to(echo);
    connection other = co_await connect_to(echo);
    co_await one.send("first\n");
    co_await other.send("second\n");
    heard.push_back(co_await other.until_eol());
    heard.push_back(co_await one.until_eol());
  });

  REQUIRE(heard == std::vector<std::string>{"second\n", "first\n"});
}

TEST_CASE_METHOD(app_fixture,
                 "a service gives its state to every handler, and std::ref shares the caller's",
                 "[app][service]") {
  struct counter {
    int calls = 0;
  } shared;
  const auto handler = [](connection& peer, std::string& kept, counter& seen,
                          std::uint16_t number) -> task<> {
    kept += "!";
    ++seen.calls;
    co_await peer.print("{} {}\n", kept, number);
  };
  const service& s =
      app.add_service(service(handler, 0, std::string("kept"), std::ref(shared), 8013));
  std::vector<std::string> heard;

  run([&]() -> task<> {
    heard.push_back(co_await hear_all(s));
    heard.push_back(co_await hear_all(s));
  });

  REQUIRE(heard == std::vector<std::string>{"kept! 8013\n", "kept!! 8013\n"});
  REQUIRE(shared.calls == 2);
}

TEST_CASE_METHOD(app_fixture, "text that a service is given lives as long as its handlers",
                 "[app][service]") {
  const auto handler = [](connection& peer, const std::string& text, const char* more) -> task<> {
    co_await sleep(1ms);
    co_await peer.send(text, more);
  };
  char place[] = "written by hand";
  const service& s = app.add_service(service(handler, 0, "as it stands here, ", place));
  place[0] = '?';
  std::string heard;

  run([&]() -> task<> { heard = co_await hear_all(s); });

  REQUIRE(heard == "as it stands here, written by hand");
}

TEST_CASE_METHOD(app_fixture, "a service may own what cannot be copied", "[app][service]") {
  const auto handler = [](connection& peer, const std::unique_ptr<std::string>& text) -> task<> {
    co_await peer.send(*text);
  };
  const service& s = app.add_service(service(handler, 0, std::make_unique<std::string>("mine")));
  std::string heard;

  run([&]() -> task<> { heard = co_await hear_all(s); });

  REQUIRE(heard == "mine");
}

TEST_CASE_METHOD(app_fixture, "NEW-1 what a handler sent is delivered when it returns",
                 "[app][service]") {
  const std::string text = pattern(20'000'000);
  const service& s = app.add_service(service(send_and_return, 0, std::ref(text)));
  std::string heard;

  run([&]() -> task<> { heard = co_await hear_slowly(s); });

  REQUIRE(heard == text);
}

TEST_CASE_METHOD(
    app_fixture,
    "NEW-2 what a handler sent is delivered when an exception ends it, which is logged once",
    "[app][service]") {
  const std::string text = pattern(20'000'000);
  const auto handler = [](connection& peer, const std::string& sent) -> task<> {
    peer.label("blue");
    static_cast<void>(peer.send(sent));
    throw std::runtime_error("out of \x1b[31m paint");
    co_return;
  };
  const service& s = app.add_service(service(handler, 0, std::ref(text)).name("painter"));
  std::string heard;

  run([&]() -> task<> { heard = co_await hear_slowly(s); });

  REQUIRE(heard == text);
  const auto errors = log.of(log::level::error);
  REQUIRE(errors.size() == 1);
  REQUIRE_THAT(errors[0], ContainsSubstring("painter blue (127.0.0.1:"));
  REQUIRE_THAT(errors[0], ContainsSubstring("out of \\x1b[31m paint"));
}

TEST_CASE_METHOD(app_fixture,
                 "NEW-4 a handler that is busy while its peer leaves gets all lines, then the end",
                 "[app][service]") {
  std::vector<std::string> got;
  const auto slow = [](connection& peer, std::vector<std::string>& lines) -> task<> {
    const closed_by_peer how = co_await peer.closed();  // busy until long after it
    lines.push_back(how == closed_by_peer::end_of_input ? "ended" : "reset");
    try {
      for (;;) {
        lines.push_back(co_await peer.until_eol());
        co_await peer.send("noted\n");
        co_await sleep(1ms);
      }
    } catch (const connection_closed& e) {
      lines.push_back("closed, " + e.leftover());
    }
  };
  const service& s = app.add_service(service(slow, 0, std::ref(got)));

  run([&]() -> task<> {
    {
      connection c = co_await connect_to(s);
      co_await c.send("one\ntwo\nthree\ntail");
    }
    while (got.empty() || s.connections() > 0) co_await sleep(1ms);
  });

  REQUIRE(got == std::vector<std::string>{"ended", "one\n", "two\n", "three\n", "closed, tail"});
}

TEST_CASE_METHOD(app_fixture,
                 "NEW-5 a question with the end of the input right behind it is answered",
                 "[app][service]") {
  const service& s = app.add_service(service(echo_lines, 0));
  std::string heard;

  run([&]() -> task<> {
    connection c = co_await connect_to(s);
    co_await c.send("a question\n");
    co_await c.send_eof();
    heard = co_await c.until_eof();
  });

  REQUIRE(heard == "a question\n");
}

TEST_CASE_METHOD(app_fixture, "a peer that leaves ends its handler, and nobody complains",
                 "[app][service]") {
  const service& s = app.add_service(service(echo_lines, 0));
  std::string heard;

  run([&]() -> task<> {
    connection c = co_await connect_to(s);
    co_await c.send("a line\nhalf a line");
    heard = co_await c.until_eol();
  });

  REQUIRE(heard == "a line\n");
  REQUIRE(log.of(log::level::error).empty());
  REQUIRE(log.of(log::level::warning).empty());
  REQUIRE(log.has("read a line from 127.0.0.1:"));  // at the level debug
}

TEST_CASE_METHOD(app_fixture, "the end of another connection than its own is an error of a handler",
                 "[app][service]") {
  const service& quitter = app.add_service(service([](connection&) -> task<> { co_return; }, 0));
  const auto handler = [](connection&, const service& other) -> task<> {
    connection c = co_await connect_to(other);
    co_await c.until_eol();
  };
  const service& s = app.add_service(service(handler, 0, std::ref(quitter)).name("asker"));

  run([&]() -> task<> { co_await hear_all(s); });

  const auto errors = log.of(log::level::error);
  REQUIRE(errors.size() == 1);
  REQUIRE_THAT(errors[0],
               ContainsSubstring("asker (127.0.0.1:") && ContainsSubstring("read a line from"));
}

TEST_CASE_METHOD(app_fixture, "a service without a name is called as its handler's function is",
                 "[app][service]") {
  const auto handler = [](connection&) -> task<> {
    throw std::runtime_error("no");
    co_return;
  };
  const service& lambda = app.add_service(service(handler, 0));
  const service& function = app.add_service(service(read_then_work, 0, 1h));
  app.drain(0s);
  std::string tasks;

  run([&]() -> task<> {
    co_await hear_all(lambda);
    connection c = co_await connect_to(function);
    co_await c.send("go\n");
    co_await sleep(10ms);
    tasks = loop.loop().dump_tasks();
    c.abort();
    app.stop();
  });

  REQUIRE(log.of(log::level::error).size() == 1);
  REQUIRE_THAT(tasks, ContainsSubstring("test::read_then_work, ") &&
                          ContainsSubstring(" s old, 127.0.0.1:"));
}

TEST_CASE_METHOD(app_fixture,
                 "NEW-20 a connection that a handler makes is not mistaken for its own",
                 "[app][service]") {
  const service& inner = app.add_service(service(echo_lines, 0));
  const auto handler = [](connection& peer, const service& behind) -> task<> {
    connection c = co_await connect_to(behind);
    co_await c.send("inner ", co_await peer.until_eol());
    co_await peer.send("outer ", co_await c.until_eol());
  };
  const service& outer = app.add_service(service(handler, 0, std::ref(inner)));
  std::string heard;

  run([&]() -> task<> { heard = co_await ask(outer, "text\n"); });

  REQUIRE(heard == "outer inner text\n");
}

TEST_CASE_METHOD(app_fixture, "a full service lets the next client in when one has left",
                 "[app][service]") {
  const service& s = app.add_service(service(echo_lines, 0).max_connections(2));
  std::size_t open = 0;
  std::string heard;

  run([&]() -> task<> {
    std::optional<connection> first(co_await connect_to(s));
    connection second = co_await connect_to(s);
    connection third = co_await connect_to(s);  // the kernel accepts it, the service does not yet
    co_await first->send("a\n");
    co_await first->until_eol();
    co_await third.send("b\n");
    co_await sleep(20ms);
    open = s.connections();
    first.reset();
    heard = co_await third.until_eol();
  });

  REQUIRE(open == 2);
  REQUIRE(heard == "b\n");
  REQUIRE(log.of(log::level::warning).size() == 1);
  REQUIRE(log.has("has 2 connections, as many as it may"));
}

TEST_CASE_METHOD(app_fixture, "a service uses its own limits for its connections",
                 "[app][service]") {
  connection_limits small;
  small.line_bytes = 8;
  const service& s = app.add_service(service(echo_lines, 0).name("short").limits(small));

  run([&]() -> task<> {
    connection c = co_await connect_to(s);
    co_await c.send("a line of more than eight bytes\n");
    co_await c.until_eof();
  });

  REQUIRE(log.has("longer than the limit of 8 bytes"));
}

TEST_CASE_METHOD(app_fixture, "a handler may give its connection away, which then outlives it",
                 "[app][service]") {
  std::optional<connection> kept;
  const auto handler = [](connection& peer, std::optional<connection>& place) -> task<> {
    place.emplace(std::move(peer));
    co_return;
  };
  const service& s = app.add_service(service(handler, 0, std::ref(kept)));
  std::string heard;

  run([&]() -> task<> {
    connection c = co_await connect_to(s);
    while (!kept) co_await sleep(1ms);
    co_await sleep(10ms);
    co_await kept->send("still here\n");
    heard = co_await c.until_eol();
    kept.reset();
    co_await c.until_eof();
  });

  REQUIRE(heard == "still here\n");
}

TEST_CASE_METHOD(app_fixture, "a connection that was given away may end before its handler does",
                 "[app][service]") {
  std::optional<bool> gone;
  const auto handler = [&](connection& peer) -> task<> {
    { const connection mine(std::move(peer)); }
    while (stats().connections_closed < 2) co_await sleep(10ms);
    gone = loop.loop().orphans().empty();
  };
  const service& s = app.add_service(service(handler, 0));
  std::string heard = "something";

  run([&]() -> task<> {
    heard = co_await hear_all(s);
    while (!gone) co_await sleep(10ms);
  });

  REQUIRE(gone == true);
  REQUIRE(heard.empty());
  REQUIRE(log.of(log::level::error).empty());
}

TEST_CASE_METHOD(app_fixture, "a handler that cannot be called costs its own connection only",
                 "[app][service]") {
  struct shy {
    shy() = default;
    shy(const shy& other) : left(other.left - 1) {
      if (left < 0) throw std::runtime_error("copied too often");
    }
    int left = 2;
  };
  shy argument;
  const auto handler = [](connection& peer, shy) -> task<> { co_await peer.send("ok"); };
  const service& s = app.add_service(service(handler, 0, std::ref(argument)).name("shy"));
  std::vector<std::string> heard;

  run([&]() -> task<> {
    heard.push_back(co_await hear_all(s));
    argument.left = 0;
    heard.push_back(co_await hear_all(s));
    argument.left = 2;
    heard.push_back(co_await hear_all(s));
  });

  REQUIRE(heard == std::vector<std::string>{"ok", "", "ok"});
  REQUIRE(log.has("copied too often"));
}

TEST_CASE_METHOD(app_fixture,
                 "what a handler forks belongs to the service and outlives the handler",
                 "[app][service]") {
  std::vector<std::string> told;
  const auto later = [](std::vector<std::string>& to) -> task<> {
    co_await sleep(50ms);
    to.push_back("later");
  };
  const auto handler = [later](connection& peer, std::vector<std::string>& to) -> task<> {
    fork(later, std::ref(to));
    co_await peer.send("forked");
  };
  const service& s = app.add_service(service(handler, 0, std::ref(told)));

  run([&]() -> task<> {
    co_await hear_all(s);
    co_await sleep(100ms);
  });

  REQUIRE(told == std::vector<std::string>{"later"});
}

TEST_CASE_METHOD(app_fixture,
                 "NEW-6 a handler that catches every error in a loop leaves other clients served",
                 "[app][service]") {
  const auto book = [](connection& peer) -> task<> {
    for (;;) {
      try {
        co_await peer.send(co_await peer.until_eol());
      } catch (...) {
      }
    }
  };
  const service& s = app.drain(50ms).add_service(service(book, 0));
  std::vector<std::string> heard;

  const int status = run([&]() -> task<> {
    connection stayed = co_await connect_to(s);
    for (int i = 0; i < 3; ++i) {
      connection c = co_await connect_to(s);
      co_await c.send("I leave\n");
      heard.push_back(co_await c.until_eol());
    }
    co_await stayed.send("I stay\n");
    heard.push_back(co_await stayed.until_eol());
    app.stop();
  });

  REQUIRE(heard == std::vector<std::string>{"I leave\n", "I leave\n", "I leave\n", "I stay\n"});
  REQUIRE(status == 0);
}

TEST_CASE("a service can be started on any loop, says where it listens, and stops",
          "[app][service]") {
  test_loop loop;
  std::string heard;
  std::optional<connect_error> refused;
  {
    service s(echo_lines, 0);
    s.start(loop);
    REQUIRE(s.port() != 0);
    REQUIRE(s.listening_at().to_string() == "127.0.0.1:" + std::to_string(s.port()));
    REQUIRE_THROWS_AS(s.start(loop), std::logic_error);

    loop.run([&]() -> task<> {
      connection c = co_await connect_to(s);
      co_await c.send("hello\n");
      heard = co_await c.until_eol();
      s.stop();
      co_await c.send("are you there?\n");
      heard += co_await c.until_eol();
      try {
        co_await connect_to(s);
      } catch (const connect_error& e) {
        refused = e;
      }
    });
  }

  REQUIRE(heard == "hello\nare you there?\n");
  REQUIRE(refused.has_value());
}

TEST_CASE("a service can be reached over IPv6", "[app][service][ipv6]") {
  const auto who = [](connection& peer) -> task<> { co_await peer.print("{}", peer.remote()); };
  test_loop loop;
  service s = service(who, 0).host("::1");
  try {
    s.start(loop);
  } catch (const error&) {
    SKIP("this machine has no ::1");
  }
  std::string heard;
  std::string expected;

  loop.run([&]() -> task<> {
    connection c = co_await connect("::1", s.port());
    expected = c.local().to_string();
    heard = co_await c.until_eof();
  });

  REQUIRE(s.listening_at().to_string() == fmt::format("[::1]:{}", s.port()));
  REQUIRE_THAT(heard, Catch::Matchers::StartsWith("[::1]:"));
  REQUIRE(heard == expected);
}

TEST_CASE("a service on a Unix socket is reached by its path, until it stops", "[app][service]") {
  test_loop loop;
  const temporary_folder folder;
  const std::string path = folder.path_of("socket");
  service s = unix_service(echo_lines, path);
  s.start(loop);
  std::string heard;
  std::optional<connect_error> refused;

  loop.run([&]() -> task<> {
    connection c = co_await connect_unix(path);
    co_await c.send("hello\n");
    heard = co_await c.until_eol();
    s.stop();
    try {
      co_await connect_unix(path);
    } catch (const connect_error& e) {
      refused = e;
    }
  });

  REQUIRE(heard == "hello\n");
  REQUIRE(s.listening_at().to_string() == "unix:" + path);
  REQUIRE(refused.has_value());
  REQUIRE_FALSE(std::filesystem::exists(path));
}

TEST_CASE("a service asks silent peers whether they are there", "[app][service][not-sim]") {
  const auto is_asked = [](connection& peer) -> task<> {
    co_await peer.print("{}", keepalive_of(socket_of(peer)));
  };
  test_loop loop;
  service s(is_asked, 0);
  s.start(loop);
  std::string heard;

  loop.run([&]() -> task<> { heard = co_await hear_all(s); });

  REQUIRE(heard == "1");
}

TEST_CASE("a service that cannot listen says so with what helps", "[app][service]") {
  test_loop loop;
  service first(echo_lines, 0);
  first.start(loop);
  service second(echo_lines, first.port());

  std::optional<error> failure;
  try {
    second.start(loop);
  } catch (const error& e) {
    failure = e;
  }

  REQUIRE(failure.has_value());
  REQUIRE(failure->code() == std::errc::address_in_use);
  const int port = first.port();
  REQUIRE_THAT(failure->what(),
               ContainsSubstring(
                   fmt::format("cannot listen on 127.0.0.1:{}: address already in use", port)));
  REQUIRE_THAT(failure->what(), ContainsSubstring("or port 0 for any free port"));
}

TEST_CASE("a port that is none is refused at once", "[app][service]") {
  REQUIRE_THROWS_AS(service(echo_lines, 65536), std::invalid_argument);
  REQUIRE_THROWS_AS(service(echo_lines, -1), std::invalid_argument);
}

}  // namespace service_test
