// A chat room: everybody sees every line; a member that falls 64 lines behind is shown out.
//
// Run:   ./dev run room                 it prints: listening on tcp://127.0.0.1:8014
// Type:  nc 127.0.0.1 8014              then a name, and what you have to say: anna, hello
// See:   your name? * anna joined
//        anna: hello
// Do the same as bob in a second terminal, and both see what either of them says. Ctrl-C ends the
// server.
//
// It shows fanout, and first: a handler waits for its peer and for the others at the same time. The
// chat example is a room with more rules.

#include <set>

#include <cetane/cetane.hpp>

struct room {
  cetane::fanout<std::string> talk;
  std::set<std::string> nicks;
};

cetane::task<std::string> choose_nick(cetane::connection& peer, room& r) {
  for (;;) {
    co_await peer.send("your name? ");
    std::string nick = cetane::trim(co_await peer.until_eol());
    if (!nick.empty() && r.nicks.insert(nick).second) co_return nick;
    co_await peer.send("that one is taken\r\n");
  }
}

cetane::task<> chat(cetane::connection& peer, room& r) {
  const std::string nick = co_await choose_nick(peer, r);
  const cetane::scope_exit leave([&] {
    r.nicks.erase(nick);
    r.talk.publish(fmt::format("* {} left\r\n", nick));
  });
  auto heard = r.talk.subscribe(64, [&] { peer.abort("fell 64 lines behind"); });
  r.talk.publish(fmt::format("* {} joined\r\n", nick));

  for (;;) {
    auto turn = co_await cetane::first(peer.until_eol(), heard.get());
    auto& [typed, said] = turn;
    if (said) co_await peer.send(*said);
    if (typed) r.talk.publish(fmt::format("{}: {}\r\n", nick, cetane::trim(*typed)));
  }
}

int main(int argc, char** argv) {
  room lobby;
  cetane::application app(argc, argv);
  app.add_service(cetane::service(chat, 8014, std::ref(lobby)).name("chat"));
  return app.run();
}
