// Exceptions through coroutines: before and after a suspension, through many frames, out of each
// part of an await.
#include "patterns.hpp"

#include <coroutine>
#include <exception>
#include <stdexcept>
#include <string>

namespace exceptions_test {

namespace {

task<int> fail(const char* why, bool later) {
  if (later) co_await yield();
  throw std::runtime_error(why);
}

task<int> fail_below(int levels, ledger& objects, bool later) {
  const traced local(objects, levels);
  if (levels == 1) co_return co_await fail("from below", later);
  const int got = co_await fail_below(levels - 1, objects, later);
  co_return got + 1;
}

task<int> take(traced a, traced b) {
  co_await yield();
  co_return a.number() + b.number();
}
traced fail_to_make(ledger&) { throw std::runtime_error("no object"); }
task<traced> fail_to_get(ledger& objects) {
  const traced local(objects, 9);
  co_await yield();
  throw std::runtime_error("no object");
}

enum class part { ready, suspend, resume };

class failing_awaiter {
 public:
  explicit failing_awaiter(part where) : where_(where) {}
  bool await_ready() const {
    if (where_ == part::ready) throw std::runtime_error("ready");
    return false;
  }
  bool await_suspend(std::coroutine_handle<>) const {
    if (where_ == part::suspend) throw std::runtime_error("suspend");
    return false;
  }
  void await_resume() const {
    if (where_ == part::resume) throw std::runtime_error("resume");
  }

 private:
  part where_;
};

task<std::string> message_of(task<int> (*failing)(const char*, bool), bool later) {
  std::string message = "none";
  try {
    co_await failing("caught", later);
  } catch (const std::logic_error&) {
    message = "wrong handler";
  } catch (const std::exception& e) {
    message = e.what();
  }
  co_await yield();
  co_return message;
}

task<int> handled_in_body(bool later) try {
  co_return co_await fail("inside", later);
} catch (const std::runtime_error&) {
  co_return 1;
}

}  // namespace

TEST_CASE("the handler that fits is taken", "[compiler]") {
  run_pattern([](ledger&) -> task<> {
    equal(co_await message_of(fail, false), "caught");
    equal(co_await message_of(fail, true), "caught");
  });
}

TEST_CASE("an exception passes many frames and destroys their locals on its way", "[compiler]") {
  for (const bool later : {false, true}) {
    run_pattern([later](ledger& objects) -> task<> {
      std::string caught;
      try {
        co_await fail_below(50, objects, later);
      } catch (const std::runtime_error& e) {
        caught = e.what();
      }
      CHECK(caught == "from below");
      CHECK(objects.alive == 0);
      CHECK(objects.destroyed.size() == 50);
      CHECK(objects.destroyed.front() == 1);
      CHECK(objects.destroyed.back() == 50);
    });
  }
}

TEST_CASE("an exception while the arguments are made", "[compiler]") {
  run_pattern([](ledger& objects) -> task<> {
    int caught = 0;
    try {
      co_await take(traced(objects, 1), fail_to_make(objects));
    } catch (const std::runtime_error&) {
      ++caught;
    }
    try {
      co_await take(traced(objects, 2), co_await fail_to_get(objects));
    } catch (const std::runtime_error&) {
      ++caught;
    }
    try {
      co_await take(co_await fail_to_get(objects), traced(objects, 3));
    } catch (const std::runtime_error&) {
      ++caught;
    }
    CHECK(caught == 3);
    CHECK(objects.alive == 0);
  });
}

TEST_CASE("an exception from each part of an await", "[compiler]") {
  run_pattern([](ledger& objects) -> task<> {
    std::string caught;
    for (const part where : {part::ready, part::suspend, part::resume}) {
      const traced local(objects, 1);
      try {
        const traced inner(objects, 2);
        co_await failing_awaiter(where);
        caught += "nothing ";
      } catch (const std::runtime_error& e) {
        caught += e.what() + std::string(" ");
      }
    }
    CHECK(caught == "ready suspend resume ");
  });
}

TEST_CASE("an exception is thrown on, replaced, kept and thrown again", "[compiler]") {
  run_pattern([](ledger& objects) -> task<> {
    std::string caught;
    const auto outer = [&]() -> task<> {
      const traced local(objects, 1);
      try {
        co_await fail("first", true);
      } catch (const std::runtime_error& e) {
        caught += e.what();
        throw;
      }
    };
    std::exception_ptr kept;
    try {
      co_await outer();
    } catch (...) {
      kept = std::current_exception();
    }
    co_await yield();
    try {
      std::rethrow_exception(kept);
    } catch (const std::runtime_error& e) {
      caught += std::string(" again ") + e.what();
    }
    CHECK(caught == "first again first");
  });
}

TEST_CASE("try blocks within loops, left by continue and break", "[compiler]") {
  run_pattern([](ledger& objects) -> task<> {
    int rounds = 0;
    int caught = 0;
    for (;;) {
      const traced local(objects, ++rounds);
      try {
        const traced inner(objects, 100 + rounds);
        if (rounds == 4) break;
        if (rounds % 2 == 0) continue;
        co_await fail("odd", rounds == 3);
      } catch (const std::runtime_error&) {
        ++caught;
        continue;
      }
    }
    CHECK(rounds == 4);
    CHECK(caught == 2);
    CHECK(objects.alive == 0);
  });
}

TEST_CASE("a handler around the whole body", "[compiler]") {
  run_pattern([](ledger&) -> task<> {
    equal(co_await handled_in_body(false), 1);
    equal(co_await handled_in_body(true), 1);
  });
}

TEST_CASE("an exception while another is handled further up", "[compiler]") {
  run_pattern([](ledger&) -> task<> {
    struct cleans_up {
      ~cleans_up() {
        try {
          throw 1;
        } catch (int) {
        }
      }
    };
    std::string caught;
    const auto body = [&]() -> task<> {
      const cleans_up here;
      co_await fail("outer", true);
    };
    try {
      co_await body();
    } catch (const std::runtime_error& e) {
      caught = e.what();
    }
    CHECK(caught == "outer");
    CHECK(std::uncaught_exceptions() == 0);
  });
}

}  // namespace exceptions_test
