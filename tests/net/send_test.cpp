// Sending: what leaves together, what waits, and who has to wait for it.

#include <net/net_fixture.hpp>

#include <cetane/base/errors.hpp>
#include <cetane/base/literals.hpp>

#include <array>
#include <cstddef>
#include <memory>
#include <span>
#include <vector>

namespace send_test {

using namespace cetane;
using namespace cetane::test;

namespace {

// The kernel may give a full socket more room later, up to tcp_wmem's last value, 4 MiB.
constexpr std::size_t more_than_sockets_take = 8'000'000;

// Sends until the sockets of both ends are full and something waits behind them.
void fill(net_fixture& net, connection& from) {
  while (from.queued_bytes() == 0) {
    REQUIRE(from.try_send(std::string(1000, '.')));
    net.settle();
  }
}

task<std::size_t> count_bytes(connection& from, std::size_t bytes) {
  std::size_t got = 0;
  while (got < bytes) {
    const chunk more = co_await from.receive_some();
    got += more.size();
  }
  co_return got;
}

}  // namespace

TEST_CASE_METHOD(net_fixture, "PIPE-1 what a task sends waits until the task does", "[net][send]") {
  std::size_t waiting = 0;
  loop.run(
      [](connection& peer, std::size_t& bytes) -> task<> {
        co_await peer.send("foo");
        bytes = peer.queued_bytes();
      },
      here, waiting);

  REQUIRE(waiting == 3);
  REQUIRE(here.queued_bytes() == 0);
  REQUIRE(loop.run(read_some, there) == "foo");
}

TEST_CASE_METHOD(net_fixture, "what a task sends in several calls leaves together", "[net][send]") {
  loop.run(
      [](connection& peer) -> task<> {
        co_await peer.send("one ");
        co_await peer.send("two ");
        co_await peer.print("{} ", 3);
      },
      here);

  REQUIRE(loop.run(read_some, there) == "one two 3 ");
}

TEST_CASE_METHOD(net_fixture, "sixteen answers to sixteen lines leave together", "[net][send]") {
  auto server = begin([](connection& peer) -> task<> {
    while (auto line = co_await peer.next_line()) co_await peer.send(*line, ";");
  });
  settle();
  std::string lines, answers;
  for (int i = 0; i < 16; ++i) {
    lines += std::to_string(i) + "\n";
    answers += std::to_string(i) + ";";
  }

  arrives(lines);

  REQUIRE(loop.run(read_some, there) == answers);
  there.close();
  result(server);
}

TEST_CASE_METHOD(net_fixture, "what is sent to two in turn arrives at each in order",
                 "[net][send]") {
  connected_pair other(loop);
  loop.run(
      [](connection& one, connection& two) -> task<> {
        for (int i = 0; i < 20; ++i) {
          co_await one.print("{},", i);
          co_await two.print("{};", i);
        }
        co_await one.send("\n");
        co_await two.send("\n");
      },
      here, other.here);

  REQUIRE(loop.run(read_line, there) == "0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,\n");
  REQUIRE(loop.run(read_line, other.there) ==
          "0;1;2;3;4;5;6;7;8;9;10;11;12;13;14;15;16;17;18;19;\n");
}

TEST_CASE_METHOD(net_fixture, "messages of all sizes arrive whole and in order", "[net][send]") {
  const std::string text = pattern(200'000);
  auto sender = begin(
      [](connection& peer, const std::string& all) -> task<> {
        // Sizes around all borders: the page that is copied, the block that collects, the marks.
        std::size_t at = 0;
        for (const std::size_t size :
             {0u, 1u, 4095u, 4096u, 4097u, 1u, 32'767u, 1u, 32'768u, 2u, 65'536u, 3u, 1000u}) {
          co_await peer.send(std::string_view(all).substr(at, size));
          at += size;
        }
        co_await peer.send(std::string_view(all).substr(at));
        co_await peer.send_eof();
      },
      std::cref(text));

  REQUIRE(loop.run(read_to_end, there) == text);
  result(sender);
}

TEST_CASE_METHOD(net_fixture, "small messages that fill the collecting block leave in order",
                 "[net][send]") {
  std::string expected;
  for (int i = 0; i < 100; ++i) expected += std::to_string(i) + std::string(999, '.');
  auto sender = begin([](connection& peer) -> task<> {
    for (int i = 0; i < 100; ++i) co_await peer.send(std::to_string(i), std::string(999, '.'));
    co_await peer.send_eof();
  });

  REQUIRE(loop.run(read_to_end, there) == expected);
  result(sender);
  REQUIRE(stats().bytes_queued == stats().bytes_sent);
}

TEST_CASE_METHOD(net_fixture, "what was sent may die right after the call", "[net][send]") {
  std::string expected;
  auto sender = begin(
      [](connection& peer, std::string& all) -> task<> {
        for (const std::size_t size : {10u, 5000u, 300'000u}) {
          auto text = std::make_unique<std::string>(pattern(size));
          all += *text;
          auto sending = peer.send(*text);
          text.reset();
          co_await sending;
        }
        co_await peer.send_eof();
      },
      std::ref(expected));

  const std::string got = loop.run(read_to_end, there);

  REQUIRE(got == expected);
  result(sender);
}

TEST_CASE_METHOD(net_fixture, "text and bytes of all kinds can be sent", "[net][send]") {
  loop.run(
      [](connection& peer) -> task<> {
        const std::string string = "string ";
        const std::string_view view = "view ";
        const char* const pointer = "pointer ";
        const chunk piece(std::string_view("chunk "));
        const std::vector<std::uint8_t> vector = {'v', 'e', 'c', ' '};
        const std::array<std::byte, 2> array = {std::byte('a'), std::byte(' ')};
        const std::span<const std::byte> span(array);
        co_await peer.send(string, view, pointer, "literal ", piece, vector, array, span);
        co_await peer.send_eof();
      },
      here);

  REQUIRE(loop.run(read_to_end, there) == "string view pointer literal chunk vec a a ");
}

TEST_CASE_METHOD(net_fixture, "a call may have more parts than one system call takes",
                 "[net][send]") {
  auto sender = begin([](connection& peer) -> task<> {
    const std::string p(100, 'p');
    // clang-format off
    co_await peer.send(p, p, p, p, p, p, p, p, p, p, p, p, p, p, p, p, p, p, p, p, p, p, p, p, p, p,
                       p, p, p, p, p, p, p, p, p, p, p, p, p, p, p, p, p, p, p, p, p, p, p, p, p, p,
                       p, p, p, p, p, p, p, p, p, p, p, p, p, p, p, p, p, p, p, p, p, p, p, p, p, p);
    // clang-format on
    co_await peer.send_eof();
  });

  REQUIRE(loop.run(read_to_end, there) == std::string(7800, 'p'));
  result(sender);
}

TEST_CASE_METHOD(net_fixture, "NEW-22 a send below the high mark does not give up the turn",
                 "[net][send]") {
  bool other_ran = false;
  bool seen_by_sender = false;
  auto sender = begin(
      [](connection& peer, bool& ran, bool& seen) -> task<> {
        for (int i = 0; i < 100; ++i) co_await peer.send("line\n");
        seen = ran;
      },
      std::ref(other_ran), std::ref(seen_by_sender));
  auto other = begin(
      [](connection&, bool& ran) -> task<> {
        ran = true;
        co_return;
      },
      std::ref(other_ran));

  result(sender);
  result(other);
  REQUIRE(other_ran);
  REQUIRE_FALSE(seen_by_sender);
}

TEST_CASE_METHOD(net_fixture, "a task that only sends gives up its turn after 128 awaits",
                 "[net][send]") {
  int sends_before_other = 0;
  bool other_ran = false;
  auto sender = begin(
      [](connection& peer, bool& ran, int& sends) -> task<> {
        while (!ran) {
          co_await peer.send("x");
          ++sends;
        }
      },
      std::ref(other_ran), std::ref(sends_before_other));
  auto other = begin(
      [](connection&, bool& ran) -> task<> {
        ran = true;
        co_return;
      },
      std::ref(other_ran));

  result(sender);
  result(other);
  REQUIRE(sends_before_other == 128);
}

TEST_CASE_METHOD(net_fixture, "sends that nobody awaits do not buy endless awaits", "[net][send]") {
  std::string lines(1000, '\n');
  arrives(lines);
  int read_before_other = 0;
  bool other_ran = false;
  auto reader = begin(
      [](connection& peer, bool& ran, int& read) -> task<> {
        for (int i = 0; i < 200; ++i) REQUIRE(peer.try_send("x"));
        for (int i = 0; i < 200; ++i) std::ignore = peer.send("x");
        while (!ran && read < 1000) {
          const std::string line = co_await peer.until_eol();
          ++read;
        }
      },
      std::ref(other_ran), std::ref(read_before_other));
  auto other = begin(
      [](connection&, bool& ran) -> task<> {
        ran = true;
        co_return;
      },
      std::ref(other_ran));

  result(reader);
  result(other);
  REQUIRE(read_before_other <= 128);
}

TEST_CASE_METHOD(net_fixture, "send waits above 64 KiB, until 16 KiB are left", "[net][send]") {
  fill(*this, here);
  std::size_t at_most = 0;
  std::size_t on_return = 0;
  bool waited = false;
  auto sender = begin(
      [](connection& peer, std::size_t& most, std::size_t& after, bool& has_waited) -> task<> {
        const std::string kilobyte(1024, 'k');
        while (!has_waited) {
          auto sending = peer.send(kilobyte);
          const std::size_t before = peer.queued_bytes();
          most = std::max(most, before);
          co_await sending;
          after = peer.queued_bytes();
          has_waited = before > 64_KiB;
        }
      },
      std::ref(at_most), std::ref(on_return), std::ref(waited));
  settle();
  REQUIRE_FALSE(sender.done());
  REQUIRE(here.queued_bytes() > 64_KiB);
  REQUIRE(here.queued_bytes() <= 65_KiB);

  // As long as more than the low mark waits, the sender does too.
  while (!sender.done()) {
    REQUIRE((waited || here.queued_bytes() > 16_KiB));
    REQUIRE(loop.run(count_bytes, there, 1u) > 0);
    settle();
  }

  result(sender);
  REQUIRE(at_most <= 65_KiB);
  REQUIRE(on_return <= 16_KiB);
}

TEST_CASE_METHOD(net_fixture, "the marks and the limit can be set for each connection",
                 "[net][send]") {
  connection_limits limits;
  limits.output_high_bytes = 1000;
  limits.output_low_bytes = 100;
  limits.output_bytes = 2000;
  here.limits(limits);
  fill(*this, here);
  const std::size_t waiting = here.queued_bytes();

  auto sender =
      begin([](connection& peer) -> task<> { co_await peer.send(std::string(999, '.')); });
  settle();
  REQUIRE_FALSE(sender.done());
  REQUIRE(here.queued_bytes() == waiting + 999);
  REQUIRE(here.try_send(std::string(2000 - waiting - 999, '.')));
  REQUIRE_FALSE(here.try_send("."));

  REQUIRE(loop.run(count_bytes, there, stats().bytes_queued) == stats().bytes_queued);
  result(sender);
}

TEST_CASE_METHOD(net_fixture, "try_send queues all or nothing, up to 256 KiB", "[net][send]") {
  fill(*this, here);
  const std::size_t waiting = here.queued_bytes();
  const std::string rest(256_KiB - waiting, '.');

  REQUIRE_FALSE(here.try_send(rest, "."));
  REQUIRE(here.queued_bytes() == waiting);
  REQUIRE(here.try_send(rest));
  REQUIRE(here.queued_bytes() == 256_KiB);
  REQUIRE_FALSE(here.try_send("."));
  REQUIRE(here.try_send(""));
  REQUIRE(here.queued_bytes() == 256_KiB);

  const std::uint64_t all = stats().bytes_queued;
  REQUIRE(loop.run(count_bytes, there, all) == all);
  REQUIRE(here.try_send("."));
}

TEST_CASE_METHOD(net_fixture, "try_send may be called where no task runs", "[net][send]") {
  REQUIRE(here.try_send("from outside"));
  REQUIRE(loop.run(read_some, there) == "from outside");
}

TEST_CASE_METHOD(net_fixture, "drain waits until the socket has everything", "[net][send]") {
  REQUIRE(begin(drain).done() == false);
  fill(*this, here);
  auto waiting = begin(drain);
  settle();
  REQUIRE_FALSE(waiting.done());

  const std::uint64_t all = stats().bytes_queued;
  REQUIRE(loop.run(count_bytes, there, all) == all);
  result(waiting);
  REQUIRE(here.queued_bytes() == 0);
}

TEST_CASE_METHOD(net_fixture, "PIPE-4 draining what is empty ends at once", "[net][send]") {
  result(begin(drain));
  REQUIRE(stats().bytes_sent == 0);
}

TEST_CASE_METHOD(net_fixture, "drain sends what the same task has just sent", "[net][send]") {
  std::size_t left = 1;
  auto sender = begin(
      [](connection& peer, std::size_t& bytes) -> task<> {
        co_await peer.send("now");
        co_await peer.drain();
        bytes = peer.queued_bytes();
      },
      std::ref(left));
  result(sender);
  REQUIRE(left == 0);
  REQUIRE(loop.run(read_some, there) == "now");
}

TEST_CASE_METHOD(net_fixture, "send_eof ends the output behind all that was sent", "[net][send]") {
  const std::string text = pattern(500'000);
  auto sender = begin(
      [](connection& peer, const std::string& all) -> task<std::string> {
        co_await peer.send(all);
        co_await peer.send_eof();
        co_return co_await peer.until_eof();
      },
      std::cref(text));

  REQUIRE(loop.run(read_to_end, there) == text);
  arrives("reading goes on");
  there.close();
  REQUIRE(result(sender) == "reading goes on");
}

TEST_CASE_METHOD(net_fixture, "after send_eof nothing more can be sent", "[net][send]") {
  auto sender = begin([](connection& peer) -> task<> {
    co_await peer.send("all");
    co_await peer.send_eof();
    co_await peer.send_eof();
    REQUIRE_FALSE(peer.try_send("more"));
    co_await peer.send("more");
  });

  REQUIRE_THROWS_AS(result(sender), connection_closed);
  REQUIRE(loop.run(read_to_end, there) == "all");
  REQUIRE(stats().bytes_queued == 3);
}

TEST_CASE_METHOD(net_fixture, "NEW-18 a second task that has to wait to send is refused",
                 "[net][send]") {
  fill(*this, here);
  auto first = begin(send_text, std::string(more_than_sockets_take, '1'));
  settle();
  REQUIRE_FALSE(first.done());

  REQUIRE_THROWS_AS(result(begin(send_text, "2")), connection_busy);
  REQUIRE_THROWS_AS(result(begin(drain)), connection_busy);
  REQUIRE_FALSE(first.done());

  const std::uint64_t all = stats().bytes_queued;
  REQUIRE(loop.run(count_bytes, there, all) == all);
  result(first);
}

TEST_CASE_METHOD(net_fixture, "a second reader or writer that will not listen stops nobody",
                 "[net][send]") {
  fill(*this, here);
  auto first = begin(send_text, std::string(more_than_sockets_take, '1'));
  auto reader = begin(read_line);
  settle();
  const auto stubborn = [](connection& peer, bool& other_ran) -> task<int> {
    int refusals = 0;
    while (!other_ran) {
      try {
        if (refusals % 3 == 0) co_await peer.send("2");
        if (refusals % 3 == 1) co_await peer.drain();
        if (refusals % 3 == 2) co_await peer.receive_some();
      } catch (const connection_busy&) {
        ++refusals;
      }
    }
    co_return refusals;
  };
  bool other_ran = false;
  auto second = begin(stubborn, std::ref(other_ran));
  auto other = begin(
      [](connection&, bool& ran) -> task<> {
        co_await yield();
        ran = true;
      },
      std::ref(other_ran));

  REQUIRE(result(second) > 0);
  result(other);
  REQUIRE_FALSE(first.done());
  REQUIRE_FALSE(reader.done());
  const std::uint64_t all = stats().bytes_queued;
  REQUIRE(loop.run(count_bytes, there, all) == all);
  result(first);
  arrives("for the first\n");
  REQUIRE(result(reader) == "for the first\n");
}

TEST_CASE_METHOD(net_fixture, "both ends may send much at once and read it", "[net][send]") {
  const std::string one = pattern(1'000'000);
  const std::string two(1'000'000, '2');
  auto talk = [](connection& peer, const std::string& mine) -> task<std::string> {
    auto sending = spawn(
        [](connection& to, const std::string& text) -> task<> {
          co_await to.send(text);
          co_await to.send_eof();
        },
        std::ref(peer), std::cref(mine));
    std::string got = co_await peer.until_eof();
    co_await sending;
    co_return got;
  };
  auto left = begin(talk, std::cref(one));
  auto right = loop.spawn(talk, std::ref(there), std::cref(two));

  REQUIRE(result(left) == two);
  REQUIRE(result(right) == one);
}

}  // namespace send_test
