#include "os/descriptor_limit.hpp"

#include <catch2/catch_test_macros.hpp>

#include <sys/resource.h>

namespace descriptor_limit_test {

namespace {

// Puts the limit back, so that a test changes nothing for the others.
class kept_limit {
 public:
  kept_limit() { REQUIRE(::getrlimit(RLIMIT_NOFILE, &limit_) == 0); }
  kept_limit(const kept_limit&) = delete;
  ~kept_limit() { ::setrlimit(RLIMIT_NOFILE, &limit_); }

  const rlimit& limit() const { return limit_; }

 private:
  rlimit limit_{};
};

}  // namespace

TEST_CASE("the descriptor limit is raised as far as it goes", "[os][descriptor_limit]") {
  const kept_limit before;
  const rlimit low{64, before.limit().rlim_max};
  REQUIRE(::setrlimit(RLIMIT_NOFILE, &low) == 0);

  CHECK(cetane::os::raise_descriptor_limit() == before.limit().rlim_max);

  rlimit now{};
  REQUIRE(::getrlimit(RLIMIT_NOFILE, &now) == 0);
  CHECK(now.rlim_cur == before.limit().rlim_max);
}

TEST_CASE("raising the limit twice changes nothing more", "[os][descriptor_limit]") {
  const kept_limit before;

  const std::size_t first = cetane::os::raise_descriptor_limit();

  CHECK(cetane::os::raise_descriptor_limit() == first);
}

}  // namespace descriptor_limit_test
