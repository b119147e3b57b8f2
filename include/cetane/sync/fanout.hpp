#pragma once

#include <cetane/base/config.hpp>
#include <cetane/base/intrusive_list.hpp>
#include <cetane/base/limits.hpp>
#include <cetane/sync/detail/queue_lines.hpp>
#include <cetane/sync/detail/ring.hpp>

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>

namespace cetane {

/// What a subscriber loses that takes its messages too slowly.
enum class when_full : std::uint8_t {
  drop_oldest,  ///< the oldest message that waits
  drop_newest,  ///< the message that has just come
};

template <class T>
class fanout;
template <class T>
class subscription;

namespace detail {

template <class T>
class fanout_branch;

[[noreturn]] CETANE_API void throw_fell_behind(std::size_t limit);
/// Logs the exception that is being handled, and what it has ended.
CETANE_API void report_failed(const char* what) noexcept;

template <class T, at_end End>
class subscription_get;

struct behind;  // tag: the list of subscribers that have to be told

/// What waits for one subscriber. A message is shared by all who have yet to take it.
template <class T>
class subscriber : public list_hook<fanout<T>>, public list_hook<behind> {
 public:
  subscriber(std::size_t limit, when_full policy) : lines_(limit), policy_(policy) {
    if (limit == 0) throw std::invalid_argument("a subscription has room for one message at least");
  }
  subscriber(const subscriber&) = delete;
  subscriber& operator=(const subscriber&) = delete;
  virtual ~subscriber() { lines_.end(messages_.size()); }

  /// False if it has no room any more, and wants to be told.
  bool push(const std::shared_ptr<T>& message) {
    if (lines_.closed()) return true;
    if (!lines_.has_room()) return make_do_with(message);
    messages_.emplace_back(message);
    lines_.added();
    return true;
  }

  /// Loses messages that came to nobody; false if it wants to be told.
  bool lose(std::size_t count) noexcept {
    if (lines_.closed()) return true;
    if (shows_out_) return fall_behind();
    lost_ += count;
    return true;
  }

  /// Takes no more messages.
  void end() noexcept { lines_.close(); }

  /// Tells that it has fallen behind.
  virtual void tell() {}

 protected:
  bool shows_out_ = false;

 private:
  template <class, at_end>
  friend class subscription_get;
  friend subscription<T>;

  bool fall_behind() noexcept {
    behind_ = true;
    lines_.close();
    return false;
  }

  bool make_do_with(const std::shared_ptr<T>& message) {
    if (shows_out_) return fall_behind();
    ++lost_;
    if (policy_ == when_full::drop_newest) return true;
    messages_.emplace_back(message);  // first: the end of the oldest may publish, and come here
    messages_.drop_front();
    return true;
  }

  T take() {
    const std::shared_ptr<T> message = messages_.pop_front();
    lines_.taken();
    if (message.use_count() == 1) return std::move(*message);
    return *message;
  }

  queue_lines lines_;
  ring<std::shared_ptr<T>> messages_;
  std::uint64_t lost_ = 0;
  when_full policy_;
  bool behind_ = false;
};

/// One that is shown out when it falls behind.
template <class T, class Function>
class told_subscriber : public subscriber<T> {
 public:
  told_subscriber(std::size_t limit, Function&& function)
      : subscriber<T>(limit, when_full::drop_newest), function_(std::move(function)) {
    this->shows_out_ = true;
  }

 private:
  // The function may end the subscription, and itself with it.
  void tell() override {
    Function function = std::move(function_);
    function();
  }

  Function function_;
};

/// A wait for a message.
template <class T, at_end End>
class subscription_get final : public queue_place {
 public:
  using source_type = subscriber<T>;
  using result = std::conditional_t<End == at_end::empty, std::optional<T>, T>;

  explicit subscription_get(wait_op<subscription_get> op) noexcept : from_(op.source()) {}
  ~subscription_get() { disarm(); }

  bool poll() const noexcept { return granted() || from_.lines_.can_get(); }
  void arm() noexcept { from_.lines_.wait_to_get(*this); }
  void disarm() noexcept {
    if (linked()) from_.lines_.stop_getting(*this);
  }
  result commit() {
    if (from_.lines_.claim(*this)) return from_.take();
    if (from_.behind_) throw_fell_behind(from_.lines_.limit());
    if constexpr (End == at_end::empty) return std::nullopt;
    from_.lines_.throw_closed("hear from a fanout");
  }
  std::string describe_wait() const { return from_.lines_.describe("subscription"); }

 private:
  subscriber<T>& from_;
};

}  // namespace detail

/// What one subscriber of a fanout hears; it unsubscribes when this is destroyed. Movable; one that
/// was moved from throws std::logic_error.
template <class T>
class [[nodiscard("a subscription that nobody keeps hears nothing")]] subscription {
 public:
  subscription(subscription &&) noexcept = default;
  subscription& operator=(subscription&&) noexcept = default;

  /// Suspends until there is a message, and takes the oldest.
  ///
  /// @throws fell_behind   There was no room for a message, and the function was called that
  ///                       subscribe() was given; thrown when what came before is taken.
  /// @throws queue_closed  The fanout is gone, and all messages are taken.
  /// @par Cancellation  No message is taken.
  /// @par Lifetime      The subscription outlives the await.
  auto get() {
    return detail::wait_op<detail::subscription_get<T, detail::at_end::closed>>(state());
  }

  /// As get(), but gives an empty optional when the fanout is gone, for loops.
  auto next() {
    return detail::wait_op<detail::subscription_get<T, detail::at_end::empty>>(state());
  }

  /// Takes the oldest message, if there is one that is promised to nobody. Does not suspend.
  std::optional<T> try_get() {
    if (!state_->lines_.claim()) return std::nullopt;
    return state_->take();
  }

  /// Messages that wait.
  std::size_t size() const { return state().lines_.available(); }
  /// How many were dropped for want of room.
  std::uint64_t lost() const { return state().lost_; }

 private:
  friend fanout<T>;
  friend detail::fanout_branch<T>;

  explicit subscription(std::unique_ptr<detail::subscriber<T>> state) noexcept
      : state_(std::move(state)) {}

  detail::subscriber<T>& state() const {
    if (state_ == nullptr) throw std::logic_error("this subscription hears nothing: it was moved");
    return *state_;
  }

  std::unique_ptr<detail::subscriber<T>> state_;
};

/// Tells every subscriber everything: the heart of a chat room.
///
/// Each subscriber hears all messages in their order from its subscription on; nothing is repeated
/// for who comes later. Publishing never waits: a subscriber that takes its messages too slowly
/// loses some, or is shown out. Loop thread only, cross_loop_fanout spans loops; subscriptions may
/// outlive it.
template <class T>
class fanout {
 public:
  fanout() noexcept = default;
  fanout(const fanout&) = delete;
  fanout& operator=(const fanout&) = delete;
  ~fanout() { end_all(); }

  /// Gives `message` to all who are subscribed. Does not suspend.
  void publish(T message) {
    if (subscribers_.empty()) return;
    const auto shared = std::make_shared<T>(std::move(message));
    slow_ones behind;
    for (detail::subscriber<T>& each : subscribers_) {
      if (!each.push(shared)) behind.push_back(each);
    }
    tell(behind);
  }

  /// Subscribes from now on.
  ///
  /// @param limit  Most messages that wait for this subscriber.
  /// @param full   What goes when there is one more.
  /// @throws std::invalid_argument  `limit` is 0.
  subscription<T> subscribe(std::size_t limit = default_fanout_limit,
                            when_full full = when_full::drop_oldest) {
    return add(std::make_unique<detail::subscriber<T>>(limit, full));
  }

  /// Subscribes from now on, and shows out whoever falls behind: no message comes any more, get()
  /// throws fell_behind when those that wait are taken, and `too_slow()` is called, once.
  template <std::invocable Function>
  subscription<T> subscribe(std::size_t limit, Function too_slow) {
    return add(std::make_unique<detail::told_subscriber<T, Function>>(limit, std::move(too_slow)));
  }

  /// How many are subscribed.
  std::size_t subscribers() const noexcept {
    std::size_t count = 0;
    for (auto each = subscribers_.begin(); each != subscribers_.end(); ++each) ++count;
    return count;
  }

 private:
  friend detail::fanout_branch<T>;

  using slow_ones = intrusive_list<detail::subscriber<T>, detail::behind>;

  static void tell(slow_ones& behind) noexcept {
    while (detail::subscriber<T>* const each = behind.pop_front()) {
      try {
        each->tell();
      } catch (...) {
        detail::report_failed("the function of a subscriber that fell behind");
      }
    }
  }

  void lose(std::size_t count) noexcept {
    slow_ones behind;
    for (detail::subscriber<T>& each : subscribers_) {
      if (!each.lose(count)) behind.push_back(each);
    }
    tell(behind);
  }

  void end_all() noexcept {
    while (detail::subscriber<T>* const left = subscribers_.pop_front()) left->end();
  }

  subscription<T> add(std::unique_ptr<detail::subscriber<T>> added) {
    subscribers_.push_back(*added);
    return subscription<T>(std::move(added));
  }

  intrusive_list<detail::subscriber<T>, fanout<T>> subscribers_;
};

}  // namespace cetane
