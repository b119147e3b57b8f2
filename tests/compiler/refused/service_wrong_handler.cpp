// says: a service's handler is a coroutine `cetane::task<> handler(cetane::connection& peer,
// state&...)`
#include <cetane/app/service.hpp>

#ifdef MISTAKE
cetane::task<> serve(cetane::connection) { co_return; }
#else
cetane::task<> serve(cetane::connection&) { co_return; }
#endif

cetane::service make() { return cetane::service(serve, 8013); }
