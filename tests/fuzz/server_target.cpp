// A whole server on the scripted kernel: five services with handlers of different manners, the chat
// example's among them, whose peers, network and clock do what the input says.
//
// Of every connection the handler notes what it has heard and what it has said; the kernel knows
// what was fed to it and what was told. The one must be what the other is, or a beginning of it
// where a connection did not end well.
#include <fuzz/fuzz.hpp>

#include <fuzz/chat_example.hpp>
#include <fuzz/kernel.hpp>
#include <fuzz/plain_lines.hpp>

#include <cetane/cetane.hpp>

#include <runtime/backend.hpp>

#include <map>

namespace cetane::fuzz::server_target {

using namespace std::chrono_literals;

constexpr std::uint16_t first_peer_port = 20'000;
constexpr std::size_t line_limit = 100;
constexpr std::size_t news_limit = 8;
constexpr std::size_t most_verbs = 100;
constexpr duration liveness = 5s;

enum class manners { lines, bytes, room, verbs, chat };

struct conversation {
  std::vector<std::string> lines;
  std::string heard;
  std::string said;
  std::size_t joined_at = 0;   // in the log of the room
  bool heard_the_end = false;  // and so everything
  bool lossy = false;          // the rest of a message that was too long is gone
  bool ends_output = false;    // and may go on talking to nobody
  std::string leftover;
};

struct world {
  conversation& of(const connection& peer) {
    return conversations[std::size_t{peer.remote().port()} - first_peer_port];
  }

  std::map<std::size_t, conversation> conversations;  // by the kernel's number
  fanout<std::string> talk;
  std::vector<std::string> log;  // of all that was said in the room
  chat_example::room lobby;
};

task<> serve_lines(connection& peer, conversation& own) {
  for (;;) {
    std::string line(too_long_line);
    try {
      line = co_await peer.until_eol(line_limit);
    } catch (const message_too_long&) {
      // said below: C++ allows no co_await in here
    }
    own.lines.push_back(line);
    const std::string answer = "you said " + line;
    own.said += answer;
    co_await peer.send(answer);
  }
}

task<> serve_bytes(connection& peer, conversation& own) {
  for (;;) {
    const chunk bytes = co_await peer.receive_some();
    own.heard += bytes.view();
    own.said += bytes.view();
    co_await peer.send(bytes);
  }
}

task<> serve_room(connection& peer, conversation& own, world& all) {
  auto news = all.talk.subscribe(news_limit, [&peer] { peer.abort("it reads too slowly"); });
  own.joined_at = all.log.size();
  for (;;) {
    auto turn = co_await first(peer.until_eol(line_limit), news.get());
    auto& [typed, said] = turn;
    if (said) {
      own.said += *said;
      co_await peer.send(*said);
    }
    if (!typed) continue;
    own.lines.push_back(*typed);
    all.log.push_back(*typed);
    all.talk.publish(*typed);
  }
}

task<> read_line_within(connection& peer, conversation& own) {
  try {
    own.heard += co_await with_timeout(10ms, peer.until_eol(line_limit));
  } catch (const timed_out&) {
    // nothing is consumed
  }
}

task<> read_mark_or_sleep(connection& peer, conversation& own) {
  auto turn = co_await first(peer.until("ab", line_limit), sleep(5ms));
  if (const auto& text = std::get<0>(turn)) own.heard += *text;
}

task<> say_much(connection& peer, conversation& own, std::size_t times) {
  const std::string much(1000 * times, 'm');
  own.said += much;
  co_await peer.send(much);
}

void try_to_say(connection& peer, conversation& own, std::size_t times) {
  const std::string text(100 * times, 't');
  if (peer.try_send(text, "!")) own.said += text + "!";
}

// Reads one byte, does what it says.
task<> obey(connection& peer, conversation& own, unsigned verb, std::size_t count) {
  switch (verb) {
    case 0:
      own.heard += co_await peer.until_eol(line_limit);
      break;
    case 1:
      own.heard += co_await peer.until("ab", line_limit);
      break;
    case 2:
      own.heard += co_await peer.receive(count);
      break;
    case 3:
      co_await read_line_within(peer, own);
      break;
    case 4:
      co_await read_mark_or_sleep(peer, own);
      break;
    case 5:
      co_await say_much(peer, own, count);
      break;
    case 6:
      try_to_say(peer, own, count);
      break;
    case 7:
      co_await peer.drain();
      break;
    case 8:
      own.ends_output = true;
      co_await peer.send_eof();
      break;
    case 9:
      co_await move_on_after(std::chrono::milliseconds(count), peer.closed());
      break;
    case 10:
      own.heard += co_await peer.until_eof(1000 * count);
      break;
    case 11:
      own.said += "0123456789";
      co_await peer.send("01234", "56789");
      break;
    case 12:
      own.ends_output = true;
      peer.idle_timeout(std::chrono::milliseconds(count));
      break;
    case 13:
      co_await sleep(std::chrono::milliseconds(count));
      break;
    case 14:
      own.ends_output = true;
      peer.close();
      break;
    default:
      if (count % 8 == 7) peer.abort();
      break;
  }
}

// Not so many that the pauses among them take long.
task<> serve_verbs(connection& peer, conversation& own) {
  for (std::size_t verbs = 0; verbs < most_verbs; ++verbs) {
    const std::string order = co_await peer.receive(1);
    own.heard += order;
    const auto byte = static_cast<std::uint8_t>(order[0]);
    try {
      co_await obey(peer, own, byte & 15U, byte >> 4U);
    } catch (const message_too_long&) {
      own.lossy = true;
    }
  }
}

task<> converse(connection& peer, conversation& own, manners how, world& all) {
  switch (how) {
    case manners::lines:
      co_return co_await serve_lines(peer, own);
    case manners::bytes:
      co_return co_await serve_bytes(peer, own);
    case manners::room:
      co_return co_await serve_room(peer, own, all);
    case manners::verbs:
      co_return co_await serve_verbs(peer, own);
    case manners::chat:
      co_return co_await chat_example::chat(peer, all.lobby);
  }
}

task<> serve(connection& peer, manners how, world& all) {
  conversation& own = all.of(peer);
  try {
    co_await converse(peer, own, how, all);
  } catch (const connection_closed& e) {
    own.heard_the_end = e.code() == errc::end_of_input;
    own.leftover = e.leftover();
    throw;
  }
}

// Checks of one connection that is over.

void check_lines(const kernel::stream& stream, const conversation& own) {
  const plain_lines plain(stream.fed, line_limit);
  require(is_beginning(own.lines, plain), "lines are heard as they were sent");
  if (!own.heard_the_end) return;
  require_equal(own.lines.size(), plain.lines.size(), "the end comes behind all lines");
  require_equal(own.leftover, plain.rest, "what is left over is behind the last line end");
}

void check_bytes(const kernel::stream& stream, const conversation& own) {
  if (own.lossy) return;
  require(stream.fed.starts_with(own.heard), "bytes are heard as they were sent");
  if (!own.heard_the_end) return;
  require_equal(own.heard + own.leftover, stream.fed, "the end comes behind all bytes");
}

void check_room(const conversation& own, const std::vector<std::string>& log) {
  std::string all;
  for (std::size_t i = own.joined_at; i < log.size() && all.size() < own.said.size(); ++i)
    all += log[i];
  require_equal(own.said, all, "news is heard once and in order");
}

// Whole lines, unless it was cut off, with nothing in them that a terminal would obey.
void check_chat(const kernel::stream& stream) {
  std::string_view told = stream.told;
  while (!told.empty()) {
    const std::size_t end = told.find("\r\n");
    const bool cut = stream.was_reset || stream.reset_here;
    require(end != std::string_view::npos || cut, "what is told ends with a line end");
    for (const char c : told.substr(0, std::min(end, told.size() - 1)))
      require(static_cast<unsigned char>(c) >= 0x20 && c != 0x7F, "no control byte is told");
    told.remove_prefix(std::min(told.size(), end == std::string_view::npos ? end : end + 2));
  }
}

void check_output(const kernel::stream& stream, const conversation& own) {
  require(own.said.starts_with(stream.told), "what is told is a beginning of what was said");
  if (stream.was_reset || stream.reset_here || own.ends_output) return;
  require_equal(stream.told.size(), own.said.size(), "what was said is told");
}

void check(const kernel::stream& stream, const world& all) {
  const auto found = all.conversations.find(stream.number);
  if (found == all.conversations.end()) {  // no descriptor could be watched, or it came too late
    require(stream.told.empty(), "without a handler nothing is told");
    return;
  }
  const conversation& own = found->second;
  const auto how = static_cast<manners>(stream.service - 1);
  if (how == manners::lines) check_lines(stream, own);
  if (how == manners::bytes || how == manners::verbs) check_bytes(stream, own);
  if (how == manners::room && !stream.reset_here) check_room(own, all.log);
  if (how == manners::chat) return check_chat(stream);
  check_output(stream, own);
}

void check(const loop_stats& stats) {
  require_equal(stats.tasks_alive, std::uint64_t{0}, "no task is left");
  require_equal(stats.timers_live, std::uint64_t{0}, "no timer is left");
  require_equal(stats.tasks_started, stats.tasks_finished, "what is started finishes");
  require_equal(stats.timers_armed, stats.timers_fired + stats.timers_cancelled,
                "a timer fires or is cancelled");
  require_equal(stats.connections_opened, stats.connections_closed, "what is opened is closed");
  require_equal(stats.bytes_queued, stats.bytes_sent + stats.bytes_dropped,
                "what is said is sent or dropped");
}

void check_that_all_have_ended(const kernel& system) {
  for (const auto& stream : system.streams())
    require(!stream->accepted || !stream->open, "a connection ends when its peer has left");
  require(system.since_healed() <= liveness, "all have ended soon after the network was well");
}

void add_services(application& app, world& all) {
  for (const manners how :
       {manners::lines, manners::bytes, manners::room, manners::verbs, manners::chat}) {
    const int port = static_cast<int>(how) + 1;
    app.add_service(service(serve, port, how, std::ref(all)).max_connections(5));
  }
}

const target here("server", [](input in) {
  log::set_sink([](log::level, std::string_view, std::string_view line) {
    require(is_harmless(line), "a log line is harmless");
  });
  kernel system(in);
  world all;
  {
    event_loop loop(make_backend(backend_choice::epoll));
    application app(loop);
    add_services(app, all);
    system.on_stop = [&app] { app.stop(); };
    system.on_idle = [&] {
      check_that_all_have_ended(system);
      app.stop();
    };
    require_equal(app.run(), 0, "a server that is stopped ends well");
    check(loop.stats());
  }
  require_equal(system.open_descriptors(), std::size_t{0}, "every descriptor is closed");
  for (const auto& stream : system.streams()) check(*stream, all);
  log::set_sink({});
});

}  // namespace cetane::fuzz::server_target
