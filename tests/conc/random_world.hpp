// What the random tasks of losing_nothing_test share, and the account of every byte and item.
#pragma once

#include <cetane/backend/sim.hpp>
#include <cetane/base/random.hpp>
#include <cetane/net/connection.hpp>
#include <cetane/sync/event.hpp>
#include <cetane/sync/fanout.hpp>
#include <cetane/sync/keyed_mutex.hpp>
#include <cetane/sync/mutex.hpp>
#include <cetane/sync/queue.hpp>
#include <cetane/sync/semaphore.hpp>
#include <cetane/sync/shared_mutex.hpp>
#include <cetane/sync/topic.hpp>

#include <catch2/catch_test_macros.hpp>
#include <support/connected_pair.hpp>
#include <support/test_loop.hpp>

#include <algorithm>
#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace cetane::test {

/// Numbers of a run, drawn from its seed.
class dice {
 public:
  explicit dice(std::uint64_t seed) : numbers_(seed) {}

  /// From 0 to below `sides`.
  std::size_t roll(std::size_t sides) { return numbers_.uniform(0, sides - 1); }
  bool one_in(std::size_t sides) { return roll(sides) == 0; }
  duration span(duration longest) { return numbers_.uniform(duration(0), longest); }

 private:
  random_stream numbers_;
};

/// One direction of a connection: what was sent, and how much of it somebody has read. One task
/// writes and one reads.
class pipe_account {
 public:
  pipe_account(connection& writer, connection& reader) : to(writer), from(reader) {}

  connection& to;
  connection& from;

  void sent(std::string_view text) { text_ += text; }
  void ended() noexcept { ended_ = true; }
  bool has_ended() const noexcept { return ended_; }

  /// Bytes that a read has given, as they came.
  void got(std::string_view text) {
    if (text.empty()) return;  // and so says nothing of what is being dropped
    pass_dropped();
    CHECK(std::string_view(text_).substr(position_, text.size()) == text);
    position_ += text.size();
  }

  /// A line that a read has given without its end.
  void got_line(const std::optional<std::string>& line) {
    if (!line) return got_end();
    pass_dropped();
    const std::string_view rest = std::string_view(text_).substr(position_);
    const std::size_t end = std::min(rest.find('\n'), rest.size());
    std::string_view expected = rest.substr(0, end);
    if (end < rest.size() && expected.ends_with('\r')) expected.remove_suffix(1);
    CHECK(*line == expected);
    position_ += std::min(end + 1, rest.size());
  }

  /// A read has dropped a message that is too long, with its mark, which may have yet to be sent.
  void dropped(std::string_view mark) {
    pass_dropped();
    dropping_ = mark;
  }

  void got_end() {
    pass_dropped();
    CHECK(ended_);
    CHECK(position_ == text_.size());
  }

  /// A read has thrown at the end of the input, and tells what there was left.
  void left_over(std::string_view text) {
    pass_dropped();
    CHECK(ended_);
    CHECK(std::string_view(text_).substr(position_) == text);
  }

 private:
  void pass_dropped() {
    if (dropping_.empty()) return;
    const std::size_t end = text_.find(dropping_, position_);
    if (end == std::string::npos) CHECK(ended_);
    position_ = end == std::string::npos ? text_.size() : end + dropping_.size();
    dropping_ = {};
  }

  std::string text_;
  std::size_t position_ = 0;
  std::string_view dropping_;  // the mark of a message that is dropped
  bool ended_ = false;
};

/// A queue, and what has become of each item.
class queue_account {
 public:
  explicit queue_account(std::size_t limit) : items(limit) {}

  queue<int> items;

  int next_item() {
    put_.push_back(0);
    got_.push_back(0);
    return static_cast<int>(put_.size()) - 1;
  }
  void put(int item) { ++put_[static_cast<std::size_t>(item)]; }
  void got(int item) { ++got_[static_cast<std::size_t>(item)]; }

  void check() {
    while (const std::optional<int> left = items.try_get()) got(*left);
    CHECK(put_ == got_);
    CHECK(std::all_of(put_.begin(), put_.end(), [](int times) { return times <= 1; }));
  }

 private:
  std::vector<int> put_;
  std::vector<int> got_;
};

/// A subscription to numbers that are published one after the other.
class hearing {
 public:
  hearing(fanout<int>& talk, int next) : ear(talk.subscribe(1'000'000)), next_(next) {}

  subscription<int> ear;

  void got(int number) { CHECK(number == next_++); }
  void check(int published) const { CHECK(next_ + static_cast<int>(ear.size()) == published); }

 private:
  int next_;
};

/// Who is inside of what only so many may be in.
struct occupied {
  int now = 0;
  int most = 0;

  void enter() { most = std::max(most, ++now); }
  void leave() { --now; }
};

struct random_world {
  random_world(std::uint64_t seed, event_loop& loop) : numbers(seed), pair(loop) {}

  dice numbers;
  connected_pair pair;
  std::array<pipe_account, 2> pipes{pipe_account(pair.here, pair.there),
                                    pipe_account(pair.there, pair.here)};
  std::array<queue_account, 2> queues{queue_account(1 + numbers.roll(3)),
                                      queue_account(1 + numbers.roll(9))};
  event open;
  topic<int> news;
  int fired = 0;
  std::size_t woken = 0;  // by fires, and
  std::size_t heard = 0;  // how many of them took the value
  fanout<int> talk;
  int published = 0;
  std::vector<std::unique_ptr<hearing>> hearings;

  mutex lock;
  semaphore permits{2};
  shared_mutex shared;
  keyed_mutex keyed;
  occupied in_lock;
  occupied in_permits;
  occupied in_key;
  occupied readers;
  occupied writers;
  int wrong = 0;  // readers beside a writer

  queue_account& any_queue() { return queues[numbers.roll(2)]; }

  void fire() { woken += news.fire(++fired); }
  void publish() { talk.publish(published++); }

  /// Everything but the bytes of the connection.
  void check_accounts() {
    for (queue_account& each : queues) each.check();
    for (const auto& each : hearings) each->check(published);
    CHECK(heard <= woken);
    CHECK(in_lock.most <= 1);
    CHECK(in_key.most <= 1);
    CHECK(writers.most <= 1);
    CHECK(wrong == 0);
    CHECK(in_permits.most <= 2);
    CHECK(in_lock.now + in_key.now + writers.now + readers.now + in_permits.now == 0);
    CHECK_FALSE(lock.locked());
    CHECK(permits.available() == 2);
    CHECK(keyed.size() == 0);
    CHECK(news.fire(0) == 0);
  }
};

}  // namespace cetane::test
