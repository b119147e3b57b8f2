#pragma once

#include <cetane/testing.hpp>

#include <chrono>
#include <stdexcept>

namespace cetane::test {

/// One kind of fault that strikes always, as far as it can.
inline testing::faults only(fault_kind kind) {
  using namespace std::chrono_literals;
  using testing::faults;
  switch (kind) {
    case fault_kind::latency:
      return faults().latency(10ms, 300ms);
    case fault_kind::bandwidth:
      return faults().bandwidth(2000);
    case fault_kind::buffers:
      return faults().buffers(100);
    case fault_kind::split_reads:
      return faults().split_reads();
    case fault_kind::short_writes:
      return faults().short_writes(1);
    case fault_kind::late_writes:
      return faults().late_writes(1);
    case fault_kind::storms:
      return faults().storms(1);
    case fault_kind::resets:
      return faults().resets(1);
    case fault_kind::refused_connects:
      return faults().refused_connects(1);
    case fault_kind::timed_out_connects:
      return faults().timed_out_connects(1);
    case fault_kind::lost_connects:
      return faults().lost_connects(1);
    case fault_kind::unreachable_connects:
      return faults().unreachable_connects(1);
    case fault_kind::full_backlogs:
      return faults().full_backlogs(1);
    case fault_kind::failing_accepts:
      return faults().failing_accepts(1);
    case fault_kind::shuffled_turns:
      return faults().shuffled_turns();
    case fault_kind::lost_datagrams:
      return faults().lost_datagrams(1);
    case fault_kind::doubled_datagrams:
      return faults().doubled_datagrams(1);
    case fault_kind::reordered_datagrams:
      return faults().reordered_datagrams(1);
    case fault_kind::truncated_datagrams:
      return faults().truncated_datagrams(1);
  }
  throw std::invalid_argument("no such kind");
}

}  // namespace cetane::test
