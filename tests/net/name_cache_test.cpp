#include "net/name_cache.hpp"

#include <catch2/catch_test_macros.hpp>

#include <string>
#include <vector>

namespace name_cache_test {

using namespace cetane;
using namespace std::chrono_literals;

namespace {

const time_point start{1000s};

std::vector<address> at(const char* ip) { return {address::parse_ip(ip, 0).value()}; }

}  // namespace

TEST_CASE("a name is remembered until it is too old", "[net][name_cache]") {
  detail::name_cache names(10, 60s);
  CHECK(names.find("a.example", start) == nullptr);

  names.keep("a.example", at("10.0.0.1"), start);

  const auto* found = names.find("a.example", start + 60s - 1ns);
  REQUIRE(found != nullptr);
  CHECK(*found == at("10.0.0.1"));
  CHECK(names.find("b.example", start) == nullptr);
  CHECK(names.find("a.example", start + 60s) == nullptr);
  CHECK(names.size() == 0);
}

TEST_CASE("a full cache gives up its oldest name for a new one", "[net][name_cache]") {
  detail::name_cache names(3, 60s);
  for (int i = 0; i < 4; ++i)
    names.keep("host" + std::to_string(i), at("10.0.0.1"), start + i * 1s);

  CHECK(names.size() == 3);
  CHECK(names.find("host0", start + 4s) == nullptr);
  for (const char* kept : {"host1", "host2", "host3"})
    CHECK(names.find(kept, start + 4s) != nullptr);
}

TEST_CASE("a name that was looked up twice at once keeps its first answer", "[net][name_cache]") {
  detail::name_cache names(3, 60s);
  names.keep("a.example", at("10.0.0.1"), start);
  names.keep("a.example", at("10.0.0.2"), start + 1s);

  const auto* found = names.find("a.example", start + 2s);
  REQUIRE(found != nullptr);
  CHECK(*found == at("10.0.0.1"));
  CHECK(names.size() == 1);
  CHECK(names.find("a.example", start + 60s) == nullptr);
}

TEST_CASE("a name comes back after it was too old", "[net][name_cache]") {
  detail::name_cache names(3, 60s);
  names.keep("a.example", at("10.0.0.1"), start);
  names.keep("a.example", at("10.0.0.2"), start + 2min);

  const auto* found = names.find("a.example", start + 2min);
  REQUIRE(found != nullptr);
  CHECK(*found == at("10.0.0.2"));
}

}  // namespace name_cache_test
