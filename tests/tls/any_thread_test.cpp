// What the handshakes of several loops share, used by several threads at once. A race shows under
// ThreadSanitizer; in a whole handshake OpenSSL's own locks would hide it.
#include <tls/session_cache.hpp>
#include <tls/ticket_keys.hpp>

#include <catch2/catch_test_macros.hpp>

#include <atomic>
#include <chrono>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace tls_any_thread_test {

using namespace cetane;

template <class Work>
void on_threads(int count, Work work) {
  std::vector<std::thread> all;
  for (int i = 0; i < count; ++i) all.emplace_back(work, i);
  for (std::thread& each : all) each.join();
}

TEST_CASE("a client's sessions are for any thread, and one of TLS 1.3 for one of them",
          "[tls][workers]") {
  detail::session_cache cache(4);
  std::atomic<int> kept = 0;
  std::atomic<int> taken = 0;
  on_threads(3, [&](int number) {
    for (int i = 0; i < 1000; ++i) {
      detail::ssl_session_ptr fresh(SSL_SESSION_new());
      SSL_SESSION_set_protocol_version(fresh.get(), TLS1_3_VERSION);
      const unsigned char id[] = {1};
      SSL_SESSION_set1_id(fresh.get(), id, 1);
      cache.keep(std::to_string((number + i) % 6), std::move(fresh));
      ++kept;
      if (cache.take(std::to_string(i % 6))) ++taken;
    }
  });
  for (int i = 0; i < 6; ++i) {
    if (cache.take(std::to_string(i))) ++taken;
    CHECK_FALSE(cache.take(std::to_string(i)));
  }
  CHECK(taken > 0);
  CHECK(taken <= kept);
}

TEST_CASE("all threads see the same keys of tickets, whoever makes the next", "[tls][workers]") {
  using std::chrono::hours;
  const auto begin = detail::ticket_keys::clock::now();
  detail::ticket_keys keys(begin);
  detail::ticket_keys alone(keys);
  std::atomic<int> found = 0;
  on_threads(3, [&](int) {
    for (int i = 0; i < 200; ++i) {
      const auto now = begin + hours(i);
      const detail::ticket_keys::key newest = keys.newest(now);
      const std::string name(newest.name.begin(), newest.name.end());
      if (keys.find(name, now)) ++found;
    }
  });
  CHECK(found > 0);
  const auto end = begin + hours(200);
  CHECK(keys.newest(end).name == alone.newest(end).name);
}

}  // namespace tls_any_thread_test
