// One tls_context on several event loops, each on a thread of its own.
#include <app/crowd.hpp>
#include <support/expect.hpp>
#include <tls/test_certificates.hpp>

#include <cetane/tls/tls.hpp>

#include <atomic>
#include <cstdint>
#include <filesystem>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace tls_workers_test {

using namespace cetane;
using namespace cetane::test;
using Catch::Matchers::ContainsSubstring;

namespace {

tls_context server_of(const certificates::files& own) {
  return tls_context::server(own.certificate, own.key);
}
tls_context trusting() {
  return tls_context::client().trust(certificates::authority().certificate);
}

void replace(const certificates::files& old, const certificates::files& by) {
  using std::filesystem::copy_options;
  std::filesystem::copy_file(by.certificate, old.certificate, copy_options::overwrite_existing);
  std::filesystem::copy_file(by.key, old.key, copy_options::overwrite_existing);
}

/// A client that has heard on which thread it is served.
struct guest {
  guest(connection own, int number) : line(std::move(own)), thread(number) {}

  connection line;
  int thread;
};

task<guest> enter(const service& of, tls_context context) {
  connection line = co_await connect_to(of).tls(context);
  const std::string said = co_await line.until_eol();
  co_return guest(std::move(line), number_from(said));
}

// As often as it takes to have been on each loop.
task<> come_and_go(int port, tls_context& context, std::atomic<int>& resumed,
                   std::atomic<int>& full, std::atomic<int>& over) {
  const scope_exit end([&over] { ++over; });
  for (int i = 0; i < 12; ++i) {
    connection peer = co_await connect("127.0.0.1", static_cast<std::uint16_t>(port)).tls(context);
    ++(tls_facts_of(peer)->resumed ? resumed : full);
    (void)co_await peer.until_eol();
    co_await peer.send("bye\n");
    (void)co_await peer.until_eof();
  }
}

}  // namespace

TEST_CASE("a service over TLS serves on all event loops", "[tls][workers][not-sim]") {
  crowd test(3);
  const service& s = test.app.add_service(
      service(tell_thread, 0, std::ref(test.threads)).tls(server_of(certificates::localhost())));
  std::map<int, int> on_thread;

  const int status = test.run([&]() -> task<> {
    const tls_context client = trusting();
    std::vector<guest> in;
    for (int i = 0; i < 9; ++i) {
      in.push_back(co_await enter(s, client));
      ++on_thread[in.back().thread];
    }
  });

  REQUIRE(status == 0);
  REQUIRE(on_thread == std::map<int, int>{{0, 3}, {1, 3}, {2, 3}});
}

TEST_CASE("a session that began on one loop is resumed on another", "[tls][workers][not-sim]") {
  crowd test(3);
  const service& s = test.app.add_service(
      service(tell_thread, 0, std::ref(test.threads)).tls(server_of(certificates::localhost())));
  std::set<int> threads;

  const int status = test.run([&]() -> task<> {
    const tls_context client = trusting();
    std::vector<guest> in;
    for (int i = 0; i < 3; ++i) {
      in.push_back(co_await enter(s, client));
      threads.insert(in.back().thread);
      CHECK(tls_facts_of(in.back().line)->resumed == (i != 0));
    }
  });

  REQUIRE(status == 0);
  REQUIRE(threads.size() == 3);
}

TEST_CASE("a new certificate is shown by all loops, and nobody is cut off",
          "[tls][workers][not-sim]") {
  certificates::wanted as;
  as.name = "first";
  const certificates::files own = certificates::make(as);
  tls_context server = server_of(own);
  crowd test(3);
  const service& s =
      test.app.add_service(service(tell_thread, 0, std::ref(test.threads)).tls(server));
  std::set<int> threads;

  const int status = test.run([&]() -> task<> {
    const tls_context client = trusting();
    std::vector<guest> old;
    for (int i = 0; i < 3; ++i) old.push_back(co_await enter(s, client));
    as.name = "renewed";
    replace(own, certificates::make(as));
    server.reload();
    std::vector<guest> fresh;
    for (int i = 0; i < 3; ++i) {
      fresh.push_back(co_await enter(s, trusting()));
      threads.insert(fresh.back().thread);
      CHECK(tls_facts_of(fresh.back().line)->peer == "CN=renewed");
    }
    for (guest& each : old) {
      CHECK(tls_facts_of(each.line)->peer == "CN=first");
      co_await each.line.send("bye\n");
      const std::string rest = co_await each.line.until_eof();
      CHECK(rest.empty());
    }
  });

  REQUIRE(status == 0);
  REQUIRE(threads.size() == 3);
}

TEST_CASE("clients on all loops share sessions while certificates are read again",
          "[tls][workers][not-sim]") {
  tls_context server = server_of(certificates::localhost());
  tls_context client = trusting();
  std::atomic<int> resumed = 0;
  std::atomic<int> full = 0;
  std::atomic<int> over = 0;
  crowd test(3);
  const service& s =
      test.app.add_service(service(tell_thread, 0, std::ref(test.threads)).tls(server));

  const int status = test.run([&]() -> task<> {
    test.app
        .add_task(come_and_go, int{s.port()}, std::ref(client), std::ref(resumed), std::ref(full),
                  std::ref(over))
        .on_each_loop();
    while (over < 3) {
      server.reload();
      co_await sleep(2ms);
    }
  });

  REQUIRE(status == 0);
  REQUIRE(resumed + full == 36);
  REQUIRE(full > 0);
  REQUIRE(test.log.of(log::level::error).empty());
}

}  // namespace tls_workers_test
