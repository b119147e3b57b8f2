// says: with one parameter for each further argument of the service
#include <cetane/app/service.hpp>

#include <string>

cetane::task<> serve(cetane::connection&, const std::string&) { co_return; }

cetane::service make() {
#ifdef MISTAKE
  return cetane::service(serve, 8013, 1);
#else
  return cetane::service(serve, 8013, "one");
#endif
}
