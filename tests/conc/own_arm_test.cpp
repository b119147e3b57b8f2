// The operation of docs/howto/write-an-arm.md: the document shows what is here.
#include <cetane/conc/first.hpp>
#include <cetane/conc/selectable.hpp>
#include <cetane/conc/sleep.hpp>
#include <cetane/conc/spawn.hpp>
#include <cetane/conc/timeout.hpp>

#include <catch2/catch_test_macros.hpp>
#include <support/expect.hpp>
#include <support/test_loop.hpp>
#include <support/turn.hpp>

#include <chrono>
#include <deque>
#include <functional>
#include <string>
#include <utility>

namespace own_arm_test {

using namespace std::chrono_literals;
using cetane::task;
using cetane::test::engaged;
using cetane::test::test_loop;

// [counter]
// A counter that sells numbered tickets: who comes when there are none waits in line.
class ticket_counter {
 public:
  class wait;

  // What is awaited. It says which counter, and which class waits there.
  class [[nodiscard("take() does nothing until it is awaited")]] take_op {
   public:
    using select_type = wait;
    explicit take_op(ticket_counter & at) noexcept : counter(&at) {}
    cetane::sole_wait<wait> operator co_await() const;
    ticket_counter* counter;
  };

  take_op take() noexcept { return take_op(*this); }

  void add_tickets(int count) {
    left_ += count;
    serve();
  }
  int left() const noexcept { return left_; }

 private:
  void serve() noexcept;

  int left_ = 0;
  int next_ = 1;
  std::deque<wait*> line_;
};
// [/counter]

// [wait]
class ticket_counter::wait final : public cetane::selectable {
 public:
  explicit wait(const take_op& op) noexcept : counter_(*op.counter) {}
  ~wait() { disarm(); }  // the loop may end before a woken task has run

  // Is there one for this task? Those in line come before those who have only just come.
  bool poll() const noexcept { return promised_ || (counter_.left_ > 0 && counter_.line_.empty()); }

  void arm() {
    counter_.line_.push_back(this);
    counter_.serve();
  }

  // A promised ticket goes back, to the next in line.
  void disarm() noexcept {
    std::erase(counter_.line_, this);
    if (std::exchange(promised_, false)) ++counter_.left_;
    counter_.serve();
  }

  // Armed or not: the ticket is taken, and this wait is over.
  int commit() noexcept {
    if (!std::exchange(promised_, false)) --counter_.left_;
    return counter_.next_++;
  }

  std::string describe_wait() const { return "ticket"; }

 private:
  friend ticket_counter;

  ticket_counter& counter_;
  bool promised_ = false;  // and not in line any more
};

// Promises what there is to the first in line. A ticket that is promised is nobody else's.
void ticket_counter::serve() noexcept {
  while (left_ > 0 && !line_.empty()) {
    wait& first = *line_.front();
    line_.pop_front();
    --left_;
    first.promised_ = true;
    first.wake();
  }
}

cetane::sole_wait<ticket_counter::wait> ticket_counter::take_op::operator co_await() const {
  return cetane::sole_wait<wait>(*this);
}
// [/wait]

// [use]
task<std::string> queue_up(ticket_counter& counter) {
  auto turn = co_await cetane::first(counter.take(), cetane::sleep(10s));
  auto& [ticket, too_late] = turn;
  if (too_late) co_return "went home";
  co_return "ticket " + std::to_string(*ticket);
}
// [/use]

TEST_CASE("an operation of the program's own is awaited alone", "[conc][own_arm]") {
  ticket_counter counter;
  test_loop loop;
  auto waiting = loop.spawn([&]() -> task<int> { co_return co_await counter.take(); });
  loop.loop().run_once(cetane::time_point::min());
  counter.add_tickets(2);
  CHECK(loop.run([&]() -> task<int> { co_return co_await waiting; }) == 1);
  CHECK(loop.run([&]() -> task<int> { co_return co_await counter.take(); }) == 2);
  CHECK(counter.left() == 0);
  check_nothing_left(loop);
}

TEST_CASE("an operation of the program's own is an arm of first()", "[conc][own_arm]") {
  ticket_counter counter;
  test_loop loop;
  auto one = loop.spawn(queue_up, std::ref(counter));
  auto two = loop.spawn(queue_up, std::ref(counter));
  loop.loop().run_once(cetane::time_point::min());
  counter.add_tickets(1);
  counter.add_tickets(1);
  loop.run([&]() -> task<> {
    const std::string first_text = co_await one;
    const std::string second_text = co_await two;
    CHECK(first_text == "ticket 1");
    CHECK(second_text == "ticket 2");
  });
  check_nothing_left(loop);
}

TEST_CASE("a ticket that was promised to a loser goes to the next in line", "[conc][own_arm]") {
  ticket_counter counter;
  ticket_counter other;
  test_loop loop;
  auto loser = loop.spawn([&]() -> task<int> {
    auto turn = co_await cetane::first(other.take(), counter.take());
    co_return engaged(turn);
  });
  auto next = loop.spawn([&]() -> task<int> { co_return co_await counter.take(); });
  loop.loop().run_once(cetane::time_point::min());
  counter.add_tickets(1);
  other.add_tickets(1);
  loop.run([&]() -> task<> {
    const int which = co_await loser;
    const int number = co_await next;
    CHECK(which == 1);
    CHECK(number == 1);
  });
  check_nothing_left(loop);
}

TEST_CASE("who is cancelled leaves the line of an operation of the program's own",
          "[conc][own_arm]") {
  ticket_counter counter;
  test_loop loop;
  loop.run([&]() -> task<> {
    const auto number = co_await cetane::move_on_after(1ms, counter.take());
    CHECK_FALSE(number);
  });
  counter.add_tickets(1);
  CHECK(counter.left() == 1);
  check_nothing_left(loop);
}

TEST_CASE("a loop that ends leaves a ticket that its task was promised", "[conc][own_arm]") {
  ticket_counter counter;
  {
    test_loop loop;
    (void)loop.spawn(queue_up, std::ref(counter));
    loop.loop().run_once(cetane::time_point::min());
    counter.add_tickets(1);
    CHECK(counter.left() == 0);
  }
  CHECK(counter.left() == 1);
}

TEST_CASE("who is too late for a ticket goes home", "[conc][own_arm][not-epoll]") {
  ticket_counter counter;
  test_loop loop;
  CHECK(loop.run(queue_up, std::ref(counter)) == "went home");
  counter.add_tickets(1);
  CHECK(counter.left() == 1);
}

}  // namespace own_arm_test
