#include <cetane/testing/interrupter.hpp>

#include <cetane/base/scope_exit.hpp>
#include <cetane/conc/sleep.hpp>
#include <cetane/conc/spawn.hpp>

#include <utility>

namespace cetane::testing {

interrupter::interrupter(event_loop& loop, join_handle<>& task, std::size_t moment)
    : loop_(loop), task_(task), moment_(moment) {}

interrupter::~interrupter() = default;

bool interrupter::run(const std::function<void()>& each) {
  seen_ = loop_.stats().resumes;
  next_moment();
  auto looking = detail::spawn_in(loop_, loop_.scope(), [this]() -> task<> { return look(); });
  looking.label(name);
  const scope_exit end([&] {
    looking.cancel();
    while (!looking.done()) loop_.run_once(time_point::min());
  });
  loop_.run_until([&] {
    const bool over = step();
    if (!over && each) each();
    return over;
  });
  return cancelled_;
}

// Asked twice in a pass: where it begins somebody goes along who looks after each turn.
bool interrupter::step() {
  look_once();
  const std::uint64_t passes = loop_.stats().passes;
  if (std::exchange(passes_, passes) == passes) {
    rest_.set();
    rest_.clear();
  }
  return task_.done();
}

void interrupter::next_moment() {
  if (moments_++ != moment_ || task_.done()) return;
  cancelled_ = true;
  if (before_cancel_) before_cancel_();
  task_.cancel();
}

// Turns of its own do not count: when nobody else had one it rests, so that time can pass.
task<> interrupter::look() {
  for (;;) {
    ++own_turns_;
    if (look_once()) {
      co_await yield();
    } else {
      co_await rest_.wait();
    }
  }
}

bool interrupter::look_once() {
  const std::uint64_t others = loop_.stats().resumes - own_turns_;
  if (std::exchange(seen_, others) == others) return false;
  next_moment();
  return true;
}

}  // namespace cetane::testing
