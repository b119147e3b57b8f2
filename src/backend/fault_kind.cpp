#include <cetane/backend/fault_kind.hpp>

namespace cetane {
namespace {

constexpr bool in_order() {
  for (std::size_t i = 0; i < every_fault_kind.size(); ++i) {
    if (static_cast<std::size_t>(every_fault_kind[i]) != i) return false;
  }
  return true;
}
static_assert(in_order(), "every_fault_kind lists the enumerators in their order");

}  // namespace

std::string_view name_of(fault_kind kind) noexcept {
  switch (kind) {
    case fault_kind::latency:
      return "latency";
    case fault_kind::bandwidth:
      return "bandwidth";
    case fault_kind::buffers:
      return "buffers";
    case fault_kind::split_reads:
      return "split_reads";
    case fault_kind::short_writes:
      return "short_writes";
    case fault_kind::late_writes:
      return "late_writes";
    case fault_kind::storms:
      return "storms";
    case fault_kind::resets:
      return "resets";
    case fault_kind::refused_connects:
      return "refused_connects";
    case fault_kind::timed_out_connects:
      return "timed_out_connects";
    case fault_kind::lost_connects:
      return "lost_connects";
    case fault_kind::unreachable_connects:
      return "unreachable_connects";
    case fault_kind::full_backlogs:
      return "full_backlogs";
    case fault_kind::failing_accepts:
      return "failing_accepts";
    case fault_kind::shuffled_turns:
      return "shuffled_turns";
    case fault_kind::lost_datagrams:
      return "lost_datagrams";
    case fault_kind::doubled_datagrams:
      return "doubled_datagrams";
    case fault_kind::reordered_datagrams:
      return "reordered_datagrams";
    case fault_kind::truncated_datagrams:
      return "truncated_datagrams";
  }
  return {};
}

}  // namespace cetane
