// Every allocation of each scenario fails once: what asked for it fails, and nothing else does.
#include <support/fail_everywhere.hpp>

#include <os/passed_descriptors.hpp>
#include <os/socket.hpp>
#include <os/temporary_folder.hpp>

#include <cetane/backend/sim.hpp>
#include <cetane/backend/sim_names.hpp>
#include <cetane/cetane.hpp>

#include <catch2/catch_test_macros.hpp>

#include <algorithm>
#include <array>
#include <chrono>
#include <exception>
#include <functional>
#include <memory>
#include <new>
#include <optional>
#include <stdexcept>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include <unistd.h>

namespace fail_everywhere_test {

using namespace cetane;
using namespace cetane::test;
using namespace std::chrono_literals;

namespace {

// In a scenario: what must hold if nothing has failed. No assertion, since those allocate.
void expect(bool holds) {
  if (!holds) throw std::logic_error("the scenario has gone wrong");
}

// A service that ends with the scenario.
class served {
 public:
  served(stage& on, service fresh) : service_(std::move(fresh)) { service_.start(on.loop); }
  served(const served&) = delete;
  served& operator=(const served&) = delete;
  ~served() { service_.end_now(); }

  service& operator*() noexcept { return service_; }
  std::uint16_t port() const noexcept { return service_.port(); }

 private:
  service service_;
};

task<> echo(connection& peer) {
  for (;;) co_await peer.send(co_await peer.until_eol());
}

task<> write_all(connection& to, std::string text) {
  co_await to.send(text);
  co_await to.send_eof();
}

task<> sleep_for_ever() { co_await sleep_until(never); }

task<int> number_after(duration pause, int number) {
  co_await sleep(pause);
  co_return number;
}

}  // namespace

TEST_CASE("connect and accept without memory leave nothing", "[allocations][connect]") {
  const std::uint64_t allocations = fail_everywhere([](stage& on) -> task<> {
    const stage::presence here(on);
    served server(on, service(echo, 0));
    for (int i = 0; i < 2; ++i) {
      connection c = co_await connect("127.0.0.1", server.port());
      co_await c.send("a line that is longer than a short string holds\n");
      const std::string answer = co_await c.until_eol();
      expect(answer == "a line that is longer than a short string holds\n");
    }
  });
  CHECK(allocations > 10);
}

TEST_CASE("an echo of lines, pieces and much without memory leaves nothing",
          "[allocations][echo]") {
  const std::string much(300'000, 'x');
  const std::uint64_t allocations = fail_everywhere([&](stage& on) -> task<> {
    const stage::presence here(on);
    co_await on.here().send("line\n", std::string(100, 'b'), "\n");
    const std::string line = co_await on.there().until_eol();
    const chunk some = co_await on.there().receive_some();
    expect(line == "line\n" && some.view().size() == 101);
    co_await on.there().send("0123456789 mark; line\n");
    const std::string ten = co_await on.here().receive(10);
    const std::string mark = co_await on.here().until(";");
    const auto last = co_await on.here().next_line();
    expect(ten == "0123456789" && mark == " mark;" && last == " line");
    std::string got;
    co_await with_group([&](group& g) -> task<> {
      (void)g.spawn(write_all, std::ref(on.here()), much);
      got = co_await on.there().until_eof();
    });
    expect(got == much);
  });
  CHECK(allocations > 10);
}

TEST_CASE("a broadcast that is staged in many parts without memory leaves nothing",
          "[allocations][send]") {
  const std::string part(3000, 'p');
  fail_everywhere([&](stage& on) -> task<> {
    const stage::presence here(on);
    bool all = true;
    for (int i = 0; i < 50; ++i) all = on.here().try_send(part, "\n") && all;
    if (!all) throw std::bad_alloc();
    co_await on.here().print("{} and {}\n", 1, std::string(100, 'x'));
    std::size_t got = 0;
    while (got < 50 * 3001) got += (co_await on.there().receive_some()).view().size();
    co_await on.here().drain();
  });
}

TEST_CASE("first() of a read, a queue and a timer without memory consumes nothing it does not give",
          "[allocations][first]") {
  fail_everywhere([](stage& on) -> task<> {
    const stage::presence here(on);
    queue<std::string> news;
    for (int i = 0; i < 3; ++i) {
      if (i == 0) co_await on.there().send("a line that needs the heap, says the length\n");
      if (i == 1) co_await news.put("an item that needs the heap, says the length");
      auto turn = co_await first(on.here().until_eol(), news.get(), sleep(1ms));
      auto& [line, item, silent] = turn;
      expect((i == 0) == line.has_value() && (i == 1) == item.has_value() && (i == 2) == silent);
    }
  });
}

TEST_CASE("spawn, fork and fork_child without memory start nothing", "[allocations][fork]") {
  fail_everywhere([](stage& on) -> task<> {
    const stage::presence here(on);
    auto spawned = spawn(number_after, 1ms, 1);
    spawned.label("a label that is longer than a short string holds");
    auto forked = fork(number_after, 1ms, 2);
    auto child = fork_child(number_after, 1ms, 3);
    const int one = co_await spawned;
    const int two = co_await forked;
    const int three = co_await child;
    expect(one + two + three == 6);
    (void)fork_child(number_after, 1h, 4);
  });
}

TEST_CASE("queues, fanouts and topics without memory lose nothing that was put",
          "[allocations][queue]") {
  fail_everywhere([](stage& on) -> task<> {
    const stage::presence here(on);
    queue<std::string> items(20);
    fanout<std::string> news;
    auto heard = news.subscribe();
    co_await with_group([&](group& g) -> task<> {
      (void)g.spawn([&]() -> task<> {
        for (int i = 0; i < 30; ++i) co_await items.put(std::string(30, 'i'));
        items.close();
      });
      std::size_t got = 0;
      while (auto item = co_await items.next()) {
        ++got;
        news.publish(*item);
      }
      expect(got == 30);
    });
    for (int i = 0; i < 30; ++i) {
      const std::string message = co_await heard.get();
      expect(message.size() == 30);
    }
  });
}

TEST_CASE("deadlines, intervals and sleeps without memory leave no timer", "[allocations][timer]") {
  fail_everywhere([](stage& on) -> task<> {
    const stage::presence here(on);
    event never_set;
    bool timed = false;
    try {
      co_await with_timeout(1ms, never_set.wait());
    } catch (const timed_out&) {
      timed = true;
    }
    const bool done = co_await move_on_after(1ms, never_set.wait());
    interval tick(1ms);
    for (int i = 0; i < 3; ++i) co_await tick.next();
    expect(timed && !done);
  });
}

TEST_CASE("a look-up of names without memory leaves nothing", "[allocations][resolver]") {
  fail_everywhere([](stage& on) -> task<> {
    const stage::presence here(on);
    const std::vector<address> found = co_await resolve("localhost", 80);
    expect(!found.empty());
  });
}

TEST_CASE("names that are asked for and remembered without memory leave nothing",
          "[allocations][resolver][not-epoll]") {
  fail_everywhere([](stage& on) -> task<> {
    const stage::presence here(on);
    const auto ask = [](stage& of) -> task<> {
      const stage::presence there(of);
      const std::vector<address> found = co_await resolve("db.example", 80);
      expect(!found.empty());
    };
    simulation::of(on.loop).names().take(1ms, 1ms);
    co_await all(ask(on), ask(on));
    co_await ask(on);
  });
}

TEST_CASE("a connect to several addresses without memory leaves nothing",
          "[allocations][connect][not-epoll]") {
  fail_everywhere([](stage& on) -> task<> {
    const stage::presence here(on);
    const served server(on, service(echo, 0).host("127.0.0.3"));
    simulation::of(on.loop).names().set(
        "db", {*address::parse_ip("127.0.0.2", 0), *address::parse_ip("::1", 0),
               *address::parse_ip("127.0.0.3", 0)});
    connection c = co_await connect("db", server.port());
    co_await c.send("hello\n");
    const std::string line = co_await c.until_eol();
    expect(line == "hello\n");
  });
}

TEST_CASE("a request over a pool of connections without memory leaves nothing",
          "[allocations][connection_pool]") {
  fail_everywhere([](stage& on) -> task<> {
    const stage::presence here(on);
    const served server(on, service(echo, 0));
    connection_pool all("127.0.0.1", server.port());
    for (int i = 0; i < 2; ++i) {
      auto one = co_await all.acquire();
      co_await one->send("hello\n");
      const std::string line = co_await one->until_eol();
      one.give_back();
      expect(line == "hello\n" && all.in_use() == 0);
    }
  });
}

TEST_CASE("an application that starts, serves and stops without memory leaves nothing",
          "[allocations][shutdown]") {
  fail_everywhere([](stage& on) {
    application app(on.loop.loop());
    app.drain(1ms);
    service& server = app.add_service(service(echo, 0));
    app.add_task(sleep_for_ever).keep_alive(restart_policy());
    auto client = on.loop.spawn([&]() -> task<> {
      const stage::presence here(on);
      const scope_exit stop([&] { app.stop(); });
      connection c = co_await connect("127.0.0.1", server.port());
      co_await c.send("half a line");
      co_await sleep(1ms);
      app.stop();
      co_await c.closed();
    });
    const int status = app.run();
    on.loop.loop().run_until([&] { return client.done(); });
    detail::take_result(client);
    expect(status == 0);
  });
}

TEST_CASE("groups, all() and race() without memory join all that was started",
          "[allocations][group]") {
  fail_everywhere([](stage& on) -> task<> {
    const stage::presence here(on);
    auto [one, two] = co_await all(number_after(1ms, 1), number_after(2ms, 2));
    expect(one + two == 3);
    auto won = co_await race(number_after(1ms, 1), number_after(1h, 2));
    expect(std::get<0>(won) == 1);
    bool failed = false;
    try {
      co_await with_group([&](group& g) -> task<> {
        (void)g.spawn(number_after, 1h, 1);
        (void)g.spawn([]() -> task<> {
          co_await sleep(1ms);
          throw std::length_error("a child fails");
        });
        co_await sleep(1h);
      });
    } catch (const std::length_error&) {
      failed = true;
    }
    expect(failed);
  });
}

TEST_CASE("behind a task that all() could not start for want of memory none is started",
          "[allocations]") {
  fail_everywhere([](stage& on) -> task<> {
    const stage::presence here(on);
    std::array<bool, 3> begun{};
    const auto begin = [&](std::size_t number) -> task<> {
      begun[number] = true;
      co_return;
    };
    std::exception_ptr failed;
    try {
      co_await all(begin(0), begin(1), begin(2));
    } catch (...) {
      failed = std::current_exception();
    }
    expect(std::is_sorted(begun.rbegin(), begun.rend()));
    if (failed) std::rethrow_exception(failed);
    expect(begun.back());
  });
}

TEST_CASE("mutexes, pools and workers without memory stay usable", "[allocations][pool]") {
  fail_everywhere([](stage& on) -> task<> {
    const stage::presence here(on);
    mutex m;
    keyed_mutex keys;
    semaphore two(2);
    pool<std::unique_ptr<int>> objects([] { return std::make_unique<int>(7); },
                                       pool_limits().idle(1).open(1));
    const auto use = [&]() -> task<> {
      const mutex_lock lock = co_await m.lock();
      const keyed_lock key = co_await keys.lock("a key that is longer than a short string");
      const semaphore_permit permit = co_await two.acquire();
      auto lease = co_await objects.acquire();
      co_await sleep(1ms);
      expect(**lease == 7);
    };
    co_await all(use(), use());
    int left = 5;
    int done = 0;
    worker_pool workers(
        2, [&]() -> std::optional<int> { return left-- > 0 ? std::optional(left) : std::nullopt; },
        [&](int) -> task<> {
          co_await yield();
          ++done;
        });
    co_await workers.run();
    expect(done + static_cast<int>(workers.lost()) == 5 && workers.done() == 5 && keys.size() == 0);
  });
}

TEST_CASE("calls on other threads without memory leave nothing", "[allocations][thread]") {
  fail_everywhere([](stage& on) -> task<> {
    const stage::presence here(on);
    const std::string text = co_await thread([] { return std::string(50, 't'); });
    expect(text.size() == 50);
    bool posted = false;
    const bool accepted = post(on.loop, [&] { posted = true; });
    co_await sleep(1ms);
    expect(accepted && posted);
  });
}

TEST_CASE("a task that is supervised without memory is started again or given up",
          "[allocations][supervise]") {
  fail_everywhere([](stage& on) -> task<> {
    const stage::presence here(on);
    int runs = 0;
    const auto work = [&]() -> task<> {
      if (++runs < 3) throw std::length_error("once more");
      co_return;
    };
    auto kept = supervise(restart_policy().backoff(1ms, 1ms).limit(4), work);
    co_await kept;
    expect(runs >= 4);
  });
}

TEST_CASE("a file that is sent without memory leaves no descriptor", "[allocations][send_file]") {
  const temporary_folder folder;
  const std::string path = folder.write("file", std::string(200'000, 'f'));
  fail_everywhere([&](stage& on) -> task<> {
    const stage::presence here(on);
    co_await with_group([&](group& g) -> task<> {
      (void)g.spawn([&]() -> task<> {
        co_await on.there().send_file(path);
        co_await on.there().send_eof();
      });
      std::size_t got = 0;
      while (const auto some = co_await on.here().next_chunk()) got += some->view().size();
      expect(got == 200'000);
    });
  });
}

TEST_CASE("descriptors that come while there is no memory are never missing unaware",
          "[allocations][descriptors][not-sim]") {
  fail_everywhere([](stage& on) -> task<> {
    const stage::presence here(on);
    unique_fd one;
    unique_fd other;
    expect(os::make_socket_pair(one, other) == 0);
    connection_limits limits;
    limits.passed_descriptors = 1;
    connection taker = adopt_socket(std::move(other), limits);
    // So the one that comes has a number for which room must be made.
    std::array<unique_fd, 200> taken_numbers;
    for (unique_fd& each : taken_numbers) each.reset(::dup(STDERR_FILENO));

    const std::array<int, 1> given{STDERR_FILENO};
    expect(os::send_with_descriptors(one.get(), "take this\n", given) == 10);
    co_await taker.until_eol();
    bool is_missing = false;
    try {
      expect(taker.take_descriptor().get() >= 0);
    } catch (const std::bad_alloc&) {
      throw;
    } catch (const std::exception&) {
      is_missing = true;
    }
    expect(!is_missing);
  });
}

}  // namespace fail_everywhere_test
