#include "socketserver_fixture.hpp"

#include "os/fork_hook.hpp"

#include <cetane/base/errors.hpp>
#include <cetane/base/scope_exit.hpp>

#include <csignal>
#include <fstream>
#include <map>
#include <mutex>

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/wait.h>

namespace forking_test {

using namespace socketserver_fixture;
using namespace std::chrono_literals;

namespace {

// Says its process number, and stays until its peer says or ends something.
void greet_and_wait(calling& self) {
  self.request().socket().sendall(std::to_string(::getpid()) + "\n");
  static_cast<void>(self.request().socket().recv(1));
}

int read_pid(stream_client& client) {
  reader in(client, 0);
  return std::stoi(in.read_line());
}

// What a process has open, one line each: "socket:[4711]", "anon_inode:[eventpoll]".
std::string descriptors_of_this_process() {
  std::string all;
  for (const auto& one : std::filesystem::directory_iterator("/proc/self/fd")) {
    std::error_code gone;
    all += std::filesystem::read_symlink(one.path(), gone).string() + "\n";
  }
  return all;
}

std::size_t count(const std::string& text, std::string_view part) {
  std::size_t found = 0;
  for (auto at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++found;
  return found;
}

bool has_children() { return ::waitpid(-1, nullptr, WNOHANG) == 0 || errno != ECHILD; }

struct counting : forking<tcp_server> {
  counting(endpoint where, handler_factory make) : forking(std::move(where), std::move(make)) {
    request_queue_size = 100;
  }
  void child_ended(int, const cetane::child_status& status) override { ++ends[status.to_string()]; }
  std::map<std::string, int> ends;
};

}  // namespace

TEST_CASE("each request has a process of its own", "[socketserver][fork]") {
  ForkingTCPServer server(any_port(), call(greet_and_wait));
  const serving loop(server);

  stream_client first(server.server_address());
  stream_client second(server.server_address());
  const int one = read_pid(first);
  const int other = read_pid(second);

  CHECK(one != ::getpid());
  CHECK(other != ::getpid());
  CHECK(one != other);
}

TEST_CASE("a child has its own connection and none of the library's other descriptors",
          "[socketserver][fork]") {
  ForkingTCPServer other_server(any_port(), call(greet_and_wait));
  ThreadingUDPServer third_server(any_port(), handler<echo_packet>);
  ForkingTCPServer server(any_port(), call([](calling& self) {
                            self.request().socket().sendall(descriptors_of_this_process());
                          }));
  std::string before = descriptors_of_this_process();
  std::string seen;
  {
    stream_client client(server.server_address());
    server.handle_request();
    seen = client.until_end();
  }

  CHECK(count(before, "socket:") >= 3);
  CHECK(count(seen, "socket:") == 1);
  CHECK(count(seen, "[eventfd]") == 0);
  CHECK(count(seen, "[eventpoll]") == 0);
  CHECK(count(seen, "[io_uring]") == 0);
  CHECK(count(seen, "pidfd") == 0);
  CHECK(descriptors_of_this_process().find("socket:") != std::string::npos);
}

TEST_CASE("a child may keep the listener when it is told to", "[socketserver][fork]") {
  ForkingTCPServer server(
      any_port(), call([](calling& self) {
        self.request().socket().sendall(self.server().fileno() >= 0 ? "kept" : "closed");
      }));
  for (const bool closed : {true, false}) {
    server.close_listener_in_child = closed;
    stream_client client(server.server_address());
    server.handle_request();
    CHECK(client.until_end() == (closed ? "closed" : "kept"));
  }
}

TEST_CASE("a peer sees the end of its connection while other children live on",
          "[socketserver][fork]") {
  ForkingTCPServer server(any_port(), call(greet_and_wait));
  const serving loop(server);
  stream_client early(server.server_address());
  read_pid(early);
  stream_client late(server.server_address());
  read_pid(late);

  early.sendall("x");

  CHECK(early.until_end().empty());
}

TEST_CASE("what a child changes never reaches the server", "[socketserver][fork]") {
  int requests = 0;
  ForkingTCPServer server(any_port(), call([&](calling&) { ++requests; }));
  stream_client client(server.server_address());

  server.handle_request();
  server.server_close();

  CHECK(requests == 0);
}

TEST_CASE("a failed handler ends its child with status 1, a killed one with its signal",
          "[socketserver][fork]") {
  live<counting> server(any_port(), call([](calling& self) {
                          const std::string said = self.request().socket().recv(1);
                          if (said == "e") throw exit_request();
                          if (said == "k") ::raise(SIGKILL);
                        }));
  for (const char* word : {"g", "e", "k"}) {
    stream_client client(server.server_address());
    client.sendall(word);
    server.handle_request();
    CHECK(client.until_end().empty());
  }
  server.server_close();

  CHECK(server.ends == std::map<std::string, int>{{"exited with status 0", 1},
                                                  {"exited with status 1", 1},
                                                  {"killed by signal 9", 1}});
}

TEST_CASE("a child cannot end the loop of its parent", "[socketserver][fork]") {
  ForkingTCPServer server(any_port(), call([](calling& self) {
                            try {
                              self.server().shutdown();
                            } catch (const would_deadlock&) {
                              self.request().socket().sendall("refused");
                            }
                            self.server().request_shutdown();
                            self.server().server_close();
                          }));
  const serving loop(server, 1h);
  for (int i = 0; i < 2; ++i) {
    stream_client client(server.server_address());
    CHECK(client.until_end() == "refused");
  }
}

TEST_CASE("at max_children the server rests without blocking, and goes on when a child ends",
          "[socketserver][fork]") {
  live<counting> server(any_port(), call(greet_and_wait));
  server.max_children = 2;
  const serving loop(server, 1h);
  stream_client first(server.server_address());
  stream_client second(server.server_address());
  read_pid(first);
  read_pid(second);
  stream_client third(server.server_address());

  first.sendall("x");

  CHECK(read_pid(third) > 0);
  second.close();
  third.close();
}

TEST_CASE("a forking server at its limit is still shut down at once", "[socketserver][fork]") {
  ForkingTCPServer server(any_port(), call(greet_and_wait));
  server.max_children = 1;
  stream_client first(server.server_address());
  {
    const serving loop(server, 1h);
    read_pid(first);
  }
  CHECK(server.active_children().size() == 1);
  first.close();
}

TEST_CASE("closing need not wait for the children", "[socketserver][fork]") {
  ForkingTCPServer server(any_port(), call(greet_and_wait));
  server.block_on_close = false;
  stream_client client(server.server_address());
  server.handle_request();
  const int pid = read_pid(client);

  server.server_close();

  CHECK(server.active_children() == std::set<int>{pid});
  client.close();
  server.collect_children(true);
  CHECK(server.active_children().empty());
}

TEST_CASE("a server that is told of a timeout collects its children", "[socketserver][fork]") {
  ForkingTCPServer server(any_port(), call([](calling&) {}));
  stream_client client(server.server_address());
  server.handle_request();
  REQUIRE(client.until_end().empty());
  server.timeout = 1ms;

  while (!server.active_children().empty()) server.handle_request();

  CHECK_FALSE(has_children());
}

TEST_CASE("a child that has ended does not keep a server busy that waits for one request",
          "[socketserver][fork]") {
  struct turning : forking<tcp_server> {
    using forking::forking;
    bool accepting() override {
      ++turns;
      return forking::accepting();
    }
    int turns = 0;
  };
  live<turning> server(any_port(), call([](calling&) {}));
  stream_client client(server.server_address());
  server.handle_request();
  REQUIRE(client.until_end().empty());
  const int child = *server.active_children().begin();
  siginfo_t ended{};
  REQUIRE(::waitid(P_PID, static_cast<id_t>(child), &ended, WEXITED | WNOWAIT) == 0);
  server.timeout = 5ms;
  server.turns = 0;

  server.handle_request();

  CHECK(server.turns == 1);
  CHECK_FALSE(has_children());
}

TEST_CASE("in_child runs in the child before the request", "[socketserver][fork]") {
  struct marking : forking<tcp_server> {
    using forking::forking;
    void in_child() override { pid = ::getpid(); }
    int pid = 0;
  };
  live<marking> server(any_port(), call([](calling& self) {
                         const auto& own = dynamic_cast<marking&>(self.server());
                         self.request().socket().sendall(own.pid == ::getpid() ? "yes" : "no");
                       }));
  stream_client client(server.server_address());

  server.handle_request();

  CHECK(client.until_end() == "yes");
  CHECK(server.pid == 0);
}

TEST_CASE("a fork that fails is an error of the request", "[socketserver][fork]") {
  struct noting : forking<tcp_server> {
    using forking::forking;
    void handle_error(request&, const address&, std::exception_ptr) override { ++errors; }
    int errors = 0;
  };
  live<noting> server(any_port(), call([](calling&) {}));
  server.threads = cetane::threads_at_fork::refuse;
  stream_client client(server.server_address());
  door leave;
  std::thread other([&] { leave.wait(); });

  server.handle_request();

  CHECK(server.errors == 1);
  CHECK(client.until_end().empty());
  CHECK(server.active_children().empty());
  leave.open();
  other.join();
}

TEST_CASE("two forking servers on two threads keep out of each other's children",
          "[socketserver][fork]") {
  const auto make = call([](calling& self) {
    const std::string all = descriptors_of_this_process();
    self.request().socket().sendall(std::to_string(count(all, "socket:")));
  });
  ForkingTCPServer one(any_port(), make), other(any_port(), make);
  int wrong = 0;
  {
    const serving first(one), second(other);
    for (int i = 0; i < 50; ++i) {
      stream_client to_one(one.server_address()), to_other(other.server_address());
      // Either may hold the two clients of this test, which are descriptors of the test's own and
      // closed in children too.
      if (to_one.until_end() != "1") ++wrong;
      if (to_other.until_end() != "1") ++wrong;
    }
  }
  CHECK(wrong == 0);
}

TEST_CASE("of 500 requests, 50 aborted ones and 10 killed children nothing is left",
          "[socketserver][fork]") {
  live<counting> server(any_port(), call([](calling& self) {
                          try {
                            const std::string said = self.request().socket().recv(100);
                            if (said == "kill") ::raise(SIGKILL);
                            self.request().socket().sendall(said);
                          } catch (const cetane::connection_error&) {
                            // aborted
                          }
                        }));
  const std::size_t before = open_descriptors();
  int answered = 0;
  long allocated = 0;
  {
    const serving loop(server);
    for (int i = 0; i < 500; ++i) {
      if (i == 100) allocated = allocated_bytes();  // what is made once has been made
      stream_client client(server.server_address());
      client.sendall("hello");
      if (client.until_end() == "hello") ++answered;
      if (i % 10 == 0) {
        const stream_client aborted(server.server_address());
        cetane::os::set_linger_reset(aborted.fileno());
      }
      if (i % 50 == 0) {
        stream_client killing(server.server_address());
        killing.sendall("kill");
        CHECK(killing.until_end().empty());
      }
    }
  }
  server.server_close();

  CHECK(answered == 500);
  CHECK(allocated_bytes() - allocated < small_change);
  CHECK(server.ends["killed by signal 9"] == 10);
  // An aborted connection may be gone before it is accepted.
  CHECK(server.ends["exited with status 0"] >= 500);
  CHECK(server.ends.size() == 2);
  CHECK(server.active_children().empty());
  CHECK_FALSE(has_children());
  CHECK(open_descriptors() == before - 1);  // the listener
}

}  // namespace forking_test
