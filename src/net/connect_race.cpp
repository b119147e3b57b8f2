#include <net/connect_race.hpp>

#include <cetane/base/errors.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <utility>

namespace cetane::detail {
namespace {

constexpr std::size_t most_told = 8;

std::string outcome_text(const connect_attempt& of) {
  const bool silent = of.under_way();
  return fmt::format("{}: {}", of.to(),
                     silent ? "no answer" : reason_text(system_code(of.result())));
}

}  // namespace

std::vector<address> by_turns(std::vector<address> addresses) {
  if (addresses.size() < 2) return addresses;
  std::vector<address> ordered;
  std::vector<address> first;  // of the family of the first
  std::vector<address> other;
  for (const address& each : addresses)
    (each.family() == addresses.front().family() ? first : other).push_back(each);
  for (std::size_t i = 0; i < std::max(first.size(), other.size()); ++i) {
    if (i < first.size()) ordered.push_back(first[i]);
    if (i < other.size()) ordered.push_back(other[i]);
  }
  return ordered;
}

connect_race::connect_race(event_loop& loop, std::vector<address> choices, const address* from,
                           duration delay)
    : loop_(loop), choices_(std::move(choices)), from_(from), delay_(delay) {
  attempts_.reserve(choices_.size());
}

void connect_race::begin_next() {
  disarm();
  while (!over()) {
    if (attempts_.size() == choices_.size()) return;
    const address& to = choices_[attempts_.size()];
    observer& own = *this;
    connect_attempt& next =
        *attempts_.emplace_back(std::make_unique<connect_attempt>(loop_, to, own));
    next.begin(from_);
    if (next.connected()) return win(next);
    if (!next.under_way()) continue;
    ++under_way_;
    if (attempts_.size() < choices_.size()) loop_.arm(*this, deadline_after(loop_.now(), delay_));
    return;
  }
}

void connect_race::on_end(connect_attempt& attempt) noexcept {
  --under_way_;
  if (winner_ != nullptr) return;
  if (attempt.connected()) win(attempt);
  if (over() || attempts_.size() < choices_.size()) tell();
}

void connect_race::win(connect_attempt& attempt) noexcept {
  winner_ = &attempt;
  disarm();
  for (const auto& each : attempts_) {
    if (each.get() != winner_) each->close();
  }
}

std::error_code connect_race::first_failure() const {
  return system_code(attempts_.front()->result());
}

std::string connect_race::account() const {
  std::string text;
  const std::size_t told = std::min(most_told, attempts_.size());
  for (std::size_t i = 0; i < told; ++i) {
    if (i != 0) text += "; ";
    text += outcome_text(*attempts_[i]);
  }
  if (told < attempts_.size())
    fmt::format_to(std::back_inserter(text), "; and {} more", attempts_.size() - told);
  return text;
}

void connect_race::tell() noexcept {
  changed_ = true;
  if (task_context* const waiting = std::exchange(task_, nullptr)) loop_.make_ready(*waiting);
}

void connect_race::take_change() {
  if (cancelled_ != cancel_reason::none) throw cancelled(cancelled_);
  changed_ = false;
}

void connect_race::cancel_wait(task_context& task) noexcept {
  task_ = nullptr;
  cancelled_ = task.cancel_state;
  loop_.make_ready(task);
}

std::string connect_race::describe_wait() const {
  std::string text = "connect to ";
  for (const auto& each : attempts_) {
    if (each != attempts_.front()) text += " or ";
    text += each->to().to_string();
  }
  return text;
}

}  // namespace cetane::detail
