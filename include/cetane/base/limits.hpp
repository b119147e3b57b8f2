#pragma once

#include <cetane/base/clock.hpp>
#include <cetane/base/literals.hpp>

#include <cstddef>

namespace cetane {

// Everything that grows has a limit, and every limit has its default here.

// Reading.
inline constexpr std::size_t default_line_limit = 64_KiB;       ///< until, until_eol, next_line: bytes, the end included
inline constexpr std::size_t default_receive_limit = 16_MiB;    ///< receive(n): bytes
inline constexpr std::size_t default_until_eof_limit = 16_MiB;  ///< until_eof: bytes

// Writing.
inline constexpr std::size_t default_output_high_mark = 64_KiB;  ///< send waits while more bytes than this are queued
inline constexpr std::size_t default_output_low_mark = 16_KiB;   ///< ... until no more than these are
inline constexpr std::size_t default_output_limit = 256_KiB;     ///< try_send says no beyond these bytes

// Opening and closing.
inline constexpr duration default_connect_timeout = std::chrono::seconds(30);   ///< the name's resolution included
inline constexpr duration default_tls_timeout = std::chrono::seconds(10);       ///< the handshake
inline constexpr duration default_close_stall = std::chrono::seconds(10);       ///< a closing peer must take something this often
inline constexpr duration default_close_linger = std::chrono::seconds(1);       ///< read and drop after our end was sent

// Serving.
inline constexpr int default_backlog = 500;                      ///< connections that wait to be accepted
inline constexpr std::size_t default_accepts_per_wake_up = 64;   ///< then others have a turn
inline constexpr std::size_t descriptors_kept_free = 64;         ///< of the descriptor limit; the rest are connections
inline constexpr duration default_drain = std::chrono::seconds(5);     ///< after a stop, until handlers are cancelled
inline constexpr duration default_clean_up = std::chrono::seconds(1);  ///< ... and from there until the reset

// Threads and names.
inline constexpr std::size_t most_offload_threads = 32;               ///< or cores + 4, if that is less
inline constexpr std::size_t default_offload_waiting = 1024;          ///< calls; then thread() waits
inline constexpr std::size_t default_mailbox_limit = 65536;           ///< calls; then post() says false
inline constexpr std::size_t default_name_cache_entries = 1000;
inline constexpr duration default_name_cache_age = std::chrono::seconds(60);

// Between tasks.
inline constexpr std::size_t default_queue_limit = 1024;   ///< items; `unbounded` must be said
inline constexpr std::size_t default_fanout_limit = 1024;  ///< messages per subscriber; then the oldest is dropped
inline constexpr std::size_t default_udp_peers = 10000;    ///< sessions of one service

/// The limits of a connection. A service has one of these for all that it accepts.
struct connection_limits {
  std::size_t line_bytes = default_line_limit;
  std::size_t receive_bytes = default_receive_limit;
  std::size_t until_eof_bytes = default_until_eof_limit;
  std::size_t output_high_bytes = default_output_high_mark;
  std::size_t output_low_bytes = default_output_low_mark;
  std::size_t output_bytes = default_output_limit;
  duration close_stall = default_close_stall;
  duration close_linger = default_close_linger;
};

/// The limits of a service.
struct service_limits {
  connection_limits connection;
  std::size_t max_connections = 0;  ///< 0: the descriptor limit less `descriptors_kept_free`
  int backlog = default_backlog;
  std::size_t accepts_per_wake_up = default_accepts_per_wake_up;
  duration drain = default_drain;
  duration clean_up = default_clean_up;
};

}  // namespace cetane
