// Tasks on connections that are cancelled at every moment: nothing of them is left.
#include <support/cancel_everywhere.hpp>

#include <net/listener.hpp>
#include <os/temporary_folder.hpp>

#include <cetane/conc/all.hpp>
#include <cetane/conc/group.hpp>
#include <cetane/conc/sleep.hpp>
#include <cetane/net/connect.hpp>
#include <cetane/net/resolve.hpp>

#include <catch2/catch_test_macros.hpp>

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace net_cancel_everywhere_test {

using namespace cetane;
using namespace cetane::test;
using namespace std::chrono_literals;

namespace {

// Takes connections and closes them when the test is over.
class door final : detail::accept_sink {
 public:
  explicit door(event_loop& loop) : loop_(loop), listener_(loop, *this) {
    REQUIRE(listener_.open(any_local_port(), {}, 64) == 0);
  }
  std::uint16_t port() const { return listener_.bound().port(); }

 private:
  void on_accept(int descriptor, const address& peer) noexcept override {
    static const connection_limits usual;
    auto made = std::make_unique<detail::stream>(loop_, usual);
    REQUIRE(made->open(descriptor, peer) == 0);
    guests_.emplace_back(*made.release());
  }
  bool has_room() noexcept override { return true; }

  event_loop& loop_;
  detail::listener listener_;
  std::vector<connection> guests_;
};

task<> write_slowly(stage& on) {
  const stage::presence here(on);
  for (const char* part : {"a li", "ne\nsome", " bytes", "last; ", "line\n", "the rest"}) {
    co_await on.there().send(part);
    co_await yield();
    co_await sleep(1ms);
  }
  co_await on.there().send_eof();
}

task<> read_slowly(stage& on, std::size_t& got) {
  const stage::presence here(on);
  while (const auto some = co_await on.there().next_chunk()) {
    got += some->view().size();
    co_await yield();
  }
}

}  // namespace

TEST_CASE("reads of every kind that are cancelled at any moment leave nothing",
          "[net][cancel_everywhere]") {
  const std::size_t moments = cancel_everywhere([](stage& on) -> task<> {
    const stage::presence here(on);
    co_await with_group([&](group& g) -> task<> {
      g.spawn(write_slowly, std::ref(on));
      connection& from = on.here();
      const std::string line = co_await from.until_eol();
      const std::string ten = co_await from.receive(10);
      const std::string mark = co_await from.until(";");
      const auto last = co_await from.next_line();
      const chunk some = co_await from.receive_some();
      const std::string rest = co_await from.until_eof();
      const auto end = co_await from.next_chunk();
      CHECK(line == "a line\n");
      CHECK(ten == "some bytes");
      CHECK(mark == "last;");
      CHECK(last == " line");
      CHECK(std::string(some.view()) + rest == "the rest");
      CHECK_FALSE(end);
    });
  });
  CHECK(moments > 10);
}

TEST_CASE("sends above the water mark that are cancelled at any moment leave nothing",
          "[net][cancel_everywhere]") {
  const std::string much(300'000, 'x');
  const std::size_t moments = cancel_everywhere([&](stage& on) -> task<> {
    const stage::presence here(on);
    std::size_t got = 0;
    co_await with_group([&](group& g) -> task<> {
      g.spawn(read_slowly, std::ref(on), std::ref(got));
      co_await on.here().send(much);
      co_await on.here().send(much);
      co_await on.here().drain();
      co_await on.here().send_eof();
    });
    CHECK(got == 600'000);
  });
  CHECK(moments > 5);
}

TEST_CASE("a file that is being sent when its task is cancelled at any moment leaves nothing",
          "[net][cancel_everywhere]") {
  const temporary_folder folder;
  const std::string path = folder.write("file", std::string(200'000, 'f'));
  cancel_everywhere([&](stage& on) -> task<> {
    const stage::presence here(on);
    std::size_t got = 0;
    co_await with_group([&](group& g) -> task<> {
      g.spawn(read_slowly, std::ref(on), std::ref(got));
      co_await on.here().send_file(path);
      co_await on.here().send_eof();
    });
    CHECK(got == 200'000);
  });
}

TEST_CASE("a wait for the peer's leaving that is cancelled at any moment leaves nothing",
          "[net][cancel_everywhere]") {
  cancel_everywhere([](stage& on) -> task<> {
    const stage::presence here(on);
    co_await with_group([&](group& g) -> task<> {
      g.spawn(write_slowly, std::ref(on));
      const closed_by_peer how = co_await on.here().closed();
      CHECK(how == closed_by_peer::end_of_input);
    });
  });
}

TEST_CASE("a connection that is being made when its task is cancelled at any moment is closed",
          "[net][cancel_everywhere]") {
  cancel_everywhere([](stage& on) -> task<> {
    const stage::presence here(on);
    door open(on.loop);
    for (int i = 0; i < 2; ++i) {
      connection made = co_await connect("127.0.0.1", open.port()).timeout(1h);
      co_await made.send("hello\n");
      co_await yield();
    }
  });
}

TEST_CASE("a name that is looked up when its task is cancelled at any moment leaves nothing",
          "[net][cancel_everywhere][not-sim]") {
  // What the system reads as 127.0.0.1 without asking anybody, on another thread.
  cancel_everywhere([](stage& on) -> task<> {
    const stage::presence here(on);
    const auto found = co_await resolve("127.1", 80);
    CHECK(found.size() == 1);
  });
}

}  // namespace net_cancel_everywhere_test
