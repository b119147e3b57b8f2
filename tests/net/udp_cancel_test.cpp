// Conversations in datagrams that are cancelled at every moment leave nothing behind.

#include <net/udp_fixture.hpp>

#include <cetane/conc/all.hpp>
#include <cetane/conc/timeout.hpp>

#include <unistd.h>

namespace udp_cancel_test {

using namespace cetane;
using namespace cetane::test;

namespace {

task<> answer(udp_socket& at, int count) {
  for (int i = 0; i < count; ++i) {
    const datagram asked = co_await at.receive();
    co_await at.send(asked.from, "you said ", asked);
  }
}

task<> ask(const address& of, int count) {
  udp_peer client = co_await connect_udp(of);
  for (int i = 0; i < count; ++i) {
    co_await client.send(std::to_string(i));
    co_await hears(client, "you said " + std::to_string(i));
  }
}

task<> fill(udp_socket& from, const address& to, int count) {
  for (int i = 0; i < count; ++i) co_await from.send(to, std::string(20'000, 'x'));
}

task<> drain(udp_socket& at, int count) {
  for (int i = 0; i < count; ++i) co_await at.receive();
}

}  // namespace

TEST_CASE("questions and answers that are cancelled anywhere leave nothing", "[net][udp][cancel]") {
  cancel_everywhere([](stage& on) -> task<> {
    const stage::presence here(on);
    udp_socket server = any_socket();
    co_await all(answer(server, 4), ask(server.local(), 2), ask(server.local(), 2));
  });
}

TEST_CASE("senders that wait for room and are cancelled anywhere leave nothing",
          "[net][udp][cancel]") {
  cancel_everywhere([](stage& on) -> task<> {
    const stage::presence here(on);
    const auto name = [](const char* part) {
      return address::unix_path(fmt::format("@cetane-udp-cancel-{}-{}", part, ::getpid()));
    };
    udp_socket server = udp_socket::bind(name("server"));
    udp_socket client = udp_socket::bind(name("client"));
    udp_limits narrow;
    narrow.output_high_bytes = 40'000;
    narrow.output_bytes = 50'000;
    client.limits(narrow);
    co_await all(fill(client, server.local(), 14), fill(client, server.local(), 14),
                 drain(server, 28));
  });
}

}  // namespace udp_cancel_test
