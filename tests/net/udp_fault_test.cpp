// Datagrams on a simulated network: what is lost, doubled, late or cut is drawn from the seed, the
// same in each run, and counted.

#include <net/udp_fixture.hpp>

#include <cetane/backend/fault_kind.hpp>
#include <cetane/conc/timeout.hpp>

#include <algorithm>
#include <set>

namespace udp_fault_test {

using namespace cetane;
using namespace cetane::test;

namespace {

constexpr int sent = 400;

struct outcome {
  std::vector<std::string> heard;
  int cut = 0;
  std::uint64_t met = 0;
  std::uint64_t trace = 0;
};

// What comes of so many datagrams where one kind of fault strikes.
outcome play(fault_kind kind, double share, std::uint64_t seed = test_seed()) {
  udp_fixture on(make_sim_backend(sim_options(seed).set_share(kind, share)));
  outcome out;
  on.run([&]() -> task<> {
    udp_socket here = any_socket();
    udp_socket there = any_socket();
    for (int i = 0; i < sent; ++i) {
      there.send(here.local(), fmt::format("number {}", i));
      co_await sleep(100us);
      while (auto one = co_await move_on_after(0s, here.receive())) {
        if (one->truncated) ++out.cut;
        out.heard.emplace_back(one->view());
      }
    }
    while (auto one = co_await move_on_after(1s, here.receive())) {
      if (one->truncated) ++out.cut;
      out.heard.emplace_back(one->view());
    }
  });
  out.met = simulation::of(on.loop).faults_met(kind);
  out.trace = simulation::of(on.loop).trace_hash();
  return out;
}

int number_of(const std::string& text) { return std::stoi(text.substr(text.find(' '))); }

}  // namespace

TEST_CASE("datagrams are lost as often as it is said", "[net][udp][faults][not-epoll]") {
  const outcome some = play(fault_kind::lost_datagrams, 0.25);
  REQUIRE(some.heard.size() + some.met == sent);
  REQUIRE(some.met > sent / 8);
  REQUIRE(some.met < sent / 2);
  REQUIRE(play(fault_kind::lost_datagrams, 1).heard.empty());
  REQUIRE(play(fault_kind::lost_datagrams, 0).heard.size() == sent);
}

TEST_CASE("datagrams come twice", "[net][udp][faults][not-epoll]") {
  const outcome some = play(fault_kind::doubled_datagrams, 0.25);
  REQUIRE(some.met > sent / 8);
  REQUIRE(some.heard.size() == sent + some.met);
  const std::set<std::string> different(some.heard.begin(), some.heard.end());
  REQUIRE(different.size() == sent);
}

TEST_CASE("datagrams overtake each other, and all come", "[net][udp][faults][not-epoll]") {
  const auto in_order = [](const outcome& of) {
    return std::is_sorted(of.heard.begin(), of.heard.end(),
                          [](const auto& a, const auto& b) { return number_of(a) < number_of(b); });
  };
  const outcome some = play(fault_kind::reordered_datagrams, 0.25);
  REQUIRE(some.heard.size() == sent);
  REQUIRE_FALSE(in_order(some));
  REQUIRE(in_order(play(fault_kind::reordered_datagrams, 0)));
}

TEST_CASE("datagrams come without their end, and say so", "[net][udp][faults][not-epoll]") {
  const outcome some = play(fault_kind::truncated_datagrams, 0.25);
  REQUIRE(some.heard.size() == sent);
  REQUIRE(some.cut > 0);
  REQUIRE(static_cast<std::uint64_t>(some.cut) == some.met);
}

TEST_CASE("what happens to datagrams is the same again from the seed",
          "[net][udp][faults][not-epoll]") {
  const outcome once = play(fault_kind::reordered_datagrams, 0.5, 7);
  const outcome again = play(fault_kind::reordered_datagrams, 0.5, 7);
  const outcome other = play(fault_kind::reordered_datagrams, 0.5, 8);
  REQUIRE(once.heard == again.heard);
  REQUIRE(once.trace == again.trace);
  REQUIRE(once.heard != other.heard);
}

}  // namespace udp_fault_test
