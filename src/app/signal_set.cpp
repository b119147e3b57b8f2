#include <cetane/app/signal_set.hpp>

#include <app/application_core.hpp>
#include <app/signal_hub.hpp>

#include <cetane/base/errors.hpp>
#include <cetane/runtime/this_task.hpp>

#include <fmt/format.h>

#include <bit>
#include <csignal>
#include <stdexcept>

#include <string.h>

namespace cetane {
namespace {

constexpr int last_signal = 64;

std::string name_of(int number) {
  const char* const short_name = ::sigabbrev_np(number);
  return short_name != nullptr ? fmt::format("SIG{}", short_name)
                               : fmt::format("signal {}", number);
}

template <class Visit>
void for_each(std::uint64_t signals, Visit&& visit) {
  for (; signals != 0; signals &= signals - 1) visit(std::countr_zero(signals) + 1);
}

void check_free(int number) {
  const detail::application_core* const running = detail::application_core::current();
  const bool handled = number == SIGINT || number == SIGTERM || number == SIGUSR1 ||
                       (number == SIGUSR2 && running != nullptr && running->serves_others());
  if (running != nullptr && running->handles_signals() && handled) {
    throw std::logic_error(fmt::format(
        "signal_set: the application handles {}; use on_stop() to learn of a stop, or an "
        "application without a command line, which leaves signals alone",
        name_of(number)));
  }
  struct sigaction present;
  if (::sigaction(number, nullptr, &present) != 0) return;
  if (present.sa_handler != SIG_DFL && present.sa_handler != SIG_IGN) {
    throw std::logic_error(fmt::format(
        "signal_set: a handler is installed for {}, which would not be called any more; restore "
        "SIG_DFL before",
        name_of(number)));
  }
}

thread_local std::weak_ptr<detail::signal_hub> hub_of_thread;

}  // namespace

namespace detail {

signal_hub::channel::channel(signal_hub& hub, int number)
    : hub_(hub), number_(number), watcher_({number}) {
  descriptor = watcher_.fd();
  if (const int failed = hub_.loop_.io().watch(*this); failed < 0) {
    throw error("watch " + name_of(number), system_code(failed));
  }
}

signal_hub::channel::~channel() { hub_.loop_.io().unwatch(*this); }

void signal_hub::channel::on_ready() noexcept {
  while (watcher_.next() != 0) {
    for (signal_set& set : hub_.sets_) set.arrived(number_);
  }
}

std::shared_ptr<signal_hub> signal_hub::of(event_loop& loop) {
  std::shared_ptr<signal_hub> hub = hub_of_thread.lock();
  if (hub != nullptr && &hub->loop_ == &loop) return hub;
  if (loop.io().simulated()) {
    throw std::logic_error("signal_set: a simulated network has no signals of the system's");
  }
  hub = std::make_shared<signal_hub>(loop);
  hub_of_thread = hub;
  return hub;
}

void signal_hub::add(signal_set& set, std::uint64_t wanted) {
  std::uint64_t added = 0;
  try {
    for_each(wanted, [&](int number) {
      const auto [place, is_new] = channels_.try_emplace(number, *this, number);
      ++place->second.sets;
      added |= std::uint64_t{1} << (number - 1);
    });
  } catch (...) {
    for_each(added, [&](int number) { release(number); });
    throw;
  }
  sets_.push_back(set);
}

void signal_hub::remove(signal_set& set, std::uint64_t wanted) noexcept {
  static_cast<list_hook<>&>(set).unlink();
  for_each(wanted, [&](int number) { release(number); });
}

void signal_hub::release(int number) noexcept {
  const auto place = channels_.find(number);
  if (--place->second.sets == 0) channels_.erase(place);
}

bool signal_wait::poll() const noexcept {
  return granted() || (!linked() && set_.remembered_ != 0);
}

void signal_wait::arm() noexcept {
  if (set_.remembered_ == 0) return set_.line_.join(*this);
  number_ = set_.take_first();
  set_.line_.grant(*this);
}

void signal_wait::disarm() noexcept {
  if (leave()) set_.give_back(number_);
}

int signal_wait::commit() noexcept {
  if (!leave()) number_ = set_.take_first();
  set_.heard_ |= signal_set::bit(number_);
  return number_;
}

std::string signal_wait::describe_wait() const {
  std::string text = "signal";
  for_each(set_.wanted_, [&](int number) { text += ' ' + name_of(number); });
  return text;
}

}  // namespace detail

signal_set::signal_set(in_bits, std::uint64_t wanted)
    : wanted_(wanted), hub_(detail::signal_hub::of(detail::this_loop("signal_set"))) {
  for_each(wanted, check_free);
  hub_->add(*this, wanted);
}

signal_set::~signal_set() { hub_->remove(*this, wanted_); }

std::uint64_t signal_set::bit(int number) {
  if (number < 1 || number > last_signal || number == SIGKILL || number == SIGSTOP) {
    throw std::invalid_argument(
        fmt::format("signal_set: {} is no signal that can be waited for", number));
  }
  return std::uint64_t{1} << (number - 1);
}

void signal_set::arrived(int number) noexcept {
  if ((wanted_ & bit(number)) == 0) return;
  if (line_.empty()) remembered_ |= bit(number);
  heard_ &= ~bit(number);
  while (!line_.empty()) {
    static_cast<detail::signal_wait&>(line_.front()).number_ = number;
    line_.grant_front();
  }
}

int signal_set::take_first() noexcept {
  const int number = std::countr_zero(remembered_) + 1;
  remembered_ &= remembered_ - 1;
  heard_ &= ~bit(number);
  return number;
}

// One who was woken by it does not take it. It is remembered, unless it has woken others too.
void signal_set::give_back(int number) noexcept {
  const bool others = line_.any_granted([&](const detail::line_place& place) {
    return static_cast<const detail::signal_wait&>(place).number_ == number;
  });
  if (!others && (heard_ & bit(number)) == 0) remembered_ |= bit(number);
}

}  // namespace cetane
