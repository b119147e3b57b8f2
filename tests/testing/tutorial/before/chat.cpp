#include "../chat.hpp"

namespace {

// [thank]
// Keeps the stars on disk, which takes its time.
cetane::task<> save(room&) { co_await cetane::sleep(0.01); }

cetane::task<> thank(std::string giver, std::string taker, room& here) {
  const auto own = co_await here.purses.lock(giver);
  --here.stars[giver];
  co_await save(here);
  const auto other = co_await here.purses.lock(taker);
  ++here.stars[taker];
  co_await save(here);
}
// [/thank]

cetane::task<> read_from(cetane::connection& peer, std::string name, room& here) {
  while (const auto line = co_await peer.next_line()) {
    if (line->starts_with("/thank ")) {
      const std::string taker = line->substr(7);
      if (here.stars.contains(taker)) co_await thank(name, taker, here);
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
  co_await peer.send("welcome\n");
  co_await read_from(peer, name, here);
  here.stars.erase(name);
}
// [/chat]
