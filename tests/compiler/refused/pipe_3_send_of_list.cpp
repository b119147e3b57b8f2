// says: send takes text, a chunk, or a contiguous range of bytes
#include <cetane/coro/task.hpp>
#include <cetane/net/connection.hpp>

#include <list>
#include <string>

cetane::task<> reply(cetane::connection& peer, std::list<std::string> lines) {
#ifdef MISTAKE
  co_await peer.send(lines);
#else
  co_await peer.send(lines.front());
#endif
}
