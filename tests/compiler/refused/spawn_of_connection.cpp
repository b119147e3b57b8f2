// says: spawn and fork cannot keep a handler's connection alive
#include <cetane/conc/spawn.hpp>

#include <cetane/net/connection.hpp>

cetane::task<> work(cetane::connection&) { co_return; }

cetane::task<> handler(cetane::connection& peer) {
#ifdef MISTAKE
  cetane::spawn(work, peer);
#else
  co_await work(peer);
#endif
  co_return;
}
