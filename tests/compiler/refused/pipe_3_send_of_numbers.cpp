// says: send takes ranges of bytes; of larger elements the byte order is unknown
#include <cetane/coro/task.hpp>
#include <cetane/net/connection.hpp>

#include <cstdint>
#include <span>
#include <vector>

cetane::task<> reply(cetane::connection& peer, std::vector<std::uint16_t> numbers) {
#ifdef MISTAKE
  co_await peer.send(numbers);
#else
  co_await peer.send(std::as_bytes(std::span(numbers)));
#endif
}
