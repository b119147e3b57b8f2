// says: to send a number write print
// PIPE-3: what is no text cannot be sent.
#include <cetane/net/connection.hpp>

bool tell(cetane::connection& peer) {
#ifdef MISTAKE
  return peer.try_send("you are number ", 5);
#else
  return peer.try_send("you are number ", "5");
#endif
}
