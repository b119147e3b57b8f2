// says: with one parameter for each further argument of the service
#include <cetane/app/udp_service.hpp>

cetane::task<> serve(cetane::udp_socket&, int) { co_return; }

cetane::service make() {
#ifdef MISTAKE
  return cetane::udp_service(serve, 8013);
#else
  return cetane::udp_service(serve, 8013, 1);
#endif
}
