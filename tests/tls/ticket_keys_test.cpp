// Keys of session tickets: how long one is good, and who has it.
#include <tls/ticket_keys.hpp>

#include <catch2/catch_test_macros.hpp>

#include <chrono>
#include <optional>
#include <string_view>

namespace tls_ticket_keys_test {

using namespace std::chrono_literals;
using detail_keys = cetane::detail::ticket_keys;
using key = detail_keys::key;

const detail_keys::clock::time_point start{1000h};

std::string_view name_of(const key& of) {
  return {reinterpret_cast<const char*>(of.name.data()), of.name.size()};
}

TEST_CASE("a key makes tickets for two hours, and takes them for two hours more", "[tls]") {
  detail_keys keys(start);
  const key first = keys.newest(start);
  CHECK(keys.newest(start + 2h - 1ns).name == first.name);

  const key second = keys.newest(start + 2h);
  CHECK(second.name != first.name);
  CHECK(second.cipher != first.cipher);
  CHECK(second.mac != first.mac);
  const std::optional<key> before = keys.find(name_of(first), start + 4h - 1ns);
  REQUIRE(before);
  CHECK(before->cipher == first.cipher);
  CHECK(before->mac == first.mac);
  CHECK_FALSE(keys.find(name_of(first), start + 4h));
}

TEST_CASE("after a long silence no old key is left", "[tls]") {
  detail_keys keys(start);
  const key first = keys.newest(start);
  CHECK_FALSE(keys.find(name_of(first), start + 24h * 365));
}

TEST_CASE("processes that were forked have the same keys later, too", "[tls]") {
  detail_keys master(start);
  detail_keys worker(master);
  const key of_worker = worker.newest(start + 9h);
  const std::optional<key> of_master = master.find(name_of(of_worker), start + 11h);
  REQUIRE(of_master);
  CHECK(of_master->cipher == of_worker.cipher);
  CHECK(of_master->mac == of_worker.mac);
}

TEST_CASE("two servers have nothing in common", "[tls]") {
  detail_keys one(start);
  detail_keys other(start);
  CHECK_FALSE(one.find(name_of(other.newest(start)), start));
}

TEST_CASE("a name of another length is no key's", "[tls]") {
  detail_keys keys(start);
  const key first = keys.newest(start);
  CHECK_FALSE(keys.find(name_of(first).substr(1), start));
  CHECK_FALSE(keys.find({}, start));
}

}  // namespace tls_ticket_keys_test
