#pragma once

#include <utility>
#include <vector>

namespace cetane::test {

/// What has become of the objects that were made with it.
struct ledger {
  int alive = 0;
  int wrong = 0;               // destroyed twice, or at another address than they were made
  std::vector<int> destroyed;  // in this order; what was moved from is not noted
};

/// An object whose life is recorded: destroyed once, where it was made.
class traced {
 public:
  traced(ledger& in, int number) : ledger_(&in), number_(number) { ++ledger_->alive; }
  traced(const traced& other) : ledger_(other.ledger_), number_(other.number_) { ++ledger_->alive; }
  traced(traced&& other) noexcept
      : ledger_(other.ledger_), number_(std::exchange(other.number_, moved_from)) {
    ++ledger_->alive;
  }
  traced& operator=(traced other) noexcept {
    std::swap(number_, other.number_);
    return *this;
  }
  ~traced() {
    if (std::exchange(self_, nullptr) != this) ++ledger_->wrong;
    --ledger_->alive;
    if (number_ != moved_from) ledger_->destroyed.push_back(number_);
  }

  int number() const noexcept { return number_; }

 private:
  static constexpr int moved_from = -1;

  const traced* self_ = this;
  ledger* ledger_;
  int number_;
};

}  // namespace cetane::test
