// says: the handler takes a reference, and what the service is given would have to be converted for
// it
#include <cetane/app/service.hpp>

#ifdef MISTAKE
cetane::task<> serve(cetane::connection&, const double&) { co_return; }
#else
cetane::task<> serve(cetane::connection&, double) { co_return; }
#endif

cetane::service make() { return cetane::service(serve, 8013, 1); }
