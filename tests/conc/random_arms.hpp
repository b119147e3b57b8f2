// What the random tasks of losing_nothing_test wait for: operations of every kind, drawn at random,
// each with the account of what it gives.
#pragma once

#include <conc/random_world.hpp>

#include <cetane/base/errors.hpp>
#include <cetane/conc/sleep.hpp>

#include <support/any_arm.hpp>

#include <chrono>
#include <optional>
#include <string>
#include <utility>

namespace cetane::test {

using namespace std::chrono_literals;

/// What a task has won and holds on to for some time.
struct winnings {
  std::optional<mutex_lock> lock;
  std::optional<keyed_lock> key;
  std::optional<shared_mutex_lock> shared;
  bool shared_is_exclusive = false;
  std::optional<semaphore_permit> permits;
  std::size_t permit_count = 0;
};

/// One task: what it reads and what it hears, if anything.
struct actor {
  explicit actor(random_world& in, pipe_account* reads = nullptr, hearing* hears = nullptr)
      : world(in), pipe(reads), ear(hears) {}

  random_world& world;
  pipe_account* pipe;
  hearing* ear;
  std::string_view mark;  // that its current read ends with
};

inline constexpr std::size_t short_limit = 12;

/// A read of any kind.
inline any_arm random_read(actor& self) {
  connection& from = self.pipe->from;
  dice& numbers = self.world.numbers;
  const auto take = [pipe = self.pipe](const std::string& text) { pipe->got(text); };
  const auto take_line = [pipe = self.pipe](const std::optional<std::string>& line) {
    pipe->got_line(line);
  };
  const std::size_t limit = numbers.one_in(4) ? short_limit : 1000;
  self.mark = "\n";
  switch (numbers.roll(9)) {
    case 0:
      return any_arm(from.until_eol(limit), take);
    case 1:
      self.mark = "\r\n";
      return any_arm(from.until_eol(line_end::crlf, limit), take);
    case 2:
      self.mark = ";";
      return any_arm(from.until(";", limit), take);
    case 3:
      return any_arm(from.receive(numbers.roll(40)), take);
    case 4:
      return any_arm(from.next_line(limit), take_line);
    case 5:
      return any_arm(from.until_eof(), [pipe = self.pipe](const std::string& text) {
        pipe->got(text);
        pipe->got_end();
      });
    case 6:
      return any_arm(from.next_chunk(), [pipe = self.pipe](const std::optional<chunk>& some) {
        if (some) pipe->got(some->view());
        if (!some) pipe->got_end();
      });
    case 7:
      return any_arm(from.closed(), [pipe = self.pipe](closed_by_peer how) {
        CHECK(how == closed_by_peer::end_of_input);
        CHECK(pipe->has_ended());
      });
    default:
      return any_arm(from.receive_some(),
                     [pipe = self.pipe](const chunk& some) { pipe->got(some.view()); });
  }
}

/// A wait for a lock or permits.
inline any_arm random_lock(actor& self, winnings& won) {
  random_world& w = self.world;
  switch (w.numbers.roll(5)) {
    case 0:
      return any_arm(w.lock.lock(), [&](mutex_lock lock) {
        won.lock.emplace(std::move(lock));
        w.in_lock.enter();
      });
    case 1:
      return any_arm(w.keyed.lock("key"), [&](keyed_lock lock) {
        won.key.emplace(std::move(lock));
        w.in_key.enter();
      });
    case 2:
      return any_arm(w.shared.lock(), [&](shared_mutex_lock lock) {
        won.shared.emplace(std::move(lock));
        won.shared_is_exclusive = true;
        w.writers.enter();
        if (w.readers.now != 0) ++w.wrong;
      });
    case 3:
      return any_arm(w.shared.lock_shared(), [&](shared_mutex_lock lock) {
        won.shared.emplace(std::move(lock));
        w.readers.enter();
        if (w.writers.now != 0) ++w.wrong;
      });
    default: {
      const std::size_t count = 1 + w.numbers.roll(2);
      return any_arm(w.permits.acquire(count), [&, count](semaphore_permit permits) {
        won.permits.emplace(std::move(permits));
        won.permit_count = count;
        for (std::size_t i = 0; i < count; ++i) w.in_permits.enter();
      });
    }
  }
}

/// Gives back what a task holds.
inline void give_back(random_world& w, winnings& won) {
  if (won.lock) w.in_lock.leave();
  if (won.key) w.in_key.leave();
  if (won.shared) (won.shared_is_exclusive ? w.writers : w.readers).leave();
  if (won.permits) {
    for (std::size_t i = 0; i < won.permit_count; ++i) w.in_permits.leave();
  }
}

/// A wait for an item, a message, a fire, a time; anything but reads and locks.
inline any_arm random_wait(actor& self) {
  random_world& w = self.world;
  queue_account& any = w.any_queue();
  switch (w.numbers.roll(self.ear != nullptr ? 8 : 7)) {
    case 0:
    case 1:
      return any_arm(any.items.get(), [&any](int item) { any.got(item); });
    case 2:
      return any_arm(any.items.next(), [&any](std::optional<int> item) { any.got(*item); });
    case 3: {
      const int item = any.next_item();
      return any_arm(any.items.put(item), [&any, item] { any.put(item); });
    }
    case 4:
      return any_arm(w.open.wait(), [] {});
    case 5:
      return any_arm(w.news.wait(), [&w](int number) {
        CHECK(number <= w.fired);
        ++w.heard;
      });
    case 6:
      return any_arm(sleep(w.numbers.span(3ms)), [] {});
    default:
      return any_arm(self.ear->ear.get(), [ear = self.ear](int n) { ear->got(n); });
  }
}

}  // namespace cetane::test
