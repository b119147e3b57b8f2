#pragma once

#include <cetane/base/clock.hpp>
#include <cetane/base/literals.hpp>

#include <cstddef>

/// Everything that grows has a limit, and every limit has its default here.
namespace cetane {

// Reading.

/// Longest line, or text up to a mark, in bytes, the end included.
inline constexpr std::size_t default_line_limit = 64_KiB;
/// Most bytes that receive(n) may ask for.
inline constexpr std::size_t default_receive_limit = 16_MiB;
/// Most bytes that until_eof() collects.
inline constexpr std::size_t default_until_eof_limit = 16_MiB;

// Writing.

/// send() waits when more bytes than this are queued, until no more than the low mark are.
inline constexpr std::size_t default_output_high_mark = 64_KiB;
inline constexpr std::size_t default_output_low_mark = 16_KiB;
/// try_send() says false when more bytes than this would be queued.
inline constexpr std::size_t default_output_limit = 256_KiB;

// Descriptors that come with bytes, over a Unix socket.

/// Descriptors that a peer may have sent and nobody has taken yet. None: what is sent is closed.
inline constexpr std::size_t default_passed_descriptors = 0;
/// Descriptors that one message takes along (SCM_MAX_FD of the kernel, unix(7)).
inline constexpr std::size_t most_passed_descriptors = 253;

// Opening and closing.

/// For making a connection, the resolution of the name included.
inline constexpr duration default_connect_timeout = std::chrono::seconds(30);
/// When a host has several addresses: how long the next one waits while none has answered, and
/// what the program may say instead (RFC 8305).
inline constexpr duration default_attempt_delay = std::chrono::milliseconds(250);
inline constexpr duration shortest_attempt_delay = std::chrono::milliseconds(100);
inline constexpr duration longest_attempt_delay = std::chrono::seconds(2);
/// For a TLS handshake.
inline constexpr duration default_tls_timeout = std::chrono::seconds(10);
/// TLS sessions that a client keeps for its next handshakes.
inline constexpr std::size_t default_tls_sessions = 256;
/// Bytes that a peer may send before a TLS handshake is over.
inline constexpr std::size_t most_handshake_bytes = 128_KiB;
/// How long a closing connection waits for its peer to take some more of the output.
inline constexpr duration default_close_stall = std::chrono::seconds(10);
/// How long it then reads and drops what still comes, so that the peer is not reset.
inline constexpr duration default_close_linger = std::chrono::seconds(1);

// Serving.

/// Connections that wait to be accepted.
inline constexpr int default_backlog = 500;
/// Connections accepted in a row, before others have a turn.
inline constexpr std::size_t default_accepts_per_wake_up = 64;
/// A service takes as many connections as there may be descriptors, less these.
inline constexpr std::size_t descriptors_kept_free = 64;
/// How long handlers go on after a stop before they are cancelled.
inline constexpr duration default_drain = std::chrono::seconds(5);
/// How long cancelled handlers have for their clean-up and output.
inline constexpr duration default_clean_up = std::chrono::seconds(1);

// Datagrams.

/// Longest datagram that is received whole; the rest of a longer one is cut off. UDP has none that
/// is longer.
inline constexpr std::size_t default_datagram_limit = 64_KiB;
/// Sessions of a UDP service; the datagrams of further peers are dropped.
inline constexpr std::size_t default_udp_peers = 10000;
/// A session ends when its peer is silent for so long.
inline constexpr duration default_udp_idle = std::chrono::seconds(60);
/// What waits for a session to receive it; further datagrams are dropped.
inline constexpr std::size_t default_udp_waiting = 64;
inline constexpr std::size_t default_udp_waiting_bytes = 256_KiB;
/// What waits for all sessions of a service together.
inline constexpr std::size_t default_udp_waiting_in_all = 16_MiB;
/// Notes of datagrams that have not come to their place; the oldest go first.
inline constexpr std::size_t default_undelivered_limit = 64;

// Processes, threads and names.

/// Processes in which an application serves.
inline constexpr std::size_t most_processes = 1024;
/// Event loops on which an application serves, each on a thread of its own.
inline constexpr std::size_t most_workers = 256;
/// Messages of a cross_loop_fanout that wait for one loop; then its oldest go.
inline constexpr std::size_t default_cross_loop_limit = 65536;
/// Sockets that a program takes over from who has started it.
inline constexpr std::size_t most_inherited_sockets = 1024;
/// How long a process that is started to take another's place may take until it serves.
inline constexpr duration default_restart_limit = std::chrono::seconds(30);

/// Threads for blocking calls, or the number of cores and 4, if that is less.
inline constexpr std::size_t most_offload_threads = 32;
/// Calls that wait for one of them; then thread() waits.
inline constexpr std::size_t default_offload_waiting = 1024;
/// Calls that wait in a loop's mailbox; then post() says false.
inline constexpr std::size_t default_mailbox_limit = 65536;
/// Names remembered with their addresses, and for how long.
inline constexpr std::size_t default_name_cache_entries = 1000;
inline constexpr duration default_name_cache_age = std::chrono::seconds(60);
/// Addresses of a name, of each family; more are left out.
inline constexpr std::size_t most_name_addresses = 32;

// Servers in the manner of Python's socketserver.

/// Handler threads of a threading server; then it rests until one ends.
inline constexpr std::size_t default_server_threads = 1000;
/// Child processes of a forking server; then it rests until one ends.
inline constexpr std::size_t default_server_children = 40;
/// Longest datagram that such a server takes; the rest of a longer one is cut off.
inline constexpr std::size_t default_packet_size = 8_KiB;

// Between tasks.

/// Items in a queue, unless it is said to be unbounded.
inline constexpr std::size_t default_queue_limit = 1024;
/// Messages that wait for a subscriber; then the oldest is dropped.
inline constexpr std::size_t default_fanout_limit = 1024;
/// Items of a dispatcher that nobody has taken; then dispatch() says false.
inline constexpr std::size_t default_dispatcher_limit = 1024;
/// Objects that a pool keeps while nobody uses them, and those that are in use at a time.
inline constexpr std::size_t default_pool_idle = 5;
inline constexpr std::size_t default_pool_open = 100;
/// How long a connection pool keeps a connection that nobody uses.
inline constexpr duration default_pool_idle_timeout = std::chrono::seconds(30);

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
  std::size_t passed_descriptors =
      default_passed_descriptors;  ///< of a Unix socket, from its start
};

/// The limits of a datagram socket. The three for its output are those of a connection: datagrams
/// are queued only while the system takes none.
struct udp_limits {
  std::size_t datagram_bytes = default_datagram_limit;
  std::size_t waiting_datagrams = default_udp_waiting;
  std::size_t waiting_bytes = default_udp_waiting_bytes;
  std::size_t waiting_in_all_bytes = default_udp_waiting_in_all;
  std::size_t output_high_bytes = default_output_high_mark;
  std::size_t output_low_bytes = default_output_low_mark;
  std::size_t output_bytes = default_output_limit;
};

/// What a loop remembers of names.
struct name_limits {
  std::size_t entries = default_name_cache_entries;
  duration age = default_name_cache_age;
};

/// The limits of a service.
struct service_limits {
  connection_limits connection;
  udp_limits udp;
  std::size_t max_connections = 0;  ///< 0: the descriptor limit less descriptors_kept_free
  int backlog = default_backlog;
  std::size_t accepts_per_wake_up = default_accepts_per_wake_up;
  duration drain = default_drain;
  duration clean_up = default_clean_up;
};

}  // namespace cetane
