#pragma once

#include <backend/sim_delivery.hpp>
#include <backend/sim_engine.hpp>
#include <backend/sim_grace.hpp>
#include <backend/sim_network.hpp>
#include <runtime/backend.hpp>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <sys/types.h>
#include <sys/uio.h>

namespace cetane::detail {

/// The output of streams: at once or, where that fault strikes, in the next poll.
///
/// A late write is the simulation's form of what io_uring does with small messages, and of the
/// races there: the stream is told that all was taken, and hears afterwards that there was no room,
/// or no connection any more. It is the one operation that the backend has under way for a stream;
/// everything else that is cancelled ends where it is, with unwatch().
class sim_writing {
 public:
  sim_writing(sim_engine& engine, sim_network& network, sim_delivery& delivery) noexcept
      : engine_(engine), network_(network), delivery_(delivery) {}

  ssize_t write(stream_io& stream, const iovec* parts, int count) noexcept;
  ssize_t write_soon(stream_io& stream, std::string_view bytes) noexcept;
  backend::unsent send_taken(stream_io& stream) noexcept;
  void flush() noexcept;

  /// Sends what was taken, and tells the streams what could not be sent: true if it told any.
  bool send_late() noexcept;

 private:
  struct letter {
    std::uint64_t to;  // the stream's tag
    std::string text;
    int error = 0;  // it cannot be sent any more
  };

  bool is_late(const stream_io& stream) noexcept;
  letter* find(const stream_io& stream) noexcept;
  void send(stream_io& stream, letter& one) noexcept;
  backend::unsent give_back(stream_io& stream, letter& one) noexcept;

  sim_engine& engine_;
  sim_network& network_;
  sim_delivery& delivery_;
  sim_grace interruptions_;
  std::vector<letter> letters_;  // in the order of the writes
  std::string given_back_;
};

}  // namespace cetane::detail
