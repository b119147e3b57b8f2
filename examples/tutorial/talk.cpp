// A room without names: what one says, all the others hear.
//
// Run:   ./dev run tutorial/talk
// Type:  nc 127.0.0.1 8013        in two terminals, and a line in one of them
// See:   the line in the other one
//
// It shows state that all handlers of a service share, and how a handler takes itself out of it.

#include <cetane/cetane.hpp>

#include <set>

// [room]
struct room {
  std::set<cetane::connection*> members;
};
// [/room]

// [tell]
void tell_others(room& everybody, cetane::connection& sender, const std::string& line) {
  for (cetane::connection* member : everybody.members) {
    if (member == &sender || member->try_send(line, "\r\n")) continue;
    member->abort("it reads too slowly");
  }
}
// [/tell]

// [talk]
cetane::task<> talk(cetane::connection& peer, room& everybody) {
  everybody.members.insert(&peer);
  const cetane::scope_exit leave([&] { everybody.members.erase(&peer); });

  while (auto line = co_await peer.next_line()) tell_others(everybody, peer, *line);
}
// [/talk]

// [main]
int main(int argc, char** argv) {
  room everybody;
  cetane::application app(argc, argv);
  app.add_service(cetane::service(talk, 8013, std::ref(everybody)));
  return app.run();
}
// [/main]
