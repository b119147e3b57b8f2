// A chat room over plain TCP: what one types, all the others read.
//
// Run:   ./dev run chat
// Type:  nc 127.0.0.1 8013        (telnet and build/examples/chat_client do as well)
//        anna
//        /who
// See:   welcome to cetane chat, what is your name?
//        hello anna, 1 here
//        here: anna
// Do the same as bob in a second terminal, and talk: anna reads "* bob joined", then "bob: ..." for
// every line of bob's. /nick NEW changes the name, /quit leaves.
//
// It shows state that handlers share, also where they are on several threads: `--workers 4` is one
// room on four event loops. News spreads by a fanout that spans them, and goes out with try_send,
// which never waits, so nobody delays the others; whoever has more than 256 KiB waiting is shown
// out. Everything has a limit: lines, names, and the time to say a name.

#include <cetane/cetane.hpp>

#include <algorithm>
#include <mutex>
#include <vector>

using namespace std::chrono_literals;
using namespace cetane::literals;

namespace {

constexpr std::string_view question = "welcome to cetane chat, what is your name?\r\n";
constexpr std::size_t longest_name = 20;
constexpr std::size_t longest_line = 4_KiB;
constexpr auto time_for_a_name = 60s;
constexpr std::size_t most_unheard = 65'536;  // news; all of it leaves at a member's next turn

// [clean]
// Text is bytes, save those that could play tricks on somebody's terminal: control characters below
// 0x20, DEL, and those from 0x80 to 0x9F, which UTF-8 writes as two bytes.
std::string without_controls(std::string_view text) {
  std::string clean;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto byte = static_cast<unsigned char>(text[i]);
    const auto next = i + 1 < text.size() ? static_cast<unsigned char>(text[i + 1]) : 0;
    const bool two_byte_control = byte == 0xC2 && next >= 0x80 && next <= 0x9F;
    clean += byte < 0x20 || byte == 0x7F || two_byte_control ? '?' : text[i];
    if (two_byte_control) ++i;
  }
  return clean;
}
// [/clean]

bool stands_in_names(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
         c == '_' || c == '.';
}

// [room]
struct member;

struct news {
  std::string line;
  const member* by;  // who does not hear it
};

struct member {
  explicit member(cetane::connection& connection) : peer(connection) {}

  cetane::connection& peer;
  std::string name;
  std::optional<cetane::subscription<news>> heard;  // once it has entered
};

// [shared]
// Handlers on all event loops share it, so there is a mutex around who is there. A member belongs
// to its own loop; the others see its name only, under the mutex.
class room {
 public:
  static constexpr bool spans_loops = true;

  // [/shared]
  // Why a name is none; empty if it is one.
  static std::string_view objection_to(std::string_view name) {
    if (name.empty() || name.size() > longest_name) return "a name has 1 to 20 characters";
    if (!std::all_of(name.begin(), name.end(), stands_in_names)) {
      return "a name has letters, digits and - _ . only";
    }
    return {};
  }

  // Says why nobody can do so under this name now; empty when it is done.
  std::string_view enter(member& who, std::string_view name) {
    if (const auto objection = take_name(who, name, true); !objection.empty()) return objection;
    tell(fmt::format("* {} joined", name));
    who.heard = talk_.subscribe(most_unheard, [&who] { show_out(who); });
    return {};
  }

  void leave(member& who) {
    {
      const std::lock_guard lock(mutex_);
      if (std::erase(members_, &who) == 0) return;  // it had not entered
    }
    tell(fmt::format("* {} left", who.name));
  }

  std::string_view rename(member& who, std::string_view name) {
    const std::string before = who.name;
    if (const auto objection = take_name(who, name, false); !objection.empty()) return objection;
    tell(fmt::format("* {} is now {}", before, name));
    return {};
  }

  void tell(std::string_view what, const member* by = nullptr) {
    talk_.publish(news{fmt::format("{}\r\n", what), by});
  }

  // Ends its handler, and that leaves the room.
  static void show_out(member& who) { who.peer.abort("it reads too slowly"); }

  std::size_t size() {
    const std::lock_guard lock(mutex_);
    return members_.size();
  }

  // In order of joining: "anna, bob".
  std::string names() {
    const std::lock_guard lock(mutex_);
    std::string all;
    for (const member* m : members_) all += (all.empty() ? "" : ", ") + m->name;
    return all;
  }

 private:
  // Looks and takes in one go: another loop cannot come between.
  std::string_view take_name(member& who, std::string_view name, bool joins) {
    if (const auto objection = objection_to(name); !objection.empty()) return objection;
    const std::lock_guard lock(mutex_);
    const auto has_it = [&](const member* m) { return m->name == name; };
    if (std::any_of(members_.begin(), members_.end(), has_it)) return "that name is taken";
    who.name = name;
    if (joins) members_.push_back(&who);
    return {};
  }

  std::mutex mutex_;
  std::vector<member*> members_;
  cetane::cross_loop_fanout<news> talk_;
};
// [/room]

// [hear]
void hear(member& me, const news& said) {
  if (said.by == &me || me.peer.try_send(said.line)) return;
  room::show_out(me);
}

void hear_the_rest(member& me) {
  while (const auto said = me.heard->try_get()) hear(me, *said);
}
// [/hear]

// [line]
// The next line without its end, or nothing when the peer has left. Of a line that is too long
// nobody sees anything but the complaint.
cetane::task<std::optional<std::string>> next_line(cetane::connection& peer,
                                                   std::string_view after_complaint = "") {
  for (;;) {
    try {
      co_return co_await peer.next_line(longest_line);
    } catch (const cetane::message_too_long&) {
      // C++ allows no co_await in here
    }
    co_await peer.send("line too long\r\n", after_complaint);
  }
}
// [/line]

// [enter]
// Asks for a name until it is a good one; false when the peer left instead.
cetane::task<bool> come_in(member& me, room& lobby) {
  co_await me.peer.send(question);
  while (auto name = co_await next_line(me.peer, question)) {
    const std::string_view objection = lobby.enter(me, *name);
    if (objection.empty()) {
      co_await me.peer.print("hello {}, {} here\r\n", me.name, lobby.size());
      co_return true;
    }
    co_await me.peer.send(objection, "\r\n", question);
  }
  co_return false;
}
// [/enter]

cetane::task<> rename(member& me, room& lobby, std::string name) {
  const std::string_view objection = lobby.rename(me, name);
  if (!objection.empty()) co_await me.peer.send(objection, "\r\n");
}

cetane::task<> heed(member& me, room& lobby, std::string line) {
  constexpr std::string_view nick = "/nick ";
  if (line == "/who") {
    co_await me.peer.send("here: ", lobby.names(), "\r\n");
  } else if (line == "/nick" || line.starts_with(nick)) {
    co_await rename(me, lobby, line.substr(std::min(line.size(), nick.size())));
  } else if (line.starts_with('/')) {
    co_await me.peer.send("unknown command, try /who /nick /quit\r\n");
  } else if (!line.empty()) {
    lobby.tell(fmt::format("{}: {}", me.name, without_controls(line)), &me);
  }
}

// [converse]
// Until the member leaves. An answer goes out behind all that was said before.
cetane::task<> converse(member& me, room& lobby) {
  for (;;) {
    auto turn = co_await cetane::first(me.peer.next_line(longest_line), me.heard->get());
    auto& [typed, said] = turn;
    if (said) hear(me, *said);
    hear_the_rest(me);
    if (!typed) continue;
    const std::optional<std::string>& line = *typed;
    if (!line || *line == "/quit") co_return;
    co_await heed(me, lobby, *line);
  }
}
// [/converse]

// [handler]
cetane::task<> chat(cetane::connection& peer, room& lobby) {
  member me(peer);
  const cetane::scope_exit leave([&] { lobby.leave(me); });  // for whatever cause this ends

  const auto entered = co_await cetane::move_on_after(time_for_a_name, come_in(me, lobby));
  if (!entered.value_or(false)) co_return;

  for (;;) {
    try {
      co_await converse(me, lobby);
      co_return;
    } catch (const cetane::message_too_long&) {
      // C++ allows no co_await in here
    }
    co_await peer.send("line too long\r\n");
  }
}
// [/handler]

}  // namespace

// [main]
int main(int argc, char** argv) {
  room lobby;
  cetane::application app(argc, argv);
  app.one_process("all talk in one room, and that is in one process");
  app.add_service(cetane::service(chat, 8013, std::ref(lobby)).name("chat"));
  return app.run();
}
// [/main]
