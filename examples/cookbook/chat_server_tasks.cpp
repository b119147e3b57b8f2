// The chat server of listing 2.3 with tasks. It understands the same clients.
//
// Run:   ./dev run cookbook/chat_server_tasks
//        and in two other terminals
//        ./dev run cookbook/2_3_chat_server_with_select --name=client1 --port=8013

#include "chat_frame.hpp"

#include <cetane/cetane.hpp>

#include <vector>

namespace {

struct member {
  cetane::connection& peer;
  std::string name;

  std::string whole() const { return fmt::format("{}@{}", name, peer.remote().host()); }
};

// [room]
class room {
 public:
  void enter(member& who) {
    members_.push_back(&who);
    tell_others(
        who, fmt::format("\n(Connected: New client ({}) from {})", members_.size(), who.whole()));
  }
  void leave(member& who) {
    if (std::erase(members_, &who) == 0) return;  // it had not said its name
    tell_others(who, fmt::format("\n(Now hung up: Client from {})", who.whole()));
  }
  void tell_others(const member& but, const std::string& text) {
    const std::string frame = chat_frame::encode(text);
    for (member* m : members_) {
      if (m != &but && !m->peer.try_send(frame)) m->peer.abort("it reads too slowly");
    }
  }

 private:
  std::vector<member*> members_;
};
// [/room]

// [read]
cetane::task<std::string> next_text(cetane::connection& peer) {
  const std::string header = co_await peer.receive(chat_frame::header_bytes);
  const std::string body = co_await peer.receive(chat_frame::body_length(header));
  co_return chat_frame::decode_body(body);
}
// [/read]

// [handler]
cetane::task<> chat(cetane::connection& peer, room& lobby) {
  constexpr std::string_view label = "NAME: ";
  const std::string first = co_await next_text(peer);
  member me{peer, first.starts_with(label) ? first.substr(label.size()) : first};
  const cetane::scope_exit leave([&] { lobby.leave(me); });
  co_await peer.send(chat_frame::encode("CLIENT: " + peer.remote().host()));
  lobby.enter(me);
  for (;;) {
    const std::string text = co_await next_text(peer);
    lobby.tell_others(me, fmt::format("\n#[{}]>>{}", me.whole(), text));
  }
}
// [/handler]

}  // namespace

int main(int argc, char** argv) {
  room lobby;
  return cetane::quickstart(argc, argv, cetane::service(chat, 8013, std::ref(lobby)));
}
