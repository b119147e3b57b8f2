// Reads as arms of first(): what is not taken stays, wherever the input is cut.
#include <cetane/base/errors.hpp>
#include <cetane/conc/first.hpp>
#include <cetane/conc/spawn.hpp>
#include <cetane/conc/timeout.hpp>

#include <catch2/catch_test_macros.hpp>
#include <net/net_fixture.hpp>
#include <support/probe_op.hpp>

#include <optional>
#include <string>
#include <tuple>
#include <vector>

namespace first_read_test {

using namespace cetane;
using namespace cetane::test;

TEST_CASE("a line that is there is read without suspending", "[net][first]") {
  net_fixture net;
  net.arrives("one\r\ntwo\r\n");
  auto reads = net.begin([](connection& c) -> task<std::string> {
    auto turn = co_await first(c.until_eol(), sleep(1h));
    co_return std::get<0>(turn).value();
  });
  CHECK(net.result(reads) == "one\r\n");
  CHECK(net.result(net.begin(read_line)) == "two\r\n");
  CHECK(net.stats().timers_armed == net.stats().timers_fired + net.stats().timers_cancelled);
}

TEST_CASE("every kind of read wins with its own result", "[net][first]") {
  net_fixture net;
  const auto reads = [](connection& c, std::string& got) -> task<> {
    {
      auto turn = co_await first(sleep(1h), c.until_eol());
      got += "1:" + std::get<1>(turn).value();
    }
    {
      auto turn = co_await first(sleep(1h), c.until_eol(line_end::crlf, 100));
      got += "2:" + std::get<1>(turn).value();
    }
    {
      auto turn = co_await first(sleep(1h), c.until("--"));
      got += "3:" + std::get<1>(turn).value();
    }
    {
      auto turn = co_await first(sleep(1h), c.receive(3));
      got += "4:" + std::get<1>(turn).value();
    }
    {
      auto turn = co_await first(sleep(1h), c.next_line());
      got += "5:" + std::get<1>(turn).value().value();
    }
    {
      auto turn = co_await first(sleep(1h), c.receive_some());
      got += "6:" + std::string(std::get<1>(turn).value());
    }
  };
  std::string got;
  auto all = net.begin(reads, std::ref(got));
  net.settle();
  for (const char* part : {"a\n", "b\n\r\n", "c--", "xyz", "d\r\n", "e"}) net.arrives(part);
  net.result(all);
  CHECK(got == "1:a\n2:b\n\r\n3:c--4:xyz5:d6:e");

  const auto ends = [](connection& c, std::string& text) -> task<> {
    {
      auto turn = co_await first(sleep(1h), c.next_chunk());
      text += std::string(std::get<1>(turn).value().value()) + "|";
    }
    {
      auto turn = co_await first(c.until_eof(), sleep(1h));
      text += std::get<0>(turn).value() + "|";
    }
    {
      auto turn = co_await first(c.next_line(), sleep(1h));
      text += std::get<0>(turn).value() ? "line" : "end";
    }
    {
      auto turn = co_await first(c.next_chunk(), sleep(1h));
      text += std::get<0>(turn).value() ? "chunk" : "end";
    }
  };
  std::string text;
  net.arrives("now");
  auto rest = net.begin(ends, std::ref(text));
  net.until([&] { return !text.empty(); });
  net.arrives("then");
  net.peer_ends();
  net.result(rest);
  CHECK(text == "now|then|endend");
}

TEST_CASE("a read that loses leaves all of its bytes", "[net][first]") {
  net_fixture net;
  probe other;
  auto waits = net.begin(
      [](connection& c, probe& p) -> task<int> {
        auto turn = co_await first(c.until_eol(), p);
        co_return std::get<1>(turn) ? 2 : 1;
      },
      std::ref(other));
  net.settle();
  net.arrives("half a ");
  net.settle();
  other.happen();
  CHECK(net.result(waits) == 2);
  net.arrives("line\n");
  CHECK(net.result(net.begin(read_line)) == "half a line\n");
}

TEST_CASE("ORDER-1: a ready operation beside a read wins, and the abandoned read delivers nothing",
          "[net][first]") {
  net_fixture net;
  probe item;
  item.happen();
  auto turns = net.begin(
      [](connection& c, probe& p) -> task<std::string> {
        auto turn = co_await first(c.until_eol(), p);
        CHECK_FALSE(std::get<0>(turn));
        CHECK(std::get<1>(turn));
        co_await sleep(5ms);
        co_return co_await c.until_eol();
      },
      std::ref(item));
  net.settle();
  net.arrives("its own\n");
  CHECK(net.result(turns) == "its own\n");
}

TEST_CASE("NEW-12: input that is there goes before what stands to its right", "[net][first]") {
  net_fixture net;
  probe item;
  item.happen();
  net.arrives("line\n");
  net.settle();
  auto turns = net.begin(
      [](connection& c, probe& p) -> task<> {
        auto one = co_await first(c.until_eol(), p, sleep(0s));
        CHECK(std::get<0>(one) == "line\n");
        auto two = co_await first(c.until_eol(), p, sleep(0s));
        CHECK(std::get<1>(two));
        auto three = co_await first(c.until_eol(), p, sleep(0s));
        CHECK(std::get<2>(three));
      },
      std::ref(item));
  net.result(turns);
}

TEST_CASE("a line that comes together with something to its left stays for the next read",
          "[net][first]") {
  net_fixture net;
  probe left;
  std::vector<std::string> seen;
  auto turns = net.begin(
      [](connection& c, probe& p, std::vector<std::string>& all) -> task<> {
        for (int i = 0; i < 2; ++i) {
          auto turn = co_await first(p, c.until_eol());
          all.push_back(std::get<0>(turn) ? "probe" : *std::get<1>(turn));
        }
      },
      std::ref(left), std::ref(seen));
  net.settle();
  // The probe wakes the task, and before that runs the line is there too.
  auto both = [&]() -> task<> {
    left.happen();
    co_return;
  };
  (void)net.loop.spawn(both);
  net.arrives("line\n");
  net.result(turns);
  CHECK(seen == std::vector<std::string>{"probe", "line\n"});
}

TEST_CASE("more input while the task has its turn to come does not change the message",
          "[net][first]") {
  net_fixture net;
  probe right;
  std::vector<std::string> seen;
  auto turns = net.begin(
      [](connection& c, probe& p, std::vector<std::string>& all) -> task<> {
        while (all.size() < 4) {
          auto turn = co_await first(c.until_eol(), p);
          all.push_back(std::get<1>(turn) ? "probe" : *std::get<0>(turn));
        }
      },
      std::ref(right), std::ref(seen));
  net.settle();
  right.happen();
  net.arrives("one\ntwo\n");
  net.arrives("three\n");
  net.result(turns);
  std::string lines;
  for (const std::string& each : seen) lines += each == "probe" ? "" : each;
  CHECK(lines == "one\ntwo\nthree\n");
}

TEST_CASE("first with a read throws when the peer leaves, and says what was left", "[net][first]") {
  net_fixture net;
  net.arrives("tail");
  auto waits = net.begin([](connection& c) -> task<> {
    auto turn = co_await first(sleep(1h), c.until_eol());
    (void)turn;
  });
  net.settle();
  net.peer_ends();
  std::string leftover;
  try {
    net.result(waits);
  } catch (const connection_closed& e) {
    leftover = e.leftover();
  }
  CHECK(leftover == "tail");
  CHECK(net.stats().timers_live == 0);
}

TEST_CASE("first with a read notices a connection that is closed on this side", "[net][first]") {
  net_fixture net;
  auto waits = net.begin([](connection& c) -> task<> { co_await first(c.receive(5), sleep(1h)); });
  net.settle();
  net.here.close();
  CHECK_THROWS_AS(net.result(waits), connection_closed);
  auto again = net.begin([](connection& c) -> task<> { co_await first(sleep(1h), c.until_eol()); });
  CHECK_THROWS_AS(net.result(again), connection_closed);
}

TEST_CASE(
    "W2: a handler that catches the end of its connection in a loop of first leaves others "
    "their turns",
    "[net][first]") {
  prompt_fixture net;
  net.peer_ends();
  bool stop = false;
  auto spins = net.begin(
      [](connection& c, bool& over) -> task<int> {
        int caught = 0;
        while (!over) {
          try {
            co_await first(c.until_eol(), sleep(1h));
          } catch (const connection_closed&) {
            ++caught;
          }
        }
        co_return caught;
      },
      std::ref(stop));
  auto other = net.loop.spawn(
      [](bool& over) -> task<> {
        for (int i = 0; i < 10; ++i) co_await yield();
        over = true;
      },
      std::ref(stop));
  net.result(other);
  CHECK(net.result(spins) > 0);
}

TEST_CASE("NEW-18: a reader beside a read in first is refused, and so is the other way round",
          "[net][first]") {
  net_fixture net;
  const auto in_first = [](connection& c) -> task<> { co_await first(c.until_eol(), sleep(1h)); };
  const auto direct = [](connection& c) -> task<> { co_await c.until_eol(); };
  auto reader = net.begin(in_first);
  net.settle();
  CHECK_THROWS_AS(net.result(net.begin(direct)), connection_busy);
  CHECK_THROWS_AS(net.result(net.begin(in_first)), connection_busy);
  net.arrives("for the first\n");
  CHECK_NOTHROW(net.result(reader));

  auto plain = net.begin(direct);
  net.settle();
  CHECK_THROWS_AS(net.result(net.begin(in_first)), connection_busy);
  net.arrives("for the plain one\n");
  CHECK_NOTHROW(net.result(plain));
}

TEST_CASE("two reads of one connection in first are one too many", "[net][first]") {
  net_fixture net;
  auto both =
      net.begin([](connection& c) -> task<> { co_await first(c.until_eol(), c.receive(100)); });
  CHECK_THROWS_AS(net.result(both), connection_busy);
  net.arrives("fine\n");
  CHECK(net.result(net.begin(read_line)) == "fine\n");
}

TEST_CASE("reads of two connections stand side by side", "[net][first]") {
  net_fixture net;
  connected_pair more(net.loop);
  auto turns = net.begin(
      [](connection& a, connection& b) -> task<std::string> {
        std::string all;
        for (int i = 0; i < 2; ++i) {
          auto turn = co_await first(a.until_eol(), b.until_eol());
          all += std::get<0>(turn) ? "a:" + *std::get<0>(turn) : "b:" + *std::get<1>(turn);
        }
        co_return all;
      },
      std::ref(more.here));
  net.settle();
  deliver(net.loop, more.there, "one\n");
  net.settle();
  net.arrives("two\n");
  CHECK(net.result(turns) == "b:one\na:two\n");
}

TEST_CASE("a line that is too long is told by first, and dropped as it arrives", "[net][first]") {
  net_fixture net;
  auto turns = net.begin([](connection& c) -> task<std::string> {
    try {
      co_await first(c.until_eol(8), sleep(1h));
    } catch (const message_too_long&) {
    }
    auto turn = co_await first(c.until_eol(8), sleep(1h));
    co_return std::get<0>(turn).value();
  });
  net.settle();
  net.arrives("much too lo");
  net.settle();
  net.arrives("ng\nshort\n");
  CHECK(net.result(turns) == "short\n");
}

TEST_CASE("a line that is too long is not dropped by a read that loses", "[net][first]") {
  net_fixture net;
  probe left;
  left.happen();
  net.arrives("much too long\n");
  net.settle();
  auto turns = net.begin(
      [](connection& c, probe& p) -> task<std::string> {
        auto turn = co_await first(p, c.until_eol(8));
        CHECK(std::get<0>(turn));
        co_return co_await c.until_eol(100);
      },
      std::ref(left));
  CHECK(net.result(turns) == "much too long\n");
}

TEST_CASE("closed() in first tells of the peer's end while input waits unread", "[net][first]") {
  net_fixture net;
  auto waits = net.begin([](connection& c) -> task<closed_by_peer> {
    auto turn = co_await first(sleep(1h), c.closed());
    co_return std::get<1>(turn).value();
  });
  net.settle();
  net.arrives("unread");
  net.peer_ends();
  CHECK(net.result(waits) == closed_by_peer::end_of_input);
  CHECK(net.result(net.begin(read_to_end)) == "unread");
  CHECK(net.stats().timers_live == 0);
}

TEST_CASE("a timeout around first with a read leaves the bytes", "[net][first]") {
  net_fixture net;
  net.arrives("first half, ");
  net.settle();
  auto turns = net.begin([](connection& c) -> task<std::string> {
    auto late = co_await move_on_after(1ms, first(c.until_eol(), c.closed()));
    CHECK_FALSE(late);
    co_return co_await c.until_eol();
  });
  net.until([&] { return net.stats().timers_fired > 0; });
  net.arrives("second half\n");
  CHECK(net.result(turns) == "first half, second half\n");
}

TEST_CASE("wherever the input is cut, and whatever wins, no byte is lost or read twice",
          "[net][first]") {
  const std::string text = "alpha\r\nbeta\n\r\ngamma delta\nlast\n";
  for (std::size_t cut = 1; cut < text.size(); ++cut) {
    net_fixture net;
    probe other;
    std::string lines;
    auto turns = net.begin(
        [](connection& c, probe& p, std::string& all, std::size_t wanted) -> task<> {
          while (all.size() < wanted) {
            auto turn = co_await first(p, c.until_eol());
            if (std::get<1>(turn)) all += *std::get<1>(turn);
          }
        },
        std::ref(other), std::ref(lines), text.size());
    net.settle();
    for (std::size_t at = 0; at < text.size(); at += cut) {
      net.arrives(text.substr(at, cut));
      other.happen();
      if (at % 3 == 0) net.settle();
    }
    net.result(turns);
    CHECK(lines == text);
  }
}

TEST_CASE("a line that is waited for in many goes is found where it ends", "[net][first]") {
  net_fixture net;
  probe other;
  auto turns = net.begin(
      [](connection& c, probe& p) -> task<std::string> {
        for (;;) {
          auto turn = co_await first(p, c.until("\r\n"));
          if (std::get<1>(turn)) co_return *std::get<1>(turn) + co_await c.until("\n");
        }
      },
      std::ref(other));
  net.settle();
  std::string sent;
  for (const char* part : {"ab\n", "cd\r", "x", "\r", "\n", "next\n"}) {
    sent += part;
    net.arrives(part);
    other.happen();
    net.settle();
  }
  CHECK(net.result(turns) == sent);
}

}  // namespace first_read_test
