#include "operations.hpp"

#include <cetane/backend/make_backend.hpp>
#include <cetane/conc/sleep.hpp>
#include <cetane/conc/spawn.hpp>
#include <cetane/coro/task.hpp>
#include <cetane/runtime/event_loop.hpp>
#include <cetane/runtime/timer.hpp>
#include <cetane/sync/mutex.hpp>
#include <cetane/sync/queue.hpp>

#include <runtime/backend.hpp>

#include <array>
#include <chrono>
#include <functional>

namespace micro::ours {
namespace {

using namespace std::chrono_literals;
using cetane::task;

// One for all rounds: what is warm stays so.
cetane::event_loop& loop() {
  static cetane::event_loop the_loop(cetane::make_backend(cetane::backend_choice::epoll));
  return the_loop;
}

template <class Fn, class... Args>
auto start(Fn fn, Args... args) {
  return cetane::detail::spawn_in(loop(), loop().scope(), fn, args...);
}

void run_all() {
  loop().run_until([] { return loop().tasks_alive() == 0; });
}

task<> yield_often(std::size_t times) {
  for (std::size_t i = 0; i < times; ++i) co_await cetane::yield();
}

// Not to be seen into by who starts it: it stands for tasks of another file.
[[gnu::noinline]] task<> nothing() { co_return; }

task<> spawn_often(std::size_t times) {
  for (std::size_t i = 0; i < times; ++i) {
    auto child = cetane::spawn(nothing);
    co_await child;
  }
}

using numbers = cetane::queue<int>;

task<> ask(numbers& there, numbers& back, std::size_t times) {
  for (std::size_t i = 0; i < times; ++i) {
    co_await there.put(static_cast<int>(i));
    co_await back.get();
  }
}

task<> answer(numbers& there, numbers& back, std::size_t times) {
  for (std::size_t i = 0; i < times; ++i) {
    const int item = co_await there.get();
    co_await back.put(item);
  }
}

task<> lock_often(cetane::mutex& shared, std::size_t times) {
  for (std::size_t i = 0; i < times; ++i) {
    const auto held = co_await shared.lock();
    co_await cetane::yield();
  }
}

class quiet_timer final : public cetane::detail::timer {
  void on_timer() noexcept override {}
};

}  // namespace

void yield(std::size_t times) {
  (void)start(yield_often, times / 2);
  (void)start(yield_often, times / 2);
  run_all();
}

void spawn_and_join(std::size_t times) {
  (void)start(spawn_often, times);
  run_all();
}

void queue_hops(std::size_t times) {
  static numbers there(64), back(64);
  (void)start(ask, std::ref(there), std::ref(back), times / 2);
  (void)start(answer, std::ref(there), std::ref(back), times / 2);
  run_all();
}

void arm_and_cancel(std::size_t times) {
  std::array<quiet_timer, 1000> live;
  cetane::time_point now = loop().now();
  for (std::size_t i = 0; i < live.size(); ++i) loop().arm(live[i], now + 10min + i * 60ms);
  quiet_timer timeout;
  for (std::size_t i = 0; i < times; ++i) {
    now += 1us;
    loop().arm(timeout, now + 5s);
    timeout.disarm();
  }
}

void lock_hand_overs(std::size_t times) {
  cetane::mutex shared;
  (void)start(lock_often, std::ref(shared), times / 2);
  (void)start(lock_often, std::ref(shared), times / 2);
  run_all();
}

}  // namespace micro::ours
