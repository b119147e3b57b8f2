#include "../chat.hpp"

#include <algorithm>

namespace {

// Keeps the stars on disk, which takes its time.
cetane::task<> save(room&) { co_await cetane::sleep(0.01); }

// [thank]
cetane::task<> thank(std::string giver, std::string taker, room& here) {
  const auto one = co_await here.purses.lock(std::min(giver, taker));
  const auto two = co_await here.purses.lock(std::max(giver, taker));
  --here.stars[giver];
  ++here.stars[taker];
  co_await save(here);
}
// [/thank]

cetane::task<> read_from(cetane::connection& peer, std::string name, room& here) {
  while (const auto line = co_await peer.next_line()) {
    if (line->starts_with("/thank ")) {
      const std::string taker = line->substr(7);
      if (taker != name && here.stars.contains(taker)) co_await thank(name, taker, here);
      co_await peer.send("done\n");
    } else {
      here.said.publish(name + ": " + *line + "\n");
    }
  }
}

}  // namespace

// [chat]
cetane::task<> chat(cetane::connection& peer, room& here) {
  co_await peer.send("name?\n");
  const std::string line = co_await peer.until_eol();
  const std::string name(cetane::trim(line));
  if (!here.stars.try_emplace(name, 0).second) {
    co_await peer.send("taken\n");
    co_return;
  }
  const cetane::scope_exit leave([&] { here.stars.erase(name); });
  co_await peer.send("welcome\n");
  co_await read_from(peer, name, here);
}
// [/chat]
