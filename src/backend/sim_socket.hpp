#pragma once

#include <cetane/os/address.hpp>

#include <cstdint>
#include <optional>
#include <string>

namespace cetane::detail {

class sim_host;

/// What a simulated descriptor stands for: a listener, one end of a connection, or a socket for
/// datagrams.
class sim_socket {
 public:
  /// What may be said of a socket, as poll(2) says it.
  enum condition : unsigned {
    input = 1U,    // something to read or to accept, or the end of it
    output = 2U,   // room for output, or a failure to report to who tries
    hang_up = 4U,  // the peer ended its output, or the connection is gone
    failure = 8U,  // an error nobody has asked for yet
  };

  enum class kind : std::uint8_t { listener, stream, datagram };

  sim_socket(const sim_socket&) = delete;
  sim_socket& operator=(const sim_socket&) = delete;
  virtual ~sim_socket() = default;

  /// The conditions that hold now.
  virtual unsigned conditions() const noexcept = 0;

  /// Its owner has been told and has perhaps read: tell the peer, if that is news.
  virtual void delivered() {}

  /// What it is called in the log.
  virtual std::string name() const = 0;

  /// The descriptor is closed.
  virtual void close(bool reset) = 0;

  /// Its machine has lost its power: it says nothing any more.
  virtual void vanish() noexcept = 0;

  const kind type;
  sim_host* host = nullptr;          // whose socket it is; of a connection's end, once it is known
  bool marked = false;               // the engine has it on its list
  bool startled = false;             // an event without a cause: its owner finds nothing
  std::optional<std::uint64_t> tag;  // of the object that watches it
  address local;
  std::optional<address> address_held;  // given back when the descriptor is closed

 protected:
  explicit sim_socket(kind k) noexcept : type(k) {}
};

}  // namespace cetane::detail
