#pragma once

#include <cetane/base/intrusive_list.hpp>
#include <cetane/base/limits.hpp>
#include <cetane/runtime/event_loop.hpp>
#include <cetane/runtime/loop_ref.hpp>
#include <cetane/sync/detail/ring.hpp>
#include <cetane/sync/fanout.hpp>

#include <algorithm>
#include <atomic>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <new>
#include <stdexcept>
#include <utility>
#include <vector>

namespace cetane {

namespace detail {

/// What the loops share of a fanout. Publishing puts a message into the inbox of each loop under
/// the one mutex: so all loops have the same messages in the same order.
template <class T>
struct fanout_trunk {
  explicit fanout_trunk(std::size_t most) : limit(most) {
    if (limit == 0) throw std::invalid_argument("a fanout has room for one message at least");
  }

  fanout_branch<T>* find_here() const noexcept {
    const auto found = std::find_if(branches.begin(), branches.end(),
                                    [](const auto* each) { return each->is_here(); });
    return found == branches.end() ? nullptr : *found;
  }

  const std::size_t limit;
  std::mutex mutex;
  std::vector<fanout_branch<T>*> branches;  // of loops where somebody is subscribed
  bool closed = false;
  std::atomic<std::size_t> subscribers = 0;
};

/// One loop's part of a fanout: those who are subscribed there, and what they have yet to be told.
/// It is there while somebody is subscribed, and is made, used and destroyed on the loop's thread;
/// what other threads touch is guarded by the trunk's mutex.
template <class T>
class fanout_branch final : public std::enable_shared_from_this<fanout_branch<T>> {
 public:
  using letter = std::shared_ptr<const T>;

  explicit fanout_branch(std::shared_ptr<fanout_trunk<T>> of)
      : trunk_(std::move(of)), loop_(loop_ref::here()) {}

  bool is_here() const noexcept { return loop_.is_here(); }

  fanout_branch(const fanout_branch&) = delete;
  fanout_branch& operator=(const fanout_branch&) = delete;
  ~fanout_branch() {
    const std::lock_guard lock(trunk_->mutex);
    std::erase(trunk_->branches, this);
  }

  // Under the mutex.
  bool is_idle() const noexcept { return !telling_ && inbox_.empty(); }
  bool is_full() const noexcept { return inbox_.size() == trunk_->limit; }
  void make_room() { inbox_.reserve_one(); }
  void add(const letter& message) { inbox_.emplace_back(message); }
  letter drop_oldest() noexcept {
    ++missed_;
    ++taken_;
    return inbox_.pop_front();
  }

  /// Has the loop look into the inbox, under the mutex: one message is under way at most. Without
  /// memory for it the next one calls.
  void call() noexcept {
    if (called_) return;
    try {
      auto message = std::make_unique<look>(this->weak_from_this());
      called_ = loop_.door().send_answer(std::move(message));
    } catch (const std::bad_alloc&) {
    }
  }

  /// Tells the subscribers what has come, a few messages at a time: they have a turn, and what they
  /// send leaves, before the next. From within that it does nothing.
  void tell() noexcept {
    if (std::exchange(telling_, true)) return;
    const auto alive = this->shared_from_this();
    for (unsigned left = messages_per_pass; left != 0; --left) {
      const taken_letter next = take();
      if (next.letter == nullptr) break;
      if (next.missed != 0) {
        admit(next.number - 1);
        local_.lose(next.missed);
      }
      admit(next.number);
      publish(*next.letter);
    }
    telling_ = false;
    settle();
  }

  bool is_telling() const noexcept { return telling_; }

  /// Publishes what no other loop has to hear.
  void publish_here(T message) { local_.publish(std::move(message)); }

  template <class Subscriber, class... Args>
  subscription<T> subscribe(Args&&... args) {
    auto added =
        std::make_unique<member<Subscriber>>(this->shared_from_this(), std::forward<Args>(args)...);
    added->who = added.get();
    joining_.push_back(*added);
    admit(number_after_inbox(added->hears_from));
    return subscription<T>(std::move(added));
  }

 private:
  static constexpr unsigned messages_per_pass = 16;

  /// One who has subscribed while messages waited that were published before.
  struct joiner : list_hook<joiner> {
    subscriber<T>* who = nullptr;
    std::uint64_t hears_from = 0;  // number of its first message
  };

  /// One who is subscribed here. The last to go takes the branch along.
  template <class Subscriber>
  class member final : public Subscriber, public joiner {
   public:
    template <class... Args>
    explicit member(std::shared_ptr<fanout_branch> at, Args&&... args)
        : Subscriber(std::forward<Args>(args)...), branch_(std::move(at)) {
      branch_->trunk_->subscribers.fetch_add(1, std::memory_order_relaxed);
    }
    ~member() override {
      branch_->trunk_->subscribers.fetch_sub(1, std::memory_order_relaxed);
      this->list_hook<fanout<T>>::unlink();  // before the branch goes, which may be now
    }

   private:
    const std::shared_ptr<fanout_branch> branch_;
  };

  class look final : public message {
   public:
    explicit look(std::weak_ptr<fanout_branch> at) noexcept : at_(std::move(at)) {}
    void deliver() override {
      const auto branch = at_.lock();
      if (branch == nullptr) return;
      branch->answer_call();
      branch->tell();
    }

   private:
    std::weak_ptr<fanout_branch> at_;
  };

  void answer_call() {
    const std::lock_guard lock(trunk_->mutex);
    called_ = false;
  }

  struct taken_letter {
    fanout_branch::letter letter;
    std::uint64_t number = 0;
    std::size_t missed = 0;  // before it
  };

  taken_letter take() {
    const std::lock_guard lock(trunk_->mutex);
    if (inbox_.empty()) return {};
    return {inbox_.pop_front(), taken_++, std::exchange(missed_, 0)};
  }

  /// Tells which message comes after those that wait, and returns the first one of these.
  std::uint64_t number_after_inbox(std::uint64_t& number) {
    const std::lock_guard lock(trunk_->mutex);
    number = taken_ + inbox_.size();
    return taken_;
  }

  /// Makes subscribers of those who hear this message.
  void admit(std::uint64_t number) noexcept {
    while (!joining_.empty() && joining_.front().hears_from <= number)
      local_.subscribers_.push_back(*joining_.pop_front()->who);
  }

  void publish(const T& message) noexcept {
    try {
      local_.publish(message);
    } catch (...) {
      report_failed("telling a loop's subscribers of a message");
      local_.lose(1);
    }
  }

  // What is left is for the next pass.
  void settle() noexcept {
    std::uint64_t all = 0;
    {
      const std::lock_guard lock(trunk_->mutex);
      if (!inbox_.empty()) return call();
      if (!trunk_->closed) return;
      all = taken_;
    }
    admit(all);
    local_.end_all();
  }

  const std::shared_ptr<fanout_trunk<T>> trunk_;
  const loop_ref loop_;
  fanout<T> local_;
  intrusive_list<joiner, joiner> joining_;
  bool telling_ = false;

  // Guarded by the trunk's mutex.
  ring<letter> inbox_;
  std::uint64_t taken_ = 0;  // out of the inbox, told or dropped
  std::size_t missed_ = 0;
  bool called_ = false;
};

}  // namespace detail

/// A fanout whose publishers and subscribers are on several event loops: one room for all of them.
///
/// Each subscriber hears all messages from its subscription on, and all hear them in one order,
/// whatever loops they are on; so those of one publisher keep theirs. It hears them on its own
/// loop, by a subscription like that of a fanout, and what one subscriber loses that is too slow is
/// nobody else's business. A loop that does not keep up, so that more than `limit` messages wait
/// for it, loses the oldest: its subscribers have lost them, or are shown out.
///
/// Each loop copies the message for its own subscribers, at the same time as others do: copying a
/// `const T` must be possible on several threads at once, as it is for strings and containers.
///
/// Publishing costs one mutex for all loops, held for as long as it takes to note a pointer for
/// each loop on which somebody is subscribed.
template <class T>
class cross_loop_fanout {
 public:
  static constexpr bool spans_loops = true;

  /// @throws std::invalid_argument  `limit` is 0.
  explicit cross_loop_fanout(std::size_t limit = default_cross_loop_limit)
      : trunk_(std::make_shared<detail::fanout_trunk<T>>(limit)) {}
  cross_loop_fanout(const cross_loop_fanout&) = delete;
  cross_loop_fanout& operator=(const cross_loop_fanout&) = delete;
  /// Subscriptions may outlive it: they end as those of a fanout do, each on its loop.
  ~cross_loop_fanout() {
    std::shared_ptr<branch> own;
    {
      const std::lock_guard lock(trunk_->mutex);
      trunk_->closed = true;
      for (branch* const each : trunk_->branches) each->call();
      own = find_here();
    }
    if (own != nullptr) own->tell();
  }

  /// Gives `message` to all who are subscribed, on whatever loop. Those of this loop have it by the
  /// time this returns, unless messages from other loops wait there before it. Does not suspend.
  /// May be called from any thread, with or without a loop.
  void publish(T message) {
    if (const std::shared_ptr<branch> only = sole_branch()) {
      only->publish_here(std::move(message));
      return;
    }
    const auto letter = std::make_shared<const T>(std::move(message));
    if (const std::shared_ptr<branch> own = post(letter)) own->tell();
  }

  /// Subscribes from now on, on the loop that runs on this thread. Limit and losses are this
  /// subscriber's, as in fanout::subscribe().
  ///
  /// @throws std::invalid_argument  `limit` is 0.
  /// @throws std::logic_error       No event loop runs on this thread.
  subscription<T> subscribe(std::size_t limit = default_fanout_limit,
                            when_full full = when_full::drop_oldest) {
    return branch_here()->template subscribe<detail::subscriber<T>>(limit, full);
  }

  /// Subscribes from now on, and shows out whoever falls behind, as fanout::subscribe() does;
  /// `too_slow()` is called on this loop.
  template <std::invocable Function>
  subscription<T> subscribe(std::size_t limit, Function too_slow) {
    return branch_here()->template subscribe<detail::told_subscriber<T, Function>>(
        limit, std::move(too_slow));
  }

  /// How many are subscribed, on all loops together.
  std::size_t subscribers() const noexcept {
    return trunk_->subscribers.load(std::memory_order_relaxed);
  }

 private:
  using branch = detail::fanout_branch<T>;

  std::shared_ptr<branch> find_here() const {
    branch* const found = trunk_->find_here();
    return found == nullptr ? nullptr : found->shared_from_this();
  }

  // Where all are on this loop, it is a fanout.
  std::shared_ptr<branch> sole_branch() const {
    const std::lock_guard lock(trunk_->mutex);
    if (trunk_->branches.size() != 1) return nullptr;
    branch& only = *trunk_->branches.front();
    return only.is_here() && only.is_idle() ? only.shared_from_this() : nullptr;
  }

  /// Puts it into all inboxes, or into none when there is no memory; returns this loop's branch.
  std::shared_ptr<branch> post(const std::shared_ptr<const T>& message) {
    std::vector<std::shared_ptr<const T>> dropped;  // destroyed when the mutex is free again
    const std::lock_guard lock(trunk_->mutex);
    for (branch* const each : trunk_->branches) each->make_room();
    dropped.reserve(trunk_->branches.size());
    const std::shared_ptr<branch> own = find_here();
    for (branch* const each : trunk_->branches) {
      if (each->is_full()) dropped.push_back(each->drop_oldest());
      each->add(message);
      if (each != own.get() || each->is_telling()) each->call();
    }
    return own;
  }

  std::shared_ptr<branch> branch_here() {
    {
      const std::lock_guard lock(trunk_->mutex);
      if (auto found = find_here()) return found;
    }
    auto made = std::make_shared<branch>(trunk_);
    const std::lock_guard lock(trunk_->mutex);
    trunk_->branches.push_back(made.get());
    return made;
  }

  const std::shared_ptr<detail::fanout_trunk<T>> trunk_;
};

}  // namespace cetane
