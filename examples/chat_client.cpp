// A terminal client for the chat room, or for any server that talks in lines.
//
// Run:   ./dev run chat_client                (or with a place: chat_client 127.0.0.1 8013)
// Type:  anna
//        hello everybody
// See:   welcome to cetane chat, what is your name?
//        hello anna, 1 here
// Ctrl-D says that you have finished, and prints what the server still has to say; Ctrl-C leaves at
// once. It works with pipes as well: printf 'anna\n/who\n/quit\n' | build/examples/chat_client
//
// It shows two tasks on one connection: one writes what is typed, the other prints what comes. Exit
// status: 0 when the conversation has ended, 1 when there was none or it broke, 2 for a bad command
// line, 130 for Ctrl-C.

#include <cetane/cetane.hpp>

#include <cerrno>
#include <charconv>
#include <cstdio>
#include <memory>

#include <unistd.h>

using namespace std::chrono_literals;

// [client]
// What is typed goes to the server, and the end of it ends our side of the connection.
cetane::task<> write_typed(std::shared_ptr<cetane::connection> server) {
  cetane::line_reader keyboard(STDIN_FILENO);
  try {
    while (auto line = co_await keyboard.next_line()) co_await server->send(*line, "\r\n");
    co_await server->send_eof();
  } catch (const cetane::connection_closed&) {
    // print_heard() meets the same end, and tells
  }
}

// What the server says is printed, until it has nothing more to say.
cetane::task<> print_heard(cetane::connection& server) {
  const bool terminal = ::isatty(STDOUT_FILENO) == 1;
  while (auto line = co_await server.next_line()) {
    fmt::print("{}\n", terminal ? cetane::printable(*line) : *line);
    if (std::fflush(stdout) != 0) throw cetane::error("print", cetane::system_code(errno));
  }
}

cetane::task<> talk(std::string host, std::uint16_t port) {
  const auto server = std::make_shared<cetane::connection>();
  *server = co_await cetane::connect(host, port).timeout(10s);

  auto typing = cetane::spawn(write_typed, server);
  const cetane::scope_exit stop([&] { typing.cancel(); });
  co_await print_heard(*server);
  if (!typing.done()) cetane::log::info("the server has ended the conversation");
}
// [/client]

struct place {
  std::string host = "127.0.0.1";
  std::uint16_t port = 8013;
};

bool read_port(std::string_view text, std::uint16_t& port) {
  const char* const end = text.data() + text.size();
  const auto [stop, failure] = std::from_chars(text.data(), end, port);
  return failure == std::errc() && stop == end;
}

// HOST and PORT, both optional, or the servers' --host HOST and --port PORT; false for anything
// else.
bool read_arguments(int argc, char** argv, place& server) {
  int positions = 0;
  for (int i = 1; i < argc; ++i) {
    const std::string_view word = argv[i];
    const bool option = word == "--host" || word == "--port";
    if (option && ++i == argc) return false;
    if (!option && (word.starts_with('-') || ++positions > 2)) return false;
    const bool is_host = option ? word == "--host" : positions == 1;
    if (is_host) server.host = argv[i];
    if (!is_host && !read_port(argv[i], server.port)) return false;
  }
  return true;
}

int main(int argc, char** argv) {
  place server;
  if (!read_arguments(argc, argv, server)) {
    return fmt::print(stderr, "usage: chat_client [HOST [PORT]] [--host HOST] [--port PORT]\n"), 2;
  }
  return cetane::run(talk, server.host, server.port);
}
