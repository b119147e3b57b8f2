// Awaiters of every shape: what a program brings of its own beside those of the library.
#include "patterns.hpp"

#include <coroutine>
#include <memory>
#include <string>
#include <utility>

namespace awaiters_test {

namespace {

// Cannot be copied or moved: made in the frame, or not at all.
class pinned {
 public:
  pinned(ledger& objects, int number) : held_(objects, number) {}
  pinned(const pinned&) = delete;
  pinned& operator=(const pinned&) = delete;
  bool await_ready() const { return false; }
  bool await_suspend(std::coroutine_handle<>) { return false; }
  int await_resume() { return self_ == this ? held_.number() : -1; }

 private:
  const pinned* self_ = this;
  traced held_;
};

class makes_pinned {
 public:
  makes_pinned(ledger& objects, int number) : objects_(objects), number_(number) {}
  pinned operator co_await() const { return pinned(objects_, number_); }

 private:
  ledger& objects_;
  int number_;
};

struct free_operand {
  explicit free_operand(int n) : number(n) {}
  int number;
};
struct free_awaiter {
  explicit free_awaiter(int n) : number(n) {}
  bool await_ready() const { return true; }
  void await_suspend(std::coroutine_handle<>) const {}
  int await_resume() const { return number; }
  int number;
};
free_awaiter operator co_await(const free_operand& operand) { return free_awaiter(operand.number); }

template <bool Suspends>
class says_bool {
 public:
  bool await_ready() const { return false; }
  bool await_suspend(std::coroutine_handle<>) const { return Suspends; }
  int await_resume() const { return 1; }
};

class hands_back {
 public:
  bool await_ready() const { return false; }
  std::coroutine_handle<> await_suspend(std::coroutine_handle<> frame) const { return frame; }
  int await_resume() const { return 2; }
};

class gives {
 public:
  explicit gives(std::string text) : text_(std::move(text)) {}
  bool await_ready() const { return true; }
  void await_suspend(std::coroutine_handle<>) const {}
  std::string& await_resume() & { return text_; }
  std::string await_resume() && { return std::move(text_); }

 private:
  std::string text_;
};

}  // namespace

TEST_CASE("an awaiter that cannot be moved", "[compiler]") {
  run_pattern([](ledger& objects) -> task<> {
    equal(co_await makes_pinned(objects, 1), 1);
    const makes_pinned named(objects, 2);
    equal(co_await named, 2);
    equal(co_await named, 2);
  });
}

TEST_CASE("an awaiter that is named, and one made in the expression", "[compiler]") {
  run_pattern([](ledger& objects) -> task<> {
    pinned named(objects, 1);
    equal(co_await named, 1);
    equal(co_await pinned(objects, 2), 2);
    gives text(std::string(50, 'x'));
    equal((co_await text).size(), 50);
    equal((co_await gives(std::string(60, 'x'))).size(), 60);
  });
}

TEST_CASE("an operand whose co_await operator is a free function", "[compiler]") {
  run_pattern([](ledger&) -> task<> {
    const free_operand named(3);
    equal(co_await named, 3);
    equal(co_await free_operand(4), 4);
  });
}

TEST_CASE("awaiters that decide late not to suspend", "[compiler]") {
  run_pattern([](ledger&) -> task<> {
    equal(co_await says_bool<false>(), 1);
    equal(co_await hands_back(), 2);
    equal(co_await says_bool<false>() + co_await hands_back(), 3);
  });
}

}  // namespace awaiters_test
