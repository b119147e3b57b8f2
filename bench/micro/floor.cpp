#include "floor.hpp"

#include <array>
#include <coroutine>
#include <cstdint>
#include <cstdlib>
#include <exception>
#include <utility>

namespace micro::floor {
namespace {

// Who goes on next.
class ring {
 public:
  void push(std::coroutine_handle<> next) noexcept { slots_[tail_++ % slots_.size()] = next; }
  void run() {
    while (head_ != tail_) slots_[head_++ % slots_.size()].resume();
  }

 private:
  std::array<std::coroutine_handle<>, 64> slots_{};
  std::size_t head_ = 0;
  std::size_t tail_ = 0;
};

ring ready;

// A coroutine that starts when the ring comes to it, in a frame that the next one has again. At its
// end it wakes who joins it.
class actor {
 public:
  struct promise_type {
    struct at_end {
      bool await_ready() const noexcept { return false; }
      void await_suspend(std::coroutine_handle<promise_type> self) const noexcept {
        if (self.promise().joiner) ready.push(self.promise().joiner);
      }
      void await_resume() const noexcept {}
    };

    actor get_return_object() {
      return actor(std::coroutine_handle<promise_type>::from_promise(*this));
    }
    std::suspend_always initial_suspend() const noexcept { return {}; }
    at_end final_suspend() const noexcept { return {}; }
    void return_void() const noexcept {}
    [[noreturn]] void unhandled_exception() const { std::terminate(); }

    static void* operator new(std::size_t bytes) {
      if (kept != nullptr) return std::exchange(kept, nullptr);
      return std::malloc(bytes < least_bytes ? least_bytes : bytes);
    }
    static void operator delete(void* frame) noexcept { std::free(std::exchange(kept, frame)); }

    static constexpr std::size_t least_bytes = 512;
    static inline void* kept = nullptr;
    std::coroutine_handle<> joiner;
  };

  explicit actor(std::coroutine_handle<promise_type> frame) noexcept : frame_(frame) {
    ready.push(frame);
  }
  actor(const actor&) = delete;
  actor& operator=(const actor&) = delete;
  ~actor() { frame_.destroy(); }

  bool await_ready() const noexcept { return frame_.done(); }
  void await_suspend(std::coroutine_handle<> joiner) const noexcept {
    frame_.promise().joiner = joiner;
  }
  void await_resume() const noexcept {}

 private:
  std::coroutine_handle<promise_type> frame_;
};

struct turn {
  bool await_ready() const noexcept { return false; }
  void await_suspend(std::coroutine_handle<> self) const noexcept { ready.push(self); }
  void await_resume() const noexcept {}
};

actor yield_often(std::size_t times) {
  for (std::size_t i = 0; i < times; ++i) co_await turn();
}

// Not to be seen into by who starts it: it stands for tasks of another file.
[[gnu::noinline]] actor nothing() { co_return; }

actor spawn_often(std::size_t times) {
  for (std::size_t i = 0; i < times; ++i) co_await nothing();
}

// A queue of one item, from one task to one other.
class slot {
 public:
  void put(int value) noexcept {
    value_ = value;
    full_ = true;
    if (getter_) ready.push(std::exchange(getter_, nullptr));
  }
  bool await_ready() const noexcept { return full_; }
  void await_suspend(std::coroutine_handle<> self) noexcept { getter_ = self; }
  int await_resume() noexcept {
    full_ = false;
    return value_;
  }

 private:
  int value_ = 0;
  bool full_ = false;
  std::coroutine_handle<> getter_;
};

actor ask(slot& there, slot& back, std::size_t times) {
  for (std::size_t i = 0; i < times; ++i) {
    there.put(static_cast<int>(i));
    co_await back;
  }
}

actor answer(slot& there, slot& back, std::size_t times) {
  for (std::size_t i = 0; i < times; ++i) back.put(co_await there);
}

// A lock that is handed to whoever has waited longest.
class lock {
 public:
  class waiter {
   public:
    explicit waiter(lock& of) noexcept : of_(of) {}
    bool await_ready() const noexcept { return !std::exchange(of_.held_, true); }
    void await_suspend(std::coroutine_handle<> self) noexcept {
      self_ = self;
      (of_.last_ != nullptr ? of_.last_->next_ : of_.first_) = this;
      of_.last_ = this;
    }
    void await_resume() const noexcept {}

   private:
    friend lock;
    lock& of_;
    waiter* next_ = nullptr;
    std::coroutine_handle<> self_;
  };

  waiter take() noexcept { return waiter(*this); }
  void give() noexcept {
    waiter* const next = first_;
    if (next == nullptr) {
      held_ = false;
      return;
    }
    first_ = next->next_;
    if (first_ == nullptr) last_ = nullptr;
    ready.push(next->self_);
  }

 private:
  waiter* first_ = nullptr;
  waiter* last_ = nullptr;
  bool held_ = false;
};

actor lock_often(lock& shared, std::size_t times) {
  for (std::size_t i = 0; i < times; ++i) {
    co_await shared.take();
    co_await turn();
    shared.give();
  }
}

// Timers in buckets by their deadline, unsorted.
struct timer {
  timer* previous = nullptr;
  std::uint64_t deadline_ns = 0;
  timer* next = nullptr;
};

class buckets {
 public:
  buckets() {
    for (timer& head : heads_) head.previous = head.next = &head;
  }
  void arm(timer& fresh, std::uint64_t deadline_ns) noexcept {
    timer& head = heads_[(deadline_ns >> 20) % heads_.size()];
    fresh.deadline_ns = deadline_ns;
    fresh.previous = head.previous;
    fresh.next = &head;
    head.previous->next = &fresh;
    head.previous = &fresh;
  }
  static void cancel(timer& armed) noexcept {
    armed.previous->next = armed.next;
    armed.next->previous = armed.previous;
  }

 private:
  std::array<timer, 256> heads_;
};

}  // namespace

void yield(std::size_t times) {
  const actor one = yield_often(times / 2);
  const actor other = yield_often(times / 2);
  ready.run();
}

void spawn_and_join(std::size_t times) {
  const actor parent = spawn_often(times);
  ready.run();
}

void queue_hops(std::size_t times) {
  slot there, back;
  const actor asking = ask(there, back, times / 2);
  const actor answering = answer(there, back, times / 2);
  ready.run();
}

void arm_and_cancel(std::size_t times) {
  static std::array<timer, 1000> live;
  buckets wheel;
  for (std::size_t i = 0; i < live.size(); ++i) wheel.arm(live[i], i * 60'000'000);
  timer timeout;
  std::uint64_t now = 0;
  for (std::size_t i = 0; i < times; ++i) {
    now += 1000;
    wheel.arm(timeout, now + 5'000'000'000);
    asm volatile("" : : "r"(&timeout) : "memory");  // else both are left out
    buckets::cancel(timeout);
  }
}

void lock_hand_overs(std::size_t times) {
  lock shared;
  const actor one = lock_often(shared, times / 2);
  const actor other = lock_often(shared, times / 2);
  ready.run();
}

}  // namespace micro::floor
