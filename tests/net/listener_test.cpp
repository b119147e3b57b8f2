// Listening sockets: how many are accepted when, and what happens when there is no room.

#include <net/net_fixture.hpp>
#include <os/temporary_folder.hpp>
#include <support/forwarding_backend.hpp>

#include <net/listener.hpp>

#include <cetane/base/errors.hpp>
#include <cetane/base/log.hpp>
#include <cetane/base/scope_exit.hpp>
#include <cetane/os/unique_fd.hpp>

#include <algorithm>
#include <cerrno>
#include <deque>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <vector>

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

namespace listener_test {

using namespace cetane;
using namespace cetane::test;
using detail::listener;

namespace {

// Takes connections as long as there is room, and keeps the sockets.
class keeping_sink final : public detail::accept_sink {
 public:
  explicit keeping_sink(event_loop& loop) noexcept : loop_(loop) {}
  ~keeping_sink() { drop_all(); }

  void drop_all() {
    for (const int each : sockets) loop_.io().close(each, false);
    sockets.clear();
  }

  void on_accept(int descriptor, const address& peer) noexcept override {
    sockets.push_back(descriptor);
    peers.push_back(peer);
    if (hook) hook();
  }
  bool has_room() noexcept override { return sockets.size() < room; }

  std::size_t room = 1000;
  std::vector<int> sockets;
  std::vector<address> peers;
  std::function<void()> hook;

 private:
  event_loop& loop_;
};

struct listening {
  listening() = default;
  explicit listening(std::unique_ptr<detail::backend> io) : loop(std::move(io)) {}

  test_loop loop;
  keeping_sink sink{loop};
  listener at{loop, sink};
  std::vector<int> clients;

  ~listening() {
    for (const int each : clients) loop.loop().io().close(each, false);
  }

  void open(const address& where = any_local_port(), std::size_t accepts_per_wake_up = 64) {
    REQUIRE(at.open(where, {}, accepts_per_wake_up) == 0);
  }
  void knock(int times) {
    for (int i = 0; i < times; ++i) {
      int client = -1;
      const int result = loop.loop().io().connect(at.bound(), nullptr, client);
      REQUIRE((result == 0 || result == -EINPROGRESS));
      clients.push_back(client);
    }
  }
  void until(const std::function<bool()>& holds) { run_until(loop, holds); }
  void settle() { test::settle(loop); }
};

// Accepts only when the errors that it has been given are used up, and notes when it was asked.
class failing_accept final : public forwarding_backend {
 public:
  using forwarding_backend::forwarding_backend;

  int accept(detail::poll_io& listener, int& descriptor, address& peer) override {
    asked_at.push_back(now());
    if (errors.empty()) return forwarding_backend::accept(listener, descriptor, peer);
    const int error = errors.front();
    errors.pop_front();
    return -error;
  }

  std::deque<int> errors;
  std::vector<time_point> asked_at;
};

struct failing_listening : listening {
  failing_listening() : listening(std::make_unique<failing_accept>(make_test_backend())) {}
  ~failing_listening() { log::set_sink({}); }

  failing_accept& io() { return static_cast<failing_accept&>(loop.loop().io()); }

  // Opens, and keeps the lines of the log from now on.
  void open_and_listen_to_log() {
    log::set_sink([this](log::level, std::string_view, std::string_view line) {
      complaints.emplace_back(line);
    });
    open();
  }

  std::vector<std::string> complaints;
};

int lowest_free_descriptor() {
  const unique_fd probe(::open("/dev/null", O_RDONLY | O_CLOEXEC));
  return probe.get();
}

// Lets this process open no descriptors beyond those below `limit`.
class descriptor_limit {
 public:
  explicit descriptor_limit(int limit) {
    REQUIRE(::getrlimit(RLIMIT_NOFILE, &before_) == 0);
    set(limit);
  }
  descriptor_limit(const descriptor_limit&) = delete;
  descriptor_limit& operator=(const descriptor_limit&) = delete;
  ~descriptor_limit() { ::setrlimit(RLIMIT_NOFILE, &before_); }

  void set(int limit) {
    rlimit lower = before_;
    lower.rlim_cur = static_cast<rlim_t>(limit);
    REQUIRE(::setrlimit(RLIMIT_NOFILE, &lower) == 0);
  }

 private:
  rlimit before_{};
};

}  // namespace

TEST_CASE_METHOD(listening, "a listener on TCP removes no file that happens to have its name",
                 "[net][listener][plain][not-sim]") {
  const temporary_folder folder;
  const std::string file = folder.write(any_local_port().host(), "somebody's");
  const std::filesystem::path before = std::filesystem::current_path();
  const scope_exit go_back([&] { std::filesystem::current_path(before); });
  std::filesystem::current_path(std::filesystem::path(file).parent_path());

  open();
  at.close();

  REQUIRE(std::filesystem::exists(file));
}

TEST_CASE_METHOD(listening, "everybody who connects is accepted, and known by address",
                 "[net][listener]") {
  open();
  REQUIRE(at.is_open());
  REQUIRE(at.bound().host() == "127.0.0.1");
  REQUIRE(at.bound().port() != 0);

  knock(100);
  until([&] { return sink.sockets.size() == 100; });

  for (std::size_t i = 0; i < clients.size(); ++i) {
    address own;
    REQUIRE(loop.loop().io().local_address(clients[i], own) == 0);
    REQUIRE(std::count(sink.peers.begin(), sink.peers.end(), own) == 1);
  }
}

TEST_CASE_METHOD(listening, "no more than agreed are accepted before others have their turn",
                 "[net][listener]") {
  open(any_local_port(), 3);
  std::vector<std::uint64_t> passes;
  sink.hook = [&] { passes.push_back(loop.loop().stats().passes); };
  knock(20);
  sink.room = 0;
  settle();  // now they all wait
  sink.room = 1000;
  at.resume();
  until([&] { return sink.sockets.size() == 20; });

  for (std::size_t i = 3; i < passes.size(); ++i) REQUIRE(passes[i] > passes[i - 3]);
}

TEST_CASE_METHOD(listening, "all who wait are accepted in one go", "[net][listener]") {
  open();
  std::vector<std::uint64_t> passes;
  sink.hook = [&] { passes.push_back(loop.loop().stats().passes); };
  sink.room = 0;
  knock(40);
  settle();  // now they all wait
  sink.room = 1000;
  at.resume();
  until([&] { return sink.sockets.size() == 40; });

  REQUIRE(passes.back() == passes.front());
}

TEST_CASE_METHOD(listening, "a listener without room rests until it is told of some",
                 "[net][listener]") {
  open();
  sink.room = 2;
  knock(5);
  until([&] { return sink.sockets.size() == 2; });
  settle();
  REQUIRE(sink.sockets.size() == 2);

  sink.room = 4;
  settle();
  REQUIRE(sink.sockets.size() == 2);
  at.resume();
  until([&] { return sink.sockets.size() == 4; });
  settle();
  REQUIRE(sink.sockets.size() == 4);

  sink.room = 1000;
  at.resume();
  until([&] { return sink.sockets.size() == 5; });
  at.resume();  // nobody waits
  settle();
  REQUIRE(sink.sockets.size() == 5);
}

TEST_CASE_METHOD(listening, "a listener that rests keeps the loop asleep",
                 "[net][listener][not-sim]") {
  open();
  sink.room = 0;
  knock(3);
  settle();
  const std::uint64_t passes = loop.loop().stats().passes;
  loop.loop().run_once(loop.loop().now() + 10ms);
  loop.loop().run_once(loop.loop().now() + 10ms);
  REQUIRE(loop.loop().stats().passes - passes == 2);
  REQUIRE(sink.sockets.empty());
}

TEST_CASE_METHOD(listening, "without free descriptors the listener rests and tries again",
                 "[net][listener][not-sim]") {
  std::vector<std::string> complaints;
  log::set_sink(
      [&](log::level, std::string_view, std::string_view line) { complaints.emplace_back(line); });
  open();
  knock(5);
  const int first_free = lowest_free_descriptor();
  {
    descriptor_limit limit(first_free + 2);
    until([&] { return sink.sockets.size() == 2; });

    // Three are left over. The loop sleeps while it waits for descriptors.
    const std::uint64_t passes = loop.loop().stats().passes;
    const time_point end = loop.loop().now() + 250ms;
    while (loop.loop().now() < end) loop.loop().run_once(end);
    REQUIRE(loop.loop().stats().passes - passes < 20);
    REQUIRE(sink.sockets.size() == 2);

    // Those who are served do not notice, and one that goes makes room for the next.
    loop.loop().io().close(sink.sockets.back(), false);
    sink.sockets.pop_back();
    until([&] { return sink.peers.size() == 3; });
    REQUIRE(sink.sockets.size() == 2);
  }
  until([&] { return sink.peers.size() == 5; });

  log::set_sink({});
  REQUIRE(complaints.size() == 1);  // within one second
  REQUIRE(complaints.front().find("cannot accept on " + at.bound().to_string()) !=
          std::string::npos);
  REQUIRE(complaints.front().find("too many open files") != std::string::npos);
}

TEST_CASE_METHOD(
    failing_listening,
    "a listener that gets no descriptor tries again after 100 ms, and sleeps till then",
    "[net][listener]") {
  open_and_listen_to_log();
  io().errors = {EMFILE};
  if (on_sim()) io().errors.insert(io().errors.end(), {ENFILE, ENOBUFS, ENOMEM, EMFILE});
  const std::size_t failures = io().errors.size();
  knock(1);
  until([&] { return !io().asked_at.empty(); });
  knock(2);  // who comes meanwhile does not end the rest
  settle();
  if (on_sim()) REQUIRE(io().asked_at.size() == 1);
  const std::uint64_t passes = loop.loop().stats().passes;

  until([&] { return sink.sockets.size() == 3; });

  const std::vector<time_point>& asked = io().asked_at;
  for (std::size_t i = 0; i < failures; ++i) {
    const duration rest = asked[i + 1] - asked[i];
    REQUIRE(rest >= 100ms);
    if (on_sim()) REQUIRE(rest == 100ms);
  }
  REQUIRE(loop.loop().stats().passes - passes <= 4 * failures);
  REQUIRE(complaints.size() == 1);  // within one second
  REQUIRE(complaints.front() == "cannot accept on " + at.bound().to_string() +
                                    ": too many open files; trying again every 100 ms");
}

TEST_CASE_METHOD(failing_listening, "a listener that cannot accept complains once a second",
                 "[net][listener][not-epoll]") {
  open_and_listen_to_log();
  io().errors.assign(25, EMFILE);
  knock(1);

  until([&] { return sink.sockets.size() == 1; });

  REQUIRE(complaints.size() == 3);  // at once, after one second, and after two
}

TEST_CASE_METHOD(failing_listening, "a listener that is closed while it rests stays closed",
                 "[net][listener]") {
  open_and_listen_to_log();
  io().errors = {EMFILE};
  knock(1);
  until([&] { return io().asked_at.size() == 1; });

  at.close();

  REQUIRE(loop.loop().stats().timers_live == 0);
  settle();
  REQUIRE(io().asked_at.size() == 1);
}

TEST_CASE_METHOD(failing_listening, "a client that has left before it is accepted holds up nobody",
                 "[net][listener]") {
  open_and_listen_to_log();
  io().errors = {ECONNABORTED, EINTR, EPROTO, ENETDOWN, EHOSTUNREACH};
  knock(2);

  until([&] { return sink.sockets.size() == 2; });

  REQUIRE(loop.loop().stats().timers_fired == 0);
  REQUIRE(complaints.empty());
}

TEST_CASE_METHOD(listening, "500 clients may wait to be accepted, or as many as the system allows",
                 "[net][listener][not-sim]") {
  int most = 0;
  std::ifstream("/proc/sys/net/core/somaxconn") >> most;
  if (most == 0) SKIP("this system does not say how many it allows");

  open();

  tcp_info facts{};
  socklen_t size = sizeof facts;
  REQUIRE(::getsockopt(at.descriptor, IPPROTO_TCP, TCP_INFO, &facts, &size) == 0);
  // Of a listener that is what Linux tells in this place.
  REQUIRE(facts.tcpi_sacked == std::min(500u, static_cast<unsigned>(most)));
}

TEST_CASE_METHOD(listening, "a closed listener refuses, and whoever waited is let go",
                 "[net][listener]") {
  open();
  const address where = at.bound();
  sink.room = 0;
  knock(3);
  settle();

  at.close();
  at.close();

  REQUIRE_FALSE(at.is_open());
  settle();
  REQUIRE(sink.sockets.empty());
  const connection_limits limits;
  for (const int each : std::exchange(clients, {})) {
    detail::stream client(loop, limits);
    REQUIRE(client.open(each, where) == 0);
    until([&] { return client.peer_has_left(); });
    client.abort("");
  }
}

TEST_CASE_METHOD(listening, "a port that is taken is refused, and free at once afterwards",
                 "[net][listener]") {
  open();
  const address where = at.bound();
  listener second(loop, sink);
  REQUIRE(second.open(where, {}, 64) == -EADDRINUSE);
  REQUIRE_FALSE(second.is_open());

  knock(1);
  until([&] { return sink.sockets.size() == 1; });
  at.close();

  REQUIRE(second.open(where, {}, 64) == 0);
  REQUIRE(second.bound() == where);
}

TEST_CASE_METHOD(listening, "a listener may be closed from within an accept", "[net][listener]") {
  open();
  sink.hook = [&] { at.close(); };
  knock(5);
  until([&] { return !sink.sockets.empty(); });
  settle();
  REQUIRE(sink.sockets.size() == 1);
}

TEST_CASE_METHOD(listening, "what is accepted sends small pieces at once, and asks silent peers",
                 "[net][listener][not-sim]") {
  open();
  REQUIRE(loop.loop().io().set_keepalive(at.descriptor) == 0);
  knock(1);
  until([&] { return sink.sockets.size() == 1; });

  const auto option = [&](int layer, int name) {
    int value = 0;
    socklen_t size = sizeof value;
    REQUIRE(::getsockopt(sink.sockets[0], layer, name, &value, &size) == 0);
    return value;
  };
  REQUIRE(option(IPPROTO_TCP, TCP_NODELAY) == 1);
  REQUIRE(option(SOL_SOCKET, SO_KEEPALIVE) == 1);
  REQUIRE(option(IPPROTO_TCP, TCP_KEEPIDLE) == 60);
  REQUIRE((::fcntl(sink.sockets[0], F_GETFD) & FD_CLOEXEC) != 0);
  REQUIRE((::fcntl(sink.sockets[0], F_GETFL) & O_NONBLOCK) != 0);
}

TEST_CASE("a listener leaves no descriptor behind", "[net][listener][not-sim]") {
  const int before = lowest_free_descriptor();
  {
    listening server;
    server.open();
    server.knock(10);
    server.until([&] { return server.sink.sockets.size() == 10; });
  }
  REQUIRE(lowest_free_descriptor() == before);
}

TEST_CASE_METHOD(listening, "a Unix socket's file is removed when the listener closes",
                 "[net][listener][unix][not-sim]") {
  const temporary_folder folder;
  const std::string path = folder.path_of("socket");
  open(address::unix_path(path));
  REQUIRE(std::filesystem::is_socket(path));
  knock(2);
  until([&] { return sink.sockets.size() == 2; });

  at.close();

  REQUIRE_FALSE(std::filesystem::exists(path));
}

TEST_CASE_METHOD(listening, "a Unix socket's file that is another one by now stays",
                 "[net][listener][unix][not-sim]") {
  const temporary_folder folder;
  const std::string path = folder.path_of("socket");
  open(address::unix_path(path));
  std::filesystem::remove(path);
  listener second(loop, sink);
  REQUIRE(second.open(address::unix_path(path), {}, 64) == 0);

  at.close();

  REQUIRE(std::filesystem::is_socket(path));
  second.close();
  REQUIRE_FALSE(std::filesystem::exists(path));
}

TEST_CASE_METHOD(listening, "a Unix socket's file that a dead server has left behind is replaced",
                 "[net][listener][unix][not-sim]") {
  const temporary_folder folder;
  const std::string path = folder.path_of("socket");
  {
    sockaddr_un name{};
    name.sun_family = AF_UNIX;
    path.copy(name.sun_path, sizeof name.sun_path - 1);
    const unique_fd dead(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    REQUIRE(::bind(dead.get(), reinterpret_cast<const sockaddr*>(&name), sizeof name) == 0);
    REQUIRE(::listen(dead.get(), 1) == 0);
  }
  REQUIRE(std::filesystem::is_socket(path));

  open(address::unix_path(path));
  knock(1);
  until([&] { return sink.sockets.size() == 1; });
}

TEST_CASE_METHOD(listening, "a file that is no socket is not taken for one",
                 "[net][listener][unix][not-sim]") {
  const temporary_folder folder;
  const std::string path = folder.write("file", "important");
  REQUIRE(at.open(address::unix_path(path), {}, 64) == -EADDRINUSE);
  REQUIRE(std::filesystem::file_size(path) == 9);
}

}  // namespace listener_test
