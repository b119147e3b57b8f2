// Handlers that ask several stores at once, in a group, where one child may fail: the first error
// ends all of them, and is the one that comes out; nobody is left when the group has ended.
#include <scenarios/weather.hpp>

#include <cetane/base/text.hpp>

#include <fmt/format.h>

#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

namespace group_test {

using namespace cetane;
using namespace cetane::test;
using testing::world;

namespace {

constexpr std::size_t children = 4;
constexpr std::size_t nobody = children;

struct stage {
  explicit stage(world& w) : sky(w), dice(w.random().fork("stage")) {}

  weather sky;
  random_stream dice;
  std::uint16_t store = 0;
  std::uint16_t front = 0;
};

// What one group has come to.
struct inquiry {
  std::size_t failing = nobody;
  std::size_t alive = 0;
  std::size_t answered = 0;
  std::size_t cancelled = 0;
  std::size_t sum = 0;
  std::string first_error;
};

task<> answer_squares(connection& peer) {
  while (auto line = co_await peer.next_line()) {
    const std::size_t number = std::stoul(*line);
    co_await peer.print("{}\n", number * number);
  }
}

task<std::size_t> ask_store(stage& s, std::size_t number) {
  connection store = co_await connect("store", s.store).timeout(1s);
  co_await store.print("{}\n", number);
  co_return std::stoul(co_await store.until_eol());
}

void note_error(inquiry& of, std::string text) {
  if (of.first_error.empty()) of.first_error = std::move(text);
}

task<> ask_or_fail(stage& s, inquiry& of, std::size_t number, duration fails_after) {
  const std::size_t square = co_await ask_store(s, number);
  if (of.failing == number) {
    co_await sleep(fails_after);
    throw std::runtime_error(fmt::format("child {} has failed", number));
  }
  of.sum += square;
  ++of.answered;
}

task<> child(stage& s, inquiry& of, std::size_t number, duration fails_after) {
  ++of.alive;
  const scope_exit leave([&] { --of.alive; });
  try {
    co_await ask_or_fail(s, of, number, fails_after);
  } catch (const cancelled& e) {
    ++of.cancelled;
    expect(e.reason == cancel_reason::sibling, "a child was cancelled for another reason");
    throw;
  } catch (const std::exception& e) {
    note_error(of, e.what());
    throw;
  }
}

// Gives the error that came out.
task<std::string> ask_all(stage& s, inquiry& of, duration fails_after) {
  try {
    co_await with_group([&](group& all) -> task<> {
      for (std::size_t n = 0; n < children; ++n) {
        all.spawn(child, std::ref(s), std::ref(of), n, fails_after);
      }
      co_return;
    });
  } catch (const std::exception& e) {
    co_return e.what();
  }
  co_return "";
}

task<> inquire(connection& peer, stage& s) {
  while (auto line = co_await peer.next_line()) {
    inquiry of;
    of.failing = std::stoul(*line);
    const duration fails_after = s.dice.uniform(duration(0ms), duration(20ms));
    const std::string error = co_await ask_all(s, of, fails_after);
    expect(of.alive == 0, "a child has outlived its group");
    expect(error == of.first_error, "another error than the first came out");
    expect(!error.empty() || of.answered == children, "a child was cancelled for nothing");
    expect(of.answered + of.cancelled <= children, "a child has ended twice");
    expect(of.failing == nobody || !error.empty(), "an error was swallowed");
    const std::string word = error.empty() ? "well" : error;
    co_await peer.print("{} {}\n", of.sum, word);
  }
}

task<> ask_once(connection& front, stage& s, random_stream& dice) {
  const bool was_calm = s.sky.calm();
  const std::size_t failing = dice.uniform(0, 2 * children);
  co_await front.print("{}\n", failing < children ? failing : nobody);
  const std::string answer = co_await front.until_eol();
  if (!was_calm) co_return;
  if (failing < children) {
    expect(trim(answer).ends_with(fmt::format("child {} has failed", failing)), "no child failed");
  } else {
    expect(answer == "14 well\n", "the sum is wrong");
  }
}

task<> visit_once(stage& s, random_stream& dice) {
  connection front = co_await reach(s.front);
  for (int n = 0; n < 3; ++n) co_await ask_once(front, s, dice);
}

task<> visit(stage& s, random_stream dice) {
  for (std::uint64_t left = dice.uniform(1, 4); left > 0; --left) {
    try {
      co_await visit_once(s, dice);
    } catch (const connection_error&) {
    }
  }
  co_await s.sky.wait_until_calm();
  co_await visit_once(s, dice);
}

}  // namespace

TEST_CASE("group with a failing child: the first error comes out, and nobody is left",
          "[scenario]") {
  play("failing child", [](world& w) -> task<> {
    stage s(w);
    const auto& store = w.serve(service(answer_squares, 0));
    const auto& front = w.serve(service(inquire, 0, std::ref(s)));
    s.store = store.port();
    s.front = front.port();
    co_await with_group([&](group& all) -> task<> {
      all.spawn(visit, std::ref(s), w.random().fork("one"));
      all.spawn(visit, std::ref(s), w.random().fork("two"));
      all.spawn([&]() -> task<> { return s.sky.clear_up(); });
      co_return;
    });
  });
}

}  // namespace group_test
