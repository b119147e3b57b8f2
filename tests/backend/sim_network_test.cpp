// What only a simulated network can show: full backlogs, segments, buffers to the byte.

#include "fake_io.hpp"

#include <cetane/backend/sim.hpp>

#include <catch2/generators/catch_generators.hpp>

#include <cerrno>
#include <chrono>
#include <memory>
#include <set>
#include <string>
#include <vector>

namespace sim_network_test {

using namespace cetane;
using namespace cetane::test;
using namespace std::chrono_literals;

namespace {

detail::listen_request backlog_of(int backlog) {
  detail::listen_request request;
  request.backlog = backlog;
  return request;
}

const address any_port = *address::parse_ip("127.0.0.1", 0);

}  // namespace

TEST_CASE("a write takes what the send buffer holds, and no more", "[backend][sim][not-epoll]") {
  event_loop loop(make_sim_backend(sim_options().set_capacity(1000)));
  connected_pair pair(loop);
  pair.server.set_reading(false);

  REQUIRE(pair.client.write(std::string(600, 'a')) == 600);
  REQUIRE(pair.client.write(std::string(600, 'b')) == 400);
  REQUIRE(pair.client.write("c") == -EAGAIN);
  REQUIRE(pair.client.unsent() == 1000);

  run_until(loop, [&] { return pair.client.writables == 1; });  // the receiver's buffer has it now
  settle(loop);
  REQUIRE(pair.client.unsent() == 0);
  REQUIRE(pair.client.write(std::string(2000, 'c')) == 1000);
  settle(loop);
  REQUIRE(pair.client.unsent() == 1000);
  REQUIRE(pair.client.write("d") == -EAGAIN);

  pair.server.set_reading(true);
  run_until(loop, [&] { return pair.server.data.size() == 2000; });
  REQUIRE(pair.server.data ==
          std::string(600, 'a') + std::string(400, 'b') + std::string(1000, 'c'));
}

TEST_CASE("the end counts as one byte that the peer has to acknowledge",
          "[backend][sim][not-epoll]") {
  event_loop loop(make_sim_backend());
  connected_pair pair(loop);
  REQUIRE(pair.client.write("four") == 4);
  REQUIRE(pair.client.end_output() == 0);

  REQUIRE(pair.client.unsent() == 5);
  run_until(loop, [&] { return pair.client.unsent() == 0; });
  REQUIRE(pair.server.ends.size() == 1);
}

TEST_CASE("a writer is called when a third of its buffer is free, not before",
          "[backend][sim][not-epoll]") {
  event_loop loop(make_sim_backend(
      sim_options().set_capacity(900).set_segment(100, 100).set_latency(1ms, 1ms)));
  connected_pair pair(loop);
  settle(loop);
  pair.server.set_reading(false);
  (void)pair.client.fill();
  settle(loop);
  (void)pair.client.fill();  // both buffers are full
  settle(loop);
  REQUIRE(pair.client.writables == 1);

  // The receiver reads in one go and room for 900 bytes is announced; their arrival is
  // acknowledged.
  pair.server.set_reading(true);
  run_until(loop, [&] { return pair.client.writables == 2; });
  REQUIRE(pair.client.unsent() <= 600);
}

TEST_CASE("bytes of one write travel in segments of the given sizes, in order",
          "[backend][sim][not-epoll]") {
  event_loop loop(
      make_sim_backend(sim_options(test_seed()).set_segment(1, 7).set_latency(0ns, 1ms)));
  connected_pair pair(loop);
  std::string sent;
  for (int i = 0; i < 500; ++i) sent += std::to_string(i) + ",";
  std::size_t calls = 0;
  pair.server.hook = [&] { ++calls; };

  REQUIRE(pair.client.write(sent) == static_cast<ssize_t>(sent.size()));
  run_until(loop, [&] { return pair.server.data.size() == sent.size(); });

  REQUIRE(pair.server.data == sent);
  REQUIRE(calls >= sent.size() / 7);
  REQUIRE(calls < sent.size());
}

TEST_CASE("segments of one byte through buffers of one byte carry everything, and the end",
          "[backend][sim][not-epoll]") {
  event_loop loop(make_sim_backend(sim_options().set_capacity(1).set_segment(1, 1)));
  connected_pair pair(loop);
  std::string_view left = "every byte of it";
  const auto send_more = [&] {
    while (!left.empty() && pair.client.write(left) > 0) left.remove_prefix(1);
    if (left.empty()) (void)pair.client.end_output();
  };
  pair.client.hook = send_more;
  send_more();

  run_until(loop, [&] { return !pair.server.ends.empty(); });

  REQUIRE(pair.server.data == "every byte of it");
  REQUIRE(pair.server.largest == 1);
}

TEST_CASE("an end may arrive with the last bytes or behind them; both come in order",
          "[backend][sim][not-epoll]") {
  std::set<std::vector<std::string>> stories;
  for (std::uint64_t seed = 1; seed <= 50; ++seed) {
    event_loop loop(make_sim_backend(sim_options(seed)));
    connected_pair pair(loop);
    REQUIRE(pair.client.write("last words") == 10);
    REQUIRE(pair.client.end_output() == 0);

    run_until(loop, [&] { return !pair.server.ends.empty(); });

    REQUIRE(pair.server.data == "last words");
    stories.insert(pair.server.story);
  }
  const std::set<std::vector<std::string>> possible{{"data", "hang-up", "end"},
                                                    {"hang-up", "data", "end"}};
  REQUIRE(stories == possible);
}

TEST_CASE("a listener takes one more than its backlog; who comes later asks again",
          "[backend][sim][not-epoll]") {
  event_loop loop(make_sim_backend(sim_options().set_latency(1ms, 1ms)));
  listening server(loop, any_port, backlog_of(1));
  std::vector<std::unique_ptr<noting_poll>> clients;
  for (int i = 0; i < 3; ++i) {
    int descriptor = -1;
    REQUIRE(loop.io().connect(server.where, nullptr, descriptor) == -EINPROGRESS);
    clients.push_back(std::make_unique<noting_poll>(loop));
    clients.back()->open(descriptor);
  }
  while (loop.now() < simulation_start + 500ms) loop.run_once(simulation_start + 500ms);
  REQUIRE(clients[0]->calls == 1);
  REQUIRE(clients[1]->calls == 1);
  REQUIRE(clients[2]->calls == 0);

  const int accepted = server.accept_one();
  run_until(loop, [&] { return clients[2]->calls == 1; });

  REQUIRE(loop.now() == simulation_start + 1s + 2ms);  // its second try, there and back
  REQUIRE(loop.io().connect_result(clients[2]->descriptor) == 0);
  loop.io().close(accepted, false);
}

TEST_CASE("connecting to a listener that stays full times out as in Linux",
          "[backend][sim][not-epoll]") {
  event_loop loop(make_sim_backend(sim_options().set_latency(1ms, 1ms)));
  const listening server(loop, any_port, backlog_of(0));
  int first = -1;
  REQUIRE(connect_to(loop, server.where, first) == 0);
  noting_poll late(loop);
  int descriptor = -1;
  const time_point began = loop.now();
  REQUIRE(loop.io().connect(server.where, nullptr, descriptor) == -EINPROGRESS);
  late.open(descriptor);

  while (late.calls == 0) loop.run_once(never);

  REQUIRE(loop.io().connect_result(descriptor) == -ETIMEDOUT);
  REQUIRE(loop.now() == began + 1ms + 127s);
  loop.io().close(first, false);
}

TEST_CASE("a Unix listener that is full refuses for the moment", "[backend][sim][not-epoll]") {
  event_loop loop(make_sim_backend());
  const listening server(loop, address::unix_path("/run/chat"), backlog_of(0));
  int first = -1, second = -1;

  REQUIRE(loop.io().connect(server.where, nullptr, first) == 0);
  REQUIRE(loop.io().connect(server.where, nullptr, second) == -EAGAIN);

  REQUIRE(simulation::of(loop).open_descriptors() == 2);
  loop.io().close(first, false);
}

TEST_CASE("a client that gives up while it connects leaves its place to others",
          "[backend][sim][not-epoll]") {
  event_loop loop(make_sim_backend(sim_options().set_latency(1ms, 1ms)));
  listening server(loop, any_port, backlog_of(0));
  int descriptor = -1;
  REQUIRE(loop.io().connect(server.where, nullptr, descriptor) == -EINPROGRESS);
  const duration when =
      GENERATE(as<duration>(), 0ns, 1ms);  // before its knock, and before the answer
  if (when > 0ns) loop.run_once(simulation_start + when);
  loop.io().close(descriptor, false);
  settle(loop);
  REQUIRE(server.io.calls == 0);

  REQUIRE(connect_to(loop, server.where, descriptor) == 0);
  loop.io().close(descriptor, false);
  loop.io().close(server.accept_one(), false);
}

TEST_CASE("a client that gives up does not ask a full listener again",
          "[backend][sim][not-epoll]") {
  event_loop loop(make_sim_backend(sim_options().set_latency(1ms, 1ms)));
  const listening server(loop, any_port, backlog_of(0));
  int first = -1, late = -1;
  REQUIRE(connect_to(loop, server.where, first) == 0);
  REQUIRE(loop.io().connect(server.where, nullptr, late) == -EINPROGRESS);
  loop.run_once(loop.now() + 10ms);
  loop.io().close(late, false);

  REQUIRE_THROWS_AS(loop.run_until([] { return false; }), simulation_stuck);

  REQUIRE(loop.now() < simulation_start + 2s);
  loop.io().close(first, false);
}

TEST_CASE("where a listener was closed a connection is refused", "[backend][sim][not-epoll]") {
  event_loop loop(make_sim_backend());
  auto server = std::make_unique<listening>(loop);
  const address where = server->where;
  server.reset();
  int descriptor = -1;

  REQUIRE(connect_to(loop, where, descriptor) == -ECONNREFUSED);
}

TEST_CASE("a connection that is refused at once takes no address", "[backend][sim][not-epoll]") {
  event_loop loop(make_sim_backend());
  const address mine = address::unix_path("@mine");
  int descriptor = -1;
  address bound;

  REQUIRE(loop.io().connect(address::unix_path("@nobody"), &mine, descriptor) == -ECONNREFUSED);

  REQUIRE(loop.io().listen(mine, {}, descriptor, bound) == 0);
  loop.io().close(descriptor, false);
}

TEST_CASE("a stream with much input gets one block in each poll", "[backend][sim][not-epoll]") {
  event_loop loop(make_sim_backend(sim_options().set_capacity(1'000'000)));
  connected_pair pair(loop);
  pair.server.set_reading(false);
  REQUIRE(pair.client.write(std::string(200'000, 'x')) == 200'000);
  settle(loop);

  pair.server.set_reading(true);
  std::vector<std::size_t> sizes;
  for (int i = 0; i < 4; ++i) {
    loop.run_once(time_point::min());
    sizes.push_back(pair.server.data.size());
  }

  REQUIRE(sizes == std::vector<std::size_t>{65'536, 131'072, 196'608, 200'000});
}

TEST_CASE("a listener closed while somebody connects resets him", "[backend][sim][not-epoll]") {
  event_loop loop(make_sim_backend(sim_options().set_latency(1ms, 1ms)));
  auto server = std::make_unique<listening>(loop);
  noting_stream client(loop);
  int descriptor = -1;
  REQUIRE(connect_to(loop, server->where, descriptor) == 0);
  client.open(descriptor);
  REQUIRE(server->io.calls == 0);  // the last step is under way

  server.reset();

  run_until(loop, [&] { return !client.ends.empty(); });
  REQUIRE(client.ends == std::vector{ECONNRESET});
}

TEST_CASE("several listeners on one port share the connections", "[backend][sim][not-epoll]") {
  event_loop loop(make_sim_backend(sim_options(test_seed())));
  detail::listen_request shared;
  shared.reuse_port = true;
  listening first(loop, any_port, shared);
  listening second(loop, first.where, shared);

  for (int i = 0; i < 40; ++i) {
    int descriptor = -1;
    REQUIRE(connect_to(loop, first.where, descriptor) == 0);
    loop.io().close(descriptor, false);
  }
  settle(loop);

  REQUIRE(first.io.calls > 0);
  REQUIRE(second.io.calls > 0);
  REQUIRE(first.io.calls + second.io.calls == 40);
}

TEST_CASE("a listener at an address goes before one on every address",
          "[backend][sim][not-epoll]") {
  event_loop loop(make_sim_backend());
  listening everywhere(loop, *address::parse_ip("0.0.0.0", 0));
  int descriptor = -1;
  address bound;

  // Linux refuses the second listener, so who is asked is seen by its absence.
  REQUIRE(loop.io().listen(*address::parse_ip("10.0.0.1", everywhere.where.port()), {}, descriptor,
                           bound) == -EADDRINUSE);
  REQUIRE(connect_to(loop, *address::parse_ip("10.0.0.1", everywhere.where.port()), descriptor) ==
          0);
  loop.io().close(descriptor, false);
}

TEST_CASE("when every port is taken the system says so, as the kernel does",
          "[backend][sim][not-epoll]") {
  event_loop loop(make_sim_backend(sim_options().set_log_limit(0)));
  std::set<std::uint16_t> ports;
  std::vector<int> descriptors;
  int descriptor = -1;
  address bound;
  while (loop.io().listen(any_port, {}, descriptor, bound) == 0) {
    REQUIRE(ports.insert(bound.port()).second);
    descriptors.push_back(descriptor);
  }

  REQUIRE(ports.size() == 21'000);
  REQUIRE(loop.io().listen(any_port, {}, descriptor, bound) == -EADDRINUSE);
  REQUIRE(loop.io().connect(bound, nullptr, descriptor) == -EADDRNOTAVAIL);

  loop.io().close(descriptors.front(), false);
  REQUIRE(loop.io().connect(bound, nullptr, descriptors.front()) == -EINPROGRESS);

  for (; !descriptors.empty(); descriptors.pop_back()) loop.io().close(descriptors.back(), false);
}

TEST_CASE("open descriptors are counted, and all of them come back", "[backend][sim][not-epoll]") {
  event_loop loop(make_sim_backend());
  simulation& sim = simulation::of(loop);
  REQUIRE(sim.open_descriptors() == 0);
  {
    connected_pair pair(loop);
    REQUIRE(sim.open_descriptors() == 3);
    pair.client.close();
    REQUIRE(sim.open_descriptors() == 2);
  }
  REQUIRE(sim.open_descriptors() == 0);
}

TEST_CASE("closing a number that is not open does nothing",
          "[backend][sim][not-epoll][breaks-promises]") {
  event_loop loop(make_sim_backend());
  const listening server(loop);

  loop.io().close(3, false);
  loop.io().close(server.io.descriptor + 1, true);

  REQUIRE(simulation::of(loop).open_descriptors() == 1);
}

TEST_CASE("what is no part of a simulation says so", "[backend][sim][not-epoll]") {
  event_loop loop(make_sim_backend());
  connected_pair pair(loop);
  noting_poll foreign(loop);
  foreign.descriptor = 0;

  REQUIRE(loop.io().watch_once(foreign, false) == -EOPNOTSUPP);
  REQUIRE(loop.io().watch(foreign) == -EBADF);
  foreign.descriptor = -1;
  REQUIRE(loop.io().send_file(pair.client, 0, 0, 10) == -EINVAL);
  REQUIRE(loop.io().simulated());
  REQUIRE(loop.io().name() == "sim");
}

TEST_CASE("options that make no sense are refused", "[backend][sim][not-epoll]") {
  sim_options options;
  REQUIRE(options.set_seed(99).seed() == 99);

  REQUIRE_THROWS_AS(options.set_latency(2ms, 1ms), std::invalid_argument);
  REQUIRE_THROWS_AS(options.set_latency(-1ms, 1ms), std::invalid_argument);
  REQUIRE_THROWS_AS(options.set_latency(1ms, 25h), std::invalid_argument);
  REQUIRE_THROWS_AS(options.set_capacity(0), std::invalid_argument);
  REQUIRE_THROWS_AS(options.set_segment(0, 1), std::invalid_argument);
  REQUIRE_THROWS_AS(options.set_segment(2, 1), std::invalid_argument);
  REQUIRE_THROWS_AS(options.set_patience(-1ns), std::invalid_argument);
  REQUIRE_THROWS_AS(options.set_bandwidth(0), std::invalid_argument);
  REQUIRE_THROWS_AS(options.set_share(fault_kind::storms, 1.1), std::invalid_argument);
  REQUIRE_THROWS_AS(options.set_window(2s, 1s), std::invalid_argument);

  const sim_options untouched;  // what is refused leaves what was
  REQUIRE(options.shortest_latency() == untouched.shortest_latency());
  REQUIRE(options.longest_latency() == untouched.longest_latency());
  REQUIRE(options.capacity() == untouched.capacity());
  REQUIRE(options.shortest_segment() == untouched.shortest_segment());
  REQUIRE(options.longest_segment() == untouched.longest_segment());
  REQUIRE(options.bandwidth() == untouched.bandwidth());
  REQUIRE(options.share(fault_kind::storms) == untouched.share(fault_kind::storms));
  REQUIRE(options.window_begin() == untouched.window_begin());
  REQUIRE(options.window_end() == untouched.window_end());
  REQUIRE(options.patience() == untouched.patience());
  REQUIRE_NOTHROW(options.set_latency(0ns, 0ns).set_segment(1, 1).set_patience(0ns));
}

}  // namespace sim_network_test
