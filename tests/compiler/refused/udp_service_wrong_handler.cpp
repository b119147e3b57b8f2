// says: a udp_service's handler is a coroutine `cetane::task<> handler(cetane::udp_socket& socket,
// state&...)`
#include <cetane/app/udp_service.hpp>

#ifdef MISTAKE
cetane::task<> serve() { co_return; }
#else
cetane::task<> serve(cetane::udp_socket&) { co_return; }
#endif

cetane::service make() { return cetane::udp_service(serve, 8013); }
