// Listing 2.3 of the Python Network Programming Cookbook: a chat server and its client on select().
// It understands the book's own clients and servers.
//
// Run:   ./dev run cookbook/2_3_chat_server_with_select --name=server --port=8800
//        and in two other terminals --name=client1 --port=8800, --name=client2 --port=8800
// Type:  something in one client; the other one shows it. A line in the server's terminal ends it.
// See:   Server listening to port: 8800 ...          Now connected to chat server@ port 8800
//        Chat server: got connection 4 from ...      [client1@127.0.0.1]>
//
// A select loop holds all state in tables and turns each conversation inside out.
// examples/cookbook/chat_server_tasks.cpp is the same server with tasks.

#include "chat_frame.hpp"

#include <cetane/base/errors.hpp>
#include <cetane/base/text.hpp>
#include <cetane/polling/select.hpp>
#include <cetane/socketserver/socketserver.hpp>

#include <fmt/format.h>

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

namespace {

namespace polling = cetane::polling;
namespace socketserver = cetane::socketserver;
using cetane::address;
using cetane::unique_fd;

constexpr std::size_t most_clients = 1000;  // select takes no more descriptors
constexpr std::size_t most_waiting_bytes = 256 * 1024;

void say(const std::string& line) {
  std::fputs((line + "\n").c_str(), stdout);
  std::fflush(stdout);
}

// Ctrl-C, as something that select can wait for.
class interruption {
 public:
  interruption() {
    int ends[2];
    if (::pipe2(ends, O_NONBLOCK | O_CLOEXEC) < 0) throw std::runtime_error("no pipe");
    read_end_.reset(ends[0]);
    write_end_.reset(ends[1]);
    to_ = ends[1];
    std::signal(SIGINT, [](int) { [[maybe_unused]] const auto n = ::write(to_, "", 1); });
    std::signal(SIGPIPE, SIG_IGN);
  }
  int fd() const { return read_end_.get(); }

 private:
  static inline int to_ = -1;
  unique_fd read_end_, write_end_;
};

// [client-state]
// What the server knows of a client between two turns of the loop.
struct client {
  unique_fd fd;
  address peer;
  std::string name;     // empty until the first frame has come
  std::string arrived;  // what is no whole frame yet
  std::string waiting;  // what the client has not taken yet
};
// [/client-state]

// The server's socket, bound and listening: the book's select loop does the rest.
struct chat_listener : socketserver::tcp_server {
  using tcp_server::tcp_server;
  void server_bind() override {
    allow_reuse_address = true;
    tcp_server::server_bind();
  }
};

class chat_server {
 public:
  explicit chat_server(std::uint16_t port)
      : listener_({"localhost", port}, socketserver::handler<socketserver::base_request_handler>) {
    say(fmt::format("Server listening to port: {} ...", listener_.server_address().port()));
  }

  // [loop]
  // Until somebody types a line here, or the input ends, or Ctrl-C.
  void run() {
    for (;;) {
      std::vector<int> readers{STDIN_FILENO, interruption_.fd()}, writers;
      if (clients_.size() < most_clients) readers.push_back(listener_.fileno());
      for (const auto& [fd, one] : clients_) {
        readers.push_back(fd);
        if (!one.waiting.empty()) writers.push_back(fd);
      }
      const polling::selected ready = polling::select(readers, writers, {});
      for (const int fd : ready.writers) flush(fd);
      for (const int fd : ready.readers) {
        if (fd == STDIN_FILENO) return;
        if (fd == interruption_.fd()) return say("Shutting down server...");
        if (fd == listener_.fileno()) {
          accept_one();
        } else {
          read(fd);
        }
      }
    }
  }
  // [/loop]

 private:
  void accept_one() {
    sockaddr_storage raw{};
    socklen_t length = sizeof raw;
    auto* const from = reinterpret_cast<sockaddr*>(&raw);
    unique_fd fd(::accept4(listener_.fileno(), from, &length, SOCK_NONBLOCK | SOCK_CLOEXEC));
    if (!fd) return;
    const address peer = address::from_sockaddr(from, length);
    say(fmt::format("Chat server: got connection {} from ('{}', {})", fd.get(), peer.host(),
                    peer.port()));
    const int number = fd.get();
    clients_.emplace(number, client{std::move(fd), peer, {}, {}, {}});
  }

  void read(int fd) {
    const auto place = clients_.find(fd);
    if (place == clients_.end()) return;  // hung up in this turn
    char bytes[4096];
    const ssize_t count = ::recv(fd, bytes, sizeof bytes, 0);
    if (count < 0 && errno == EAGAIN) return;
    if (count <= 0) return hang_up(fd);
    client& one = place->second;
    one.arrived.append(bytes, static_cast<std::size_t>(count));
    try {
      while (auto text = chat_frame::next(one.arrived)) take_frame(one, *text);
    } catch (const chat_frame::bad_frame&) {
      hang_up(fd);
    }
  }

  // [frame]
  void take_frame(client& one, const std::string& text) {
    if (one.name.empty()) {
      constexpr std::string_view label = "NAME: ";
      one.name = text.starts_with(label) ? text.substr(label.size()) : text;
      if (one.name.empty()) throw chat_frame::bad_frame("a client without a name");
      send(one, fmt::format("CLIENT: {}", one.peer.host()));
      tell_others(one, fmt::format("\n(Connected: New client ({}) from {})", count(), whole(one)));
    } else {
      tell_others(one, fmt::format("\n#[{}]>>{}", whole(one), text));
    }
  }
  // [/frame]

  void hang_up(int fd) {
    const auto place = clients_.extract(fd);
    if (place.empty()) return;
    say(fmt::format("Chat server: {} hung up", fd));
    const client& gone = place.mapped();
    if (!gone.name.empty()) {
      tell_others(gone, fmt::format("\n(Now hung up: Client from {})", whole(gone)));
    }
  }

  void tell_others(const client& but, const std::string& text) {
    for (auto& [fd, one] : clients_) {
      if (fd != but.fd.get() && !one.name.empty()) send(one, text);
    }
  }

  // Queues; select says when the client takes it. Who never does is not waited for.
  void send(client& one, const std::string& text) {
    if (one.waiting.size() <= most_waiting_bytes) one.waiting += chat_frame::encode(text);
  }

  void flush(int fd) {
    const auto place = clients_.find(fd);
    if (place == clients_.end()) return;
    std::string& waiting = place->second.waiting;
    const ssize_t count = ::send(fd, waiting.data(), waiting.size(), MSG_NOSIGNAL);
    if (count > 0) waiting.erase(0, static_cast<std::size_t>(count));
    if ((count < 0 && errno != EAGAIN) || waiting.size() > most_waiting_bytes) hang_up(fd);
  }

  static std::string whole(const client& one) {
    return fmt::format("{}@{}", one.name, one.peer.host());
  }

  std::size_t count() const {
    std::size_t named = 0;
    for (const auto& [fd, one] : clients_) named += one.name.empty() ? 0 : 1;
    return named;
  }

  interruption interruption_;
  socketserver::live<chat_listener> listener_;
  std::map<int, client> clients_;
};

// Text of others must not play tricks on this terminal.
std::string without_controls(std::string text) {
  for (char& c : text) {
    if ((static_cast<unsigned char>(c) < 0x20 && c != '\n') || c == 0x7F) c = '?';
  }
  return text;
}

class chat_client {
 public:
  chat_client(const std::string& name, std::uint16_t port)
      : server_(socketserver::create_connection({"localhost", port})) {
    say(fmt::format("Now connected to chat server@ port {}", port));
    server_.sendall(chat_frame::encode("NAME: " + name));
    const std::string answer = next_frame().value_or("");
    const std::size_t label = answer.find("CLIENT: ");
    prompt_ = fmt::format("[{}@{}]> ", name, label == 0 ? answer.substr(8) : "localhost");
  }

  void run() {
    for (;;) {
      std::fputs(prompt_.c_str(), stdout);
      std::fflush(stdout);
      const auto ready =
          polling::select({STDIN_FILENO, interruption_.fd(), server_.fileno()}, {}, {});
      for (const int fd : ready.readers) {
        if (fd == interruption_.fd()) return say(" Client interrupted. ");
        if (!(fd == STDIN_FILENO ? send_typed() : show_received())) return;
      }
    }
  }

 private:
  // False at the end of the input: then the client leaves.
  bool send_typed() {
    char bytes[4096];
    const ssize_t count = ::read(STDIN_FILENO, bytes, sizeof bytes);
    if (count <= 0) return false;
    typed_.append(bytes, static_cast<std::size_t>(count));
    for (std::size_t end; (end = typed_.find('\n')) != std::string::npos;) {
      const std::string line = cetane::trim(typed_.substr(0, end));
      typed_.erase(0, end + 1);
      if (!line.empty()) server_.sendall(chat_frame::encode(line));
    }
    return typed_.size() <= chat_frame::longest_body;
  }

  bool show_received() {
    const std::string bytes = server_.recv(4096);
    if (bytes.empty()) return say("Client shutting down."), false;
    arrived_ += bytes;
    while (auto text = chat_frame::next(arrived_)) say(without_controls(*text));
    return true;
  }

  std::optional<std::string> next_frame() {
    for (;;) {
      if (auto text = chat_frame::next(arrived_)) return text;
      const std::string bytes = server_.recv(4096);
      if (bytes.empty()) return std::nullopt;
      arrived_ += bytes;
    }
  }

  interruption interruption_;
  socketserver::blocking_socket server_;
  std::string prompt_;
  std::string arrived_;
  std::string typed_;
};

struct command {
  std::string name;
  std::optional<std::uint16_t> port;
};

// --name NAME --port PORT, or with =, in any order.
command read_command(int argc, char** argv) {
  command read;
  const auto refuse = [&](const std::string& why) {
    fmt::print(stderr, "usage: {0} [-h] --name NAME --port PORT\n{0}: error: {1}\n", argv[0], why);
    std::exit(2);
  };
  for (int i = 1; i < argc; ++i) {
    std::string word = argv[i], value;
    const std::size_t equals = word.find('=');
    if (equals != std::string::npos) {
      value = word.substr(equals + 1);
      word.resize(equals);
    } else if (i + 1 < argc) {
      value = argv[++i];
    }
    if (word == "--name") {
      read.name = value;
    } else if (word == "--port") {
      char* end = nullptr;
      const long number = std::strtol(value.c_str(), &end, 10);
      if (value.empty() || *end != '\0' || number < 0 || number > 65535) refuse("invalid --port");
      read.port = static_cast<std::uint16_t>(number);
    } else {
      refuse("unrecognized arguments: " + word);
    }
  }
  if (read.name.empty() || !read.port) refuse("--name and --port are required");
  return read;
}

}  // namespace

int main(int argc, char** argv) {
  const command chosen = read_command(argc, argv);
  try {
    if (chosen.name == "server") {
      chat_server(*chosen.port).run();
    } else {
      chat_client(chosen.name, *chosen.port).run();
    }
  } catch (const cetane::connect_error&) {
    say(fmt::format("Failed to connect to chat server @ port {}", *chosen.port));
    return 1;
  } catch (const std::exception& e) {
    fmt::print(stderr, "{}\n", e.what());
    return 1;
  }
}
