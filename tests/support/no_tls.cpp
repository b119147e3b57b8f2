// Where there is no OpenSSL.
#include "over_tls.hpp"

#include <stdexcept>

namespace cetane::test {

void make_secure(test_loop&, connection&, connection&) {
  throw std::logic_error("CETANE_TEST_OVER is tls, and this was built without OpenSSL");
}

}  // namespace cetane::test
