#pragma once

#include <cetane/base/config.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace cetane {

/// What can go wrong on a simulated network, each kind drawn by dice of its own: leaving one out
/// does not change what is drawn for the others.
enum class fault_kind : std::uint8_t {
  latency,               ///< everything takes its time
  bandwidth,             ///< so many bytes a second and no more
  buffers,               ///< the buffers of both ends are small
  split_reads,           ///< what was sent arrives in pieces
  short_writes,          ///< a write takes less than there is room for
  late_writes,           ///< a write takes all, and finds out in the next poll how much it can send
  storms,                ///< calls that find nothing or no room, or are interrupted, for no reason
  resets,                ///< an established connection breaks
  refused_connects,      ///< nobody listens, so it is said
  timed_out_connects,    ///< the system gives up after 127 s
  lost_connects,         ///< no answer, ever
  unreachable_connects,  ///< no way there, the system says after 3 s
  full_backlogs,      ///< a listener has no place left; the client asks again after 1, 3, 7, ... s
  failing_accepts,    ///< accept finds no descriptor or no memory left, or a client that has gone
  shuffled_turns,     ///< tasks that are ready, and sockets, have their turns in any order
  lost_datagrams,     ///< datagrams that are lost
  doubled_datagrams,  ///< datagrams that come twice
  reordered_datagrams,  ///< datagrams that come later than others which leave after them
  truncated_datagrams,  ///< datagrams that come without their end
};

inline constexpr std::array every_fault_kind{
    fault_kind::latency,
    fault_kind::bandwidth,
    fault_kind::buffers,
    fault_kind::split_reads,
    fault_kind::short_writes,
    fault_kind::late_writes,
    fault_kind::storms,
    fault_kind::resets,
    fault_kind::refused_connects,
    fault_kind::timed_out_connects,
    fault_kind::lost_connects,
    fault_kind::unreachable_connects,
    fault_kind::full_backlogs,
    fault_kind::failing_accepts,
    fault_kind::shuffled_turns,
    fault_kind::lost_datagrams,
    fault_kind::doubled_datagrams,
    fault_kind::reordered_datagrams,
    fault_kind::truncated_datagrams,
};

/// Whether a kind is about datagrams, and no other's business.
[[nodiscard]] constexpr bool strikes_datagrams(fault_kind kind) noexcept {
  return kind >= fault_kind::lost_datagrams;
}

/// As the enumerator is spelled: "split_reads".
[[nodiscard]] CETANE_API std::string_view name_of(fault_kind kind) noexcept;

}  // namespace cetane
