#include <app/worker_roster.hpp>

#include <algorithm>
#include <chrono>

namespace cetane::detail {
namespace {

using namespace std::chrono_literals;

constexpr duration first_pause = 100ms;
constexpr duration longest_pause = 10s;
/// Who lives as long as this has not died of its start.
constexpr duration short_life = 5s;
constexpr unsigned most_failed_starts = 5;

}  // namespace

worker_roster::worker_roster(std::size_t wanted)
    : wanted_(wanted), pause_(first_pause, longest_pause) {}

worker_roster::command worker_roster::next(time_point now) const noexcept {
  if (stopping_) return {};
  std::size_t present = 0;
  std::size_t starting = 0;
  const entry* outdated = nullptr;
  for (const entry& one : entries_) {
    if (one.at == phase::leaving) continue;
    ++present;
    if (one.generation != generation_) {
      if (outdated == nullptr) outdated = &one;
    } else if (one.at == phase::starting) {
      ++starting;
    }
  }
  if (starting > 0 && !any_was_ready_) return {};
  if (outdated != nullptr && present > wanted_) {
    if (starting > 0) return {};
    return {order::let_go, outdated->worker};
  }
  if (present >= wanted_ + (outdated != nullptr ? 1 : 0)) return {};
  if (next_start_ != never && now < next_start_) return {};
  return {order::start, 0};
}

void worker_roster::started(int worker, time_point now) {
  entries_.push_back({worker, phase::starting, generation_, now});
  next_start_ = never;
}

void worker_roster::ready(int worker) noexcept {
  entry* const one = find(worker);
  if (one == nullptr || one->at != phase::starting) return;
  one->at = phase::serving;
  any_was_ready_ = true;
}

void worker_roster::leaves(int worker) noexcept {
  if (entry* const one = find(worker)) one->at = phase::leaving;
}

duration worker_roster::ended(int worker, time_point now) noexcept {
  const entry* const found = find(worker);
  if (found == nullptr) return -1ns;
  const entry gone = *found;
  entries_.erase(entries_.begin() + (found - entries_.data()));
  if (gone.at == phase::leaving || stopping_) return -1ns;
  if (gone.at == phase::serving && now - gone.since >= short_life) {
    pause_.reset();
    return 0ns;
  }
  return pause(now);
}

duration worker_roster::start_failed(time_point now) noexcept { return pause(now); }

duration worker_roster::pause(time_point now) noexcept {
  if (!any_was_ready_) ++failed_starts_;
  const duration span = pause_.next();
  next_start_ = deadline_after(now, span);
  return span;
}

void worker_roster::restart_all() noexcept { ++generation_; }

bool worker_roster::is_ready(int worker) const noexcept {
  return std::any_of(entries_.begin(), entries_.end(), [&](const entry& one) {
    return one.worker == worker && one.at != phase::starting;
  });
}

bool worker_roster::hopeless() const noexcept {
  return !any_was_ready_ && failed_starts_ >= most_failed_starts;
}

worker_roster::entry* worker_roster::find(int worker) noexcept {
  const auto found = std::find_if(entries_.begin(), entries_.end(),
                                  [&](const entry& one) { return one.worker == worker; });
  return found == entries_.end() ? nullptr : &*found;
}

}  // namespace cetane::detail
