#pragma once

#include <cetane/cetane.hpp>

#include <functional>
#include <set>
#include <string>

struct room {
  cetane::fanout<std::string> talk;
  std::set<std::string> nicks;
};

inline cetane::task<std::string> choose_nick(cetane::connection& peer, room& r) {
  for (;;) {
    co_await peer.send("your name? ");
    std::string nick = cetane::trim(co_await peer.until_eol());
    if (!nick.empty() && r.nicks.insert(nick).second) co_return nick;
    co_await peer.send("that one is taken\r\n");
  }
}

inline cetane::task<> chat(cetane::connection& peer, room& r) {
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
