// says: send takes text and bytes; to send a number write print("{}", number)
#include <cetane/coro/task.hpp>
#include <cetane/net/connection.hpp>

cetane::task<> reply(cetane::connection& peer, int number) {
#ifdef MISTAKE
  co_await peer.send(number);
#else
  co_await peer.print("{}", number);
#endif
}
