// says: a udp_session_service's handler is a coroutine `cetane::task<> handler(cetane::udp_peer&
// peer, state&...)`
#include <cetane/app/udp_service.hpp>

#ifdef MISTAKE
cetane::task<> serve(cetane::udp_socket&) { co_return; }
#else
cetane::task<> serve(cetane::udp_peer&) { co_return; }
#endif

cetane::service make() { return cetane::udp_session_service(serve, 8013); }
