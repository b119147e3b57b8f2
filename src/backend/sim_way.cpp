#include "backend/sim_way.hpp"

#include <backend/sim_stream.hpp>

#include <algorithm>
#include <chrono>
#include <memory>

namespace cetane::detail {
namespace {

using namespace std::chrono_literals;

constexpr duration first_pause = 200ms;
constexpr duration longest_pause = 120s;
constexpr duration patience = 924'600ms;  // fifteen times, and a last pause

// As the backends of real networks have it.
constexpr duration silence_allowed = 60s;
constexpr duration question_pause = 10s;
constexpr unsigned most_questions = 6;

duration pause_after(unsigned tries) {
  return tries < 10 ? std::min(first_pause * (1U << tries), longest_pause) : longest_pause;
}

}  // namespace

bool sim_way::open() const noexcept {
  const std::shared_ptr<sim_stream> to = from_.other();
  if (!from_.host->reaches(*to->host)) return false;
  return !to->gone() || to->host->reaches(*from_.host);  // the reset comes back
}

// Both ways are open, and there is somebody to answer, if only with a reset.
bool sim_way::is_heard() const noexcept {
  const std::shared_ptr<sim_stream> to = from_.other();
  return from_.host->reaches(*to->host) && to->host->reaches(*from_.host);
}

void sim_way::pass(bool insists, std::function<void(sim_stream&)> arrive) {
  piece one{insists, std::move(arrive)};
  if (held_.empty() && open()) return hand_over(one);
  if (from_.vanished()) return;
  held_.push_back(std::move(one));
  if (held_.size() > 1 && !parked_) return;
  engine_.note("{} does not reach its peer", from_.name());
  tries_ = 0;
  give_up_at_ = engine_.now() + patience;
  parked_ = false;
  try_later();
}

void sim_way::hand_over(const piece& one) {
  const std::shared_ptr<sim_stream> to = from_.other();
  if (!to->gone()) return one.arrive(*to);
  engine_.schedule.under_way(engine_.now() + engine_.draw_latency(),
                             [from = from_.self()] { from->reset_arrived(); });
}

void sim_way::try_later() {
  engine_.schedule.under_way(engine_.now() + pause_after(tries_) + engine_.draw_latency(),
                             [from = from_.self()] { from->way().try_again(); });
}

// What arrives may make the sender's machine send more, which goes behind.
void sim_way::try_again() {
  if (held_.empty()) return;
  if (held_.empty()) return;
  if (!open()) {
    ++tries_;
    return engine_.now() < give_up_at_ ? try_later() : give_up();
  }
  engine_.note("{} reaches its peer again", from_.name());
  for (std::size_t left = held_.size(); left > 0; --left) {
    const piece one = std::move(held_.front());
    held_.pop_front();
    hand_over(one);
  }
}

bool sim_way::insists() const noexcept {
  return std::any_of(held_.begin(), held_.end(), [](const piece& one) { return one.insists; });
}

// Who has sent nothing but receipts does not mind; the other one hears none, and does.
void sim_way::give_up() {
  const std::shared_ptr<sim_stream> to = from_.other();
  if (insists()) {
    held_.clear();
    return from_.time_out();
  }
  parked_ = true;
  if (to->unacknowledged() > 0) to->time_out();
}

void sim_way::try_again_if_parked() {
  if (std::exchange(parked_, false)) try_again();
}

void sim_way::begin_to_ask() {
  if (!from_.keeps_alive() || !from_.alive() || is_heard() || std::exchange(is_asking_, true))
    return;
  unheard_ = 0;
  ask_later(silence_allowed);
}

void sim_way::ask_later(duration when) {
  engine_.schedule.at(engine_.now() + when, [from = from_.self()] { from->way().ask(); });
}

void sim_way::ask() {
  is_asking_ = from_.alive() && !(is_heard() && !from_.other()->gone());
  if (!is_asking_) return;
  if (is_heard()) {
    from_.reset_arrived();
  } else if (unheard_++ < most_questions || insists()) {
    ask_later(question_pause);
  } else {
    from_.time_out();
  }
}

}  // namespace cetane::detail
