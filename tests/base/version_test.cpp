#include <cetane/base/version.hpp>

#include <catch2/catch_test_macros.hpp>

namespace version_test {

using cetane::library_version;
using cetane::version;

TEST_CASE("library and headers of one build have one version", "[base][version]") {
  CHECK(library_version() == version());
}

TEST_CASE("versions print with dots and compare by their parts", "[base][version]") {
  CHECK(to_string(version{1, 20, 3}) == "1.20.3");
  CHECK(version{1, 20, 3} > version{1, 3, 20});
}

}  // namespace version_test
