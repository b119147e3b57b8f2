// The cases of CPython's own test of socketserver, by their numbers: what each of them promises
// there is promised here.
#include "socketserver_fixture.hpp"

#include "os/temporary_folder.hpp"

#include <cetane/base/errors.hpp>
#include <cetane/base/scope_exit.hpp>

#include <csignal>
#include <cstring>
#include <fstream>
#include <sstream>
#include <type_traits>

#include <fcntl.h>
#include <pthread.h>
#include <sys/wait.h>

namespace cpython_test {

using namespace socketserver_fixture;

namespace {

constexpr std::string_view line = "hello world\n";

void ask_as_stream(const address& server) {
  stream_client client(server);
  client.sendall(line);
  CHECK(client.until_end() == line);
}

void ask_as_datagram(const address& server, const address& own) {
  datagram_client client(own);
  CHECK(client.ask(line, server) == line);
}

// Three clients, one after the other; then the end, which leaves nothing open.
template <class Server, class Ask>
void serve_three(Server& server, Ask ask) {
  address bound;
  REQUIRE(cetane::os::local_address(server.fileno(), bound) == 0);
  CHECK(server.server_address() == bound);
  {
    const serving loop(server, std::chrono::milliseconds(10));
    for (int i = 0; i < 3; ++i) ask(server.server_address());
  }
  server.server_close();
  CHECK(server.fileno() == -1);
  CHECK(server.errors == 0);
  if constexpr (requires { server.active_children(); }) {
    CHECK(server.active_children().empty());
    CHECK(server.good == 3);
    CHECK(server.bad == 0);
  }
}

template <class Server>
void tcp_case() {
  live<Server> server(any_port(), handler<echo_line>);
  serve_three(server, ask_as_stream);
}

template <class Server>
void udp_case() {
  live<Server> server(any_port(), handler<echo_packet>);
  serve_three(server,
              [](const address& to) { ask_as_datagram(to, *address::parse_ip("127.0.0.1", 0)); });
}

template <class Server>
void unix_stream_case() {
  const temporary_folder folder;
  live<Server> server(folder.path_of("server"), handler<echo_line>);
  serve_three(server, ask_as_stream);
}

template <class Server>
void unix_datagram_case() {
  const temporary_folder folder;
  live<Server> server(folder.path_of("server"), handler<echo_packet>);
  int clients = 0;
  serve_three(server, [&](const address& to) {
    ask_as_datagram(to, address::unix_path(folder.path_of(std::to_string(++clients))));
  });
}

// A child that is not the server's; it has ended before anything else happens.
class foreign_child {
 public:
  foreign_child() : pid_(::fork()) {
    if (pid_ == 0) ::_exit(72);
    siginfo_t ended{};
    REQUIRE(::waitid(P_PID, static_cast<id_t>(pid_), &ended, WEXITED | WNOWAIT) == 0);
  }
  void check_it_was_left_alone() const {
    int status = 0;
    REQUIRE(::waitpid(pid_, &status, 0) == pid_);
    CHECK(status == 72 << 8);
  }

 private:
  int pid_;
};

// What the handler and handle_error() say, in a file, so that children can say it too.
struct story {
  void tell(const char* text) const {
    const unique_fd fd(::open(path.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600));
    REQUIRE(::write(fd.get(), text, std::strlen(text)) > 0);
  }
  std::string told() const {
    std::ostringstream all;
    all << std::ifstream(path).rdbuf();
    return all.str();
  }
  temporary_folder folder;
  std::string path = folder.path_of("story");
};

enum class thrown { error, exit };

template <class Server>
struct telling : Server {
  telling(endpoint where, handler_factory make, const story& tale)
      : Server(std::move(where), std::move(make)), story_(tale) {}
  void handle_error(request&, const address&, std::exception_ptr) override {
    story_.tell("Error handled\n");
  }
  const story& story_;
};

// One request whose handler throws.
template <class Server>
void one_request(thrown what, const story& tale) {
  const handler_factory make = call([&](calling&) {
    tale.tell("Handler called\n");
    if (what == thrown::exit) throw exit_request();
    throw std::runtime_error("test");
  });
  live<telling<Server>> server(std::in_place, any_port(), make, tale);
  stream_client client(server.server_address());
  server.handle_request();
  server.server_close();
}

}  // namespace

TEST_CASE("CPython 1: TCPServer", "[socketserver]") { tcp_case<strict<tcp_server>>(); }

TEST_CASE("CPython 2: UDPServer", "[socketserver]") { udp_case<strict<udp_server>>(); }

TEST_CASE("CPython 3: UnixStreamServer", "[socketserver]") {
  unix_stream_case<strict<unix_stream_server>>();
}

TEST_CASE("CPython 4: UnixDatagramServer", "[socketserver]") {
  unix_datagram_case<strict<unix_datagram_server>>();
}

TEST_CASE("CPython 5: ThreadingTCPServer", "[socketserver]") {
  tcp_case<strict<threading<tcp_server>>>();
}

TEST_CASE("CPython 6: ThreadingUDPServer", "[socketserver]") {
  udp_case<strict<threading<udp_server>>>();
}

TEST_CASE("CPython 7: ThreadingUnixStreamServer", "[socketserver]") {
  unix_stream_case<strict<threading<unix_stream_server>>>();
}

TEST_CASE("CPython 8: ThreadingUnixDatagramServer", "[socketserver]") {
  unix_datagram_case<strict<threading<unix_datagram_server>>>();
}

TEST_CASE("CPython 9: ForkingTCPServer", "[socketserver][fork]") {
  const foreign_child other;
  tcp_case<strict_forking<tcp_server>>();
  other.check_it_was_left_alone();
}

TEST_CASE("CPython 10: ForkingUDPServer", "[socketserver][fork]") {
  const foreign_child other;
  udp_case<strict_forking<udp_server>>();
  other.check_it_was_left_alone();
}

TEST_CASE("CPython 11: ForkingUnixStreamServer", "[socketserver][fork]") {
  const foreign_child other;
  unix_stream_case<strict_forking<unix_stream_server>>();
  other.check_it_was_left_alone();
}

TEST_CASE("CPython 12: ForkingUnixDatagramServer", "[socketserver][fork]") {
  unix_datagram_case<strict_forking<unix_datagram_server>>();
}

TEST_CASE("CPython 13: shutdown right after the start ends every loop", "[socketserver]") {
  for (int i = 0; i < 20; ++i) {
    TCPServer server(any_port(), handler<echo_line>);
    serving loop(server, std::chrono::milliseconds(10));
    loop.stop();
    CHECK(loop.failure() == nullptr);
  }
}

TEST_CASE("CPython 14: a threading server that served nobody closes", "[socketserver]") {
  ThreadingTCPServer server(any_port(), handler<echo_line>);

  server.server_close();

  CHECK(server.fileno() == -1);
}

TEST_CASE("CPython 15: a thousand servers that could not bind leave nothing open",
          "[socketserver]") {
  const endpoint elsewhere("203.0.113.1", 0);  // an address for documentation: no machine has it
  const std::size_t before = open_descriptors();

  for (int i = 0; i < 1024; ++i) {
    CHECK_THROWS_AS(TCPServer(elsewhere, handler<echo_line>), cetane::error);
  }

  CHECK(open_descriptors() == before);
}

TEST_CASE("CPython 16: leaving the scope closes the server", "[socketserver]") {
  int number = -1;
  {
    const TCPServer server(any_port(), handler<echo_line>);
    number = server.fileno();
    CHECK(::fcntl(number, F_GETFD) >= 0);
  }
  CHECK(::fcntl(number, F_GETFD) == -1);
}

TEST_CASE("CPython 17: an exception goes to handle_error", "[socketserver]") {
  const story tale;
  one_request<tcp_server>(thrown::error, tale);
  CHECK(tale.told() == "Handler called\nError handled\n");
}

TEST_CASE("CPython 18: a request to exit leaves handle_request", "[socketserver]") {
  const story tale;
  CHECK_THROWS_AS(one_request<tcp_server>(thrown::exit, tale), exit_request);
  CHECK(tale.told() == "Handler called\n");
}

TEST_CASE("CPython 19: a thread's exception goes to handle_error", "[socketserver]") {
  const story tale;
  one_request<threading<tcp_server>>(thrown::error, tale);
  CHECK(tale.told() == "Handler called\nError handled\n");
}

TEST_CASE("CPython 20: a thread's request to exit ends the thread", "[socketserver]") {
  const story tale;
  one_request<threading<tcp_server>>(thrown::exit, tale);
  CHECK(tale.told() == "Handler called\n");
}

TEST_CASE("CPython 21: a child's exception goes to handle_error", "[socketserver][fork]") {
  const story tale;
  one_request<forking<tcp_server>>(thrown::error, tale);
  CHECK(tale.told() == "Handler called\nError handled\n");
}

TEST_CASE("CPython 22: a child's request to exit ends the child", "[socketserver][fork]") {
  const story tale;
  one_request<forking<tcp_server>>(thrown::exit, tale);
  CHECK(tale.told() == "Handler called\n");
}

TEST_CASE("CPython 23: the output file has the connection's descriptor", "[socketserver]") {
  struct looking : stream_request_handler {
    void handle() override {
      wfile().write(wfile().fileno() == connection().fileno() ? "same" : "different");
    }
  };
  TCPServer server(any_port(), handler<looking>);
  stream_client client(server.server_address());

  server.handle_request();

  CHECK(client.until_end() == "same");
}

TEST_CASE("CPython 24: a write goes out at once and whole, in spite of signals", "[socketserver]") {
  static constexpr std::size_t long_text = (16u << 20) + 1;
  static std::size_t written;
  struct writing : stream_request_handler {
    void handle() override {
      wfile().write("start\n");
      CHECK(rfile().read_line() == "go on\n");  // so the start has come before the end
      written = wfile().write(std::string(long_text, 'x'));
    }
  };
  struct sigaction action {
  }, before{};
  action.sa_handler = [](int) {};  // without SA_RESTART: the calls are interrupted
  ::sigaction(SIGUSR1, &action, &before);
  const cetane::scope_exit restore([&] { ::sigaction(SIGUSR1, &before, nullptr); });
  TCPServer server(any_port(), handler<writing>);
  const pthread_t serving_thread = ::pthread_self();
  std::string start;
  std::size_t got = 0;
  std::thread client([&] {
    stream_client peer(server.server_address());
    start = peer.exactly(6);
    peer.sendall("go on\n");
    for (;;) {
      const std::size_t count = peer.recv(1 << 16).size();
      if (count == 0) break;
      got += count;
      ::pthread_kill(serving_thread, SIGUSR1);
    }
  });

  server.handle_request();
  client.join();

  CHECK(start == "start\n");
  CHECK(written == long_text);
  CHECK(got == long_text);
}

TEST_CASE("CPython 25: every name is there", "[socketserver]") {
  namespace ss = cetane::socketserver;
  CHECK(std::is_base_of_v<ss::BaseServer, ss::TCPServer>);
  CHECK(std::is_base_of_v<ss::tcp_server, ss::UnixStreamServer>);
  CHECK(std::is_base_of_v<ss::udp_server, ss::UnixDatagramServer>);
  CHECK_FALSE(std::is_base_of_v<ss::unix_stream_server, ss::UnixDatagramServer>);
  CHECK(std::is_base_of_v<ss::ThreadingMixIn<ss::tcp_server>, ss::ThreadingTCPServer>);
  CHECK(std::is_base_of_v<ss::ThreadingMixIn<ss::udp_server>, ss::ThreadingUDPServer>);
  CHECK(std::is_base_of_v<ss::unix_stream_server, ss::ThreadingUnixStreamServer>);
  CHECK(std::is_base_of_v<ss::unix_datagram_server, ss::ThreadingUnixDatagramServer>);
  CHECK(std::is_base_of_v<ss::ForkingMixIn<ss::tcp_server>, ss::ForkingTCPServer>);
  CHECK(std::is_base_of_v<ss::ForkingMixIn<ss::udp_server>, ss::ForkingUDPServer>);
  CHECK(std::is_base_of_v<ss::unix_stream_server, ss::ForkingUnixStreamServer>);
  CHECK(std::is_base_of_v<ss::unix_datagram_server, ss::ForkingUnixDatagramServer>);
  CHECK(std::is_base_of_v<ss::BaseRequestHandler, ss::StreamRequestHandler>);
  CHECK(std::is_base_of_v<ss::BaseRequestHandler, ss::DatagramRequestHandler>);
  CHECK(std::is_base_of_v<ss::tcp_server, ss::TCPServer>);
  CHECK(std::is_base_of_v<ss::udp_server, ss::UDPServer>);
}

TEST_CASE("CPython 26: a request that is not wanted is shut down once", "[socketserver]") {
  struct refusing : tcp_server {
    using tcp_server::tcp_server;
    bool verify_request(request&, const address&) override { return false; }
    void shutdown_request(request& asked) override {
      ++shut_down;
      tcp_server::shutdown_request(asked);
    }
    int shut_down = 0;
  };
  live<refusing> server(any_port(), handler<echo_line>);
  stream_client client(server.server_address());

  server.handle_request();

  CHECK(server.shut_down == 1);
  CHECK(client.until_end().empty());
}

TEST_CASE("CPython 27: threads that have ended are forgotten", "[socketserver]") {
  ThreadingTCPServer server(any_port(), handler<echo_line>);
  const serving loop(server);

  for (int i = 0; i < 10; ++i) {
    ask_as_stream(server.server_address());
    CHECK(server.tracked_threads() < 10);
  }
}

}  // namespace cpython_test
