#include <cetane/conc/fork_from_thread.hpp>
#include <cetane/conc/sleep.hpp>

#include <catch2/catch_test_macros.hpp>
#include <support/test_loop.hpp>

#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <utility>

namespace fork_from_thread_test {

using namespace cetane;
using cetane::test::test_loop;

namespace {

struct heard {
  std::string text;
  std::thread::id by;
};

task<> hear(heard& in, std::string text, std::unique_ptr<int> number) {
  co_await yield();
  in.text = text + " " + std::to_string(*number);
  in.by = std::this_thread::get_id();
}

// Runs `body` on a thread of its own, and the loop until `done()`.
void beside(event_loop& loop, const std::function<void()>& body,
            const std::function<bool()>& done) {
  loop.io().begin_external();  // a simulated loop would take the silence for a deadlock
  std::thread other(body);
  loop.run_until(done);
  other.join();
  loop.io().end_external();
}

}  // namespace

TEST_CASE("another thread forks a task into a loop", "[conc][fork][post]") {
  test_loop loop;
  heard what;
  bool taken = false;

  beside(
      loop,
      [&] {
        taken = fork_from_thread(loop, hear, std::ref(what), "number", std::make_unique<int>(7));
      },
      [&] { return !what.text.empty(); });

  CHECK(taken);
  CHECK(what.text == "number 7");
  CHECK(what.by == std::this_thread::get_id());
}

TEST_CASE("post gives a function and its arguments to a loop, from another thread",
          "[conc][post]") {
  test_loop loop;
  heard what;
  bool taken = false;
  const auto note = [](heard& in, const std::string& text, std::unique_ptr<int> number) {
    in.text = text + " " + std::to_string(*number);
    in.by = std::this_thread::get_id();
  };

  beside(
      loop,
      [&] {
        taken = post(loop, note, std::ref(what), std::string("number"), std::make_unique<int>(7));
      },
      [&] { return !what.text.empty(); });

  CHECK(taken);
  CHECK(what.text == "number 7");
  CHECK(what.by == std::this_thread::get_id());
}

TEST_CASE("a loop whose mailbox is full takes no fork", "[conc][fork][post]") {
  test_loop loop;
  int runs = 0;
  const auto count = [](int& n) { ++n; };
  const auto forked = [](int& n) -> task<> {
    n = -1;
    co_return;
  };
  for (std::size_t i = 0; i < default_mailbox_limit; ++i)
    REQUIRE(post(loop, count, std::ref(runs)));

  CHECK_FALSE(fork_from_thread(loop, forked, std::ref(runs)));
  CHECK_FALSE(post(loop, count, std::ref(runs)));

  loop.loop().run_once(time_point::min());
  CHECK(runs == static_cast<int>(default_mailbox_limit));
}

}  // namespace fork_from_thread_test
