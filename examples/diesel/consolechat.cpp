// diesel's consolechat: a chat, its server and its client, in one program.
//
// Run:   ./dev run diesel/consolechat server  it prints: listening on tcp://127.0.0.1:8013
//        build/examples/diesel/consolechat client anna 127.0.0.1 8013      in a second terminal
//        build/examples/diesel/consolechat client bob 127.0.0.1 8013       in a third one
// Type:  how are you?                         as anna
// See:   hello bob                            as bob
//        <anna> how are you?
//
// It shows wait and fire between connections, and in the client a keyboard and a network at the
// same time. A message is for those who wait at that moment; where nobody may miss one, a fanout
// is right: see room.

#include <cetane/cetane.hpp>

#include <string_view>

#include <unistd.h>

using namespace std::chrono_literals;

cetane::task<> chat(cetane::connection& peer) {
  const std::string nick = cetane::trim(co_await peer.until_eol());
  co_await peer.send("hello ", nick, "\r\n");
  for (;;) {
    auto turn = co_await cetane::first(peer.until_eol(), cetane::wait("chat_message"));
    auto& [typed, said] = turn;
    if (typed) cetane::fire("chat_message", fmt::format("<{}> {}\r\n", nick, cetane::trim(*typed)));
    if (said) co_await peer.send(*said);
  }
}

cetane::task<> read_keyboard(cetane::queue<std::string>& typed) {
  cetane::line_reader keyboard(STDIN_FILENO);
  while (auto line = co_await keyboard.next_line()) co_await typed.put(*line);
  typed.close();
}

cetane::task<> talk(cetane::queue<std::string>& typed, std::string nick, std::string host,
                    std::uint16_t port) {
  cetane::connection server = co_await cetane::connect(host, port).timeout(5s);
  cetane::spawn(read_keyboard, std::ref(typed));
  co_await server.send(nick, "\r\n");
  for (;;) {
    auto turn = co_await cetane::first(server.next_line(), typed.next());
    auto& [heard, line] = turn;
    if ((heard && !*heard) || (line && !*line)) break;  // one of the two has ended
    if (line) co_await server.send(**line, "\r\n");
    if (heard) fmt::print("{}\n", **heard);
    std::fflush(stdout);
  }
}

int main(int argc, char** argv) {
  const std::string_view what = argc > 1 ? argv[1] : "";
  if (what == "server") {
    cetane::application app(argc - 1, argv + 1);
    app.add_service(cetane::service(chat, 8013));
    return app.run();
  }
  if (what == "client" && argc == 5) {
    cetane::queue<std::string> typed;
    return cetane::run(talk, std::ref(typed), std::string(argv[2]), std::string(argv[3]),
                       std::stoi(argv[4]));
  }
  return fmt::print(stderr, "usage: consolechat server, or consolechat client NICK HOST PORT\n"), 2;
}
