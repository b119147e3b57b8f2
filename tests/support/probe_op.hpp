#pragma once

#include <cetane/base/intrusive_list.hpp>
#include <cetane/conc/selectable.hpp>

#include <stdexcept>
#include <string>

namespace cetane::test {

class probe_wait;

/// Something to wait for that a test makes happen, and that counts what is done with it. It happens
/// once for each call of happen(), to whoever was there first.
class probe {
 public:
  using select_type = probe_wait;

  inline void happen();
  inline sole_wait<probe_wait> operator co_await();

  int there = 0;  // how often it may still be taken
  int armed = 0;
  int disarmed = 0;
  int committed = 0;
  bool arm_throws = false;
  bool commit_throws = false;

 private:
  friend probe_wait;
  intrusive_list<probe_wait, probe> line_;
};

class probe_wait final : public selectable, public list_hook<probe> {
 public:
  explicit probe_wait(probe& of) noexcept : probe_(of) {}

  bool poll() const noexcept { return served_ || (probe_.there > 0 && probe_.line_.empty()); }
  void arm() {
    if (probe_.arm_throws) throw std::runtime_error("cannot be armed");
    ++probe_.armed;
    probe_.line_.push_back(*this);
    serve_first(probe_);
  }
  void disarm() noexcept {
    ++probe_.disarmed;
    if (served_) ++probe_.there;
    unlink();
    serve_first(probe_);
  }
  int commit() {
    if (!served_) --probe_.there;
    unlink();
    if (probe_.commit_throws) throw std::runtime_error("cannot be committed");
    return ++probe_.committed;
  }
  std::string describe_wait() const { return "probe"; }

  static void serve_first(probe& of) {
    while (of.there > 0 && !of.line_.empty()) {
      probe_wait& first = *of.line_.pop_front();
      --of.there;
      first.served_ = true;
      first.wake();
    }
  }

 private:
  probe& probe_;
  bool served_ = false;
};

inline void probe::happen() {
  ++there;
  probe_wait::serve_first(*this);
}

inline sole_wait<probe_wait> probe::operator co_await() { return sole_wait<probe_wait>(*this); }

}  // namespace cetane::test
