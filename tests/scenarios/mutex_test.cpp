// Tasks that write in one book, one after the other, over the network and under a lock, while some
// of them are cancelled or lose their patience: entries never mix, the lock goes on in the order of
// asking, and is free at the end.
#include <scenarios/weather.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <deque>
#include <optional>
#include <string>
#include <vector>

namespace mutex_test {

using namespace cetane;
using namespace cetane::test;
using testing::world;

namespace {

struct writer {
  bool asks = false;
  bool cancelled = false;
  bool had_it = false;
  std::optional<duration> patience_ends;
};

struct stage {
  explicit stage(world& w) : sky(w), clock(w) {}

  weather sky;
  world& clock;
  std::uint16_t port = 0;
  mutex lock;
  connection book;
  std::deque<std::string> owed;  // acknowledgements that are on their way
  std::deque<std::size_t> line;  // who has asked for the lock, the first one first
  std::vector<writer> writers;
  int inside = 0;
};

// The book's side: an entry begins when the one before it has ended.
task<> keep_book(connection& peer) {
  std::string writing;
  while (auto entry = co_await peer.next_line()) {
    const std::size_t space = entry->find(' ');
    const std::string word = entry->substr(0, space);
    const std::string who = entry->substr(space + 1);
    if (word == "begin") {
      expect(writing.empty(), "two write at the same time");
      writing = who;
    } else {
      expect(writing == who, "an entry ends that has not begun");
      writing.clear();
    }
    co_await peer.send("noted ", *entry, "\n");
  }
}

// Sends a line, and waits until it is acknowledged; answers to others who have gone come first.
task<> write_line(stage& s, std::string text) {
  s.owed.push_back("noted " + text + "\n");
  co_await s.book.send(text, "\n");
  const std::size_t mine = s.owed.size();
  for (std::size_t n = 0; n < mine; ++n) {
    const std::string answer = co_await s.book.until_eol();
    expect(answer == s.owed.front(), "an acknowledgement was lost, or doubled");
    s.owed.pop_front();
  }
}

task<> open_book(stage& s) {
  s.owed.clear();
  s.book = connection();
  s.book = co_await reach(s.port);
}

// All who have asked before have given up, or are about to.
void check_turn(stage& s, std::size_t number) {
  while (s.line.front() != number) {
    const writer& before = s.writers[s.line.front()];
    const bool lost_patience = before.patience_ends && *before.patience_ends <= s.clock.elapsed();
    expect(before.cancelled || lost_patience || !before.asks, "the lock was given out of turn");
    s.line.pop_front();
  }
  s.line.pop_front();
}

task<> write_entry(stage& s, std::size_t number) {
  expect(++s.inside == 1, "two hold the lock");
  const scope_exit leave([&] { --s.inside; });
  check_turn(s, number);
  s.writers[number].asks = false;
  s.writers[number].had_it = true;
  if (!s.book) co_await open_book(s);
  bool begun = false;
  const scope_exit give_up([&] {
    if (!begun || !s.book) return;
    if (s.book.try_send(fmt::format("abandon {}\n", number))) {
      s.owed.push_back(fmt::format("noted abandon {}\n", number));
    }
  });
  begun = true;
  try {
    co_await write_line(s, fmt::format("begin {}", number));
    co_await sleep(1ms);
    begun = false;
    co_await write_line(s, fmt::format("end {}", number));
  } catch (const connection_error&) {
    begun = false;
    s.book = connection();
  }
}

task<> ask_and_write(stage& s, std::size_t number) {
  s.writers[number].asks = true;
  s.line.push_back(number);
  const scope_exit no_more([&] { s.writers[number].asks = false; });
  const auto held = co_await s.lock.lock();
  co_await write_entry(s, number);
}

task<> ask_for_a_while(stage& s, std::size_t number, duration patience) {
  s.writers[number].asks = true;
  s.writers[number].patience_ends = s.clock.elapsed() + patience;
  s.line.push_back(number);
  const scope_exit no_more([&] { s.writers[number].asks = false; });
  const auto held = co_await move_on_after(patience, s.lock.lock());
  if (held) co_await write_entry(s, number);
}

task<> one_writer(stage& s, std::size_t number, random_stream dice) {
  co_await sleep(dice.uniform(duration(0ms), duration(10ms)));
  if (dice.chance(0.3)) {
    const duration patience = dice.uniform(duration(0ms), duration(100ms));
    co_await ask_for_a_while(s, number, patience);
  } else {
    co_await ask_and_write(s, number);
  }
}

task<> cancel_some(stage& s, std::vector<join_handle<>>& all, std::size_t first,
                   random_stream dice) {
  for (std::uint64_t left = dice.uniform(0, all.size()); left > 0; --left) {
    co_await sleep(dice.uniform(duration(0ms), duration(60ms)));
    const std::size_t which = dice.uniform(0, all.size() - 1);
    s.writers[first + which].cancelled = true;
    all[which].cancel();
  }
}

task<> one_round(stage& s, random_stream dice) {
  const std::size_t first = s.writers.size();
  const std::size_t count = dice.uniform(4, 10);
  s.writers.resize(first + count);
  std::vector<join_handle<>> all;
  for (std::size_t n = 0; n < count; ++n) {
    all.push_back(spawn(one_writer, std::ref(s), first + n, dice.fork(fmt::format("{}", n))));
  }
  co_await cancel_some(s, all, first, dice.fork("cancel"));
  for (std::size_t n = 0; n < count; ++n) {
    try {
      co_await all[n];
    } catch (const cancelled&) {
      expect(s.writers[first + n].cancelled, "somebody was cancelled by mistake");
    }
    const writer& each = s.writers[first + n];
    expect(each.had_it || each.cancelled || each.patience_ends, "somebody was passed over");
  }
  expect(!s.lock.locked(), "the lock is not free at the end");
  s.line.clear();
}

}  // namespace

TEST_CASE("mutex hand-over under cancel: one at a time, in order of asking, and free at the end",
          "[scenario]") {
  play("mutex hand-over", [](world& w) -> task<> {
    stage s(w);
    s.writers.reserve(1000);
    const auto& server = w.serve(service(keep_book, 0));
    s.port = server.port();
    auto clearing = spawn([&]() -> task<> { return s.sky.clear_up(); });
    for (int n = 0; n < 3 || !s.sky.calm(); ++n) {
      co_await one_round(s, w.random().fork(fmt::format("round {}", n)));
    }
    co_await clearing;
    co_await one_round(s, w.random().fork("the last"));
    s.book = connection();
  });
}

}  // namespace mutex_test
