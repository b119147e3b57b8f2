// says: quickstart takes a service over: write std::move(service)
#include <cetane/app/quickstart.hpp>

cetane::task<> serve(cetane::connection&) { co_return; }

int start(int argc, char** argv) {
  cetane::service s(serve, 8013);
#ifdef MISTAKE
  return cetane::quickstart(argc, argv, s);
#else
  return cetane::quickstart(argc, argv, std::move(s));
#endif
}
