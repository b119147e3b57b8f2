// says: send takes text, a chunk, or a contiguous range of bytes
#include <cetane/coro/task.hpp>
#include <cetane/net/connection.hpp>

#include <string>

struct greeting {
  std::string text;
};

cetane::task<> reply(cetane::connection& peer, greeting hello) {
#ifdef MISTAKE
  co_await peer.send(hello);
#else
  co_await peer.send(hello.text);
#endif
}
