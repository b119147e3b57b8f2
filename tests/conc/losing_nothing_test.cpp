// Random operations, alone and as arms of first(), within timeouts and races, cancelled at random
// points of a simulated network: whatever happens, every byte and every item is accounted for
// exactly once, and nothing stays locked.
//
// A failure names its seed: CETANE_TEST_SEED=<seed> CETANE_SEEDS=1 repeats it alone.
#include <cetane/base/errors.hpp>
#include <cetane/base/scope_exit.hpp>
#include <cetane/conc/first.hpp>
#include <cetane/conc/group.hpp>
#include <cetane/conc/race.hpp>
#include <cetane/conc/shielded.hpp>
#include <cetane/conc/timeout.hpp>

#include <catch2/catch_test_macros.hpp>
#include <conc/random_arms.hpp>
#include <support/expect.hpp>
#include <support/make_test_backend.hpp>
#include <support/test_loop.hpp>

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace losing_nothing_test {

using namespace cetane;
using namespace cetane::test;

namespace {

// What is drawn when a task takes no locks, so that none waits for another for ever.
any_arm random_arm(actor& self, winnings& won) {
  if (self.pipe != nullptr && self.world.numbers.one_in(2)) return random_read(self);
  if (self.world.numbers.one_in(3)) return random_lock(self, won);
  return random_wait(self);
}

task<> wait_for_one(actor& self, winnings& won) {
  any_arm one = random_arm(self, won);
  co_await std::move(one);
}

// At most one of the arms reads, and at most one locks: a task that has one lock does not wait for
// another.
task<> wait_for_first(actor& self, winnings& won) {
  dice& numbers = self.world.numbers;
  any_arm one = random_arm(self, won);
  any_arm two = random_wait(self);
  any_arm three = random_wait(self);
  switch (numbers.roll(4)) {
    case 0:
      (void)co_await first(std::move(one), std::move(two));
      break;
    case 1:
      (void)co_await first(std::move(two), std::move(one));
      break;
    case 2:
      (void)co_await first(std::move(two), std::move(one), std::move(three));
      break;
    default:
      (void)co_await first(std::move(one), std::move(two), std::move(three));
      break;
  }
}

// Holds for some time what it has won.
task<> choose_and_hold(actor& self) {
  random_world& w = self.world;
  winnings won;
  const scope_exit leave([&] { give_back(w, won); });
  if (w.numbers.one_in(3)) {
    co_await wait_for_one(self, won);
  } else {
    co_await wait_for_first(self, won);
  }
  for (std::size_t turns = w.numbers.roll(3); turns > 0; --turns) co_await yield();
}

// The same with reads as they are awaited by themselves, without first().
task<> read_directly(actor& self) {
  random_world& w = self.world;
  connection& from = self.pipe->from;
  const duration span = w.numbers.span(2ms);
  self.mark = "\n";
  switch (w.numbers.roll(6)) {
    case 0:
      self.pipe->got(co_await from.until_eol(short_limit));
      break;
    case 1:
      self.pipe->got(co_await with_timeout(span, from.until_eol()));
      break;
    case 2: {
      const auto line = co_await move_on_after(span, from.next_line());
      if (line) self.pipe->got_line(*line);
      break;
    }
    case 3: {
      const auto some = co_await move_on_after(span, from.receive_some());
      if (some) self.pipe->got(some->view());
      break;
    }
    case 4: {
      const auto text = co_await move_on_after(span, from.receive(1 + w.numbers.roll(30)));
      if (text) self.pipe->got(*text);
      break;
    }
    default: {
      const auto some = co_await with_timeout(span, from.next_chunk());
      if (some) self.pipe->got(some->view());
      if (!some) self.pipe->got_end();
    }
  }
}

// One task of two reads; the other has no pipe.
task<> race_two(actor& self) {
  actor other(self.world);
  co_await race(choose_and_hold(self), choose_and_hold(other));
}

task<> group_of_three(actor& self) {
  actor second(self.world);
  actor third(self.world);
  co_await with_group([&](group& g) -> task<> {
    g.spawn(choose_and_hold, std::ref(self));
    g.spawn(choose_and_hold, std::ref(second));
    co_await choose_and_hold(third);
    if (self.world.numbers.one_in(2)) g.cancel();
  });
}

task<> one_turn(actor& self) {
  random_world& w = self.world;
  const duration span = w.numbers.span(2ms);
  switch (w.numbers.roll(10)) {
    case 0:
      co_await with_timeout(span, choose_and_hold(self));
      break;
    case 1:
      co_await move_on_after(span, choose_and_hold(self));
      break;
    case 2:
      co_await move_on_after(0s, choose_and_hold(self));
      break;
    case 3:
      co_await race_two(self);
      break;
    case 4:
      co_await move_on_after(5ms, group_of_three(self));
      break;
    case 5:
      co_await shielded(span, choose_and_hold(self));
      break;
    case 6:
      co_await with_timeout(span, move_on_after(1ms, race_two(self)));
      break;
    case 7: {
      if (self.pipe != nullptr) co_await read_directly(self);
      break;
    }
    default:
      co_await choose_and_hold(self);
      break;
  }
  co_await yield();
}

// What may be thrown is part of the account.
task<> act(random_world& w, pipe_account* pipe, hearing* ear) {
  actor self(w, pipe, ear);
  for (;;) {
    try {
      co_await one_turn(self);
    } catch (const timed_out&) {
    } catch (const message_too_long&) {
      pipe->dropped(self.mark);
    } catch (const connection_closed& e) {
      pipe->left_over(e.leftover());
    }
  }
}

std::string random_text(dice& numbers) {
  static constexpr std::string_view alphabet = "abcde;\n";
  std::string text;
  for (std::size_t n = numbers.roll(20); n > 0; --n) text += alphabet[numbers.roll(7)];
  if (numbers.one_in(3)) text += "\r\n";
  return text;
}

task<> write(random_world& w, pipe_account& pipe) {
  for (;;) {
    const std::string text = random_text(w.numbers);
    if (w.numbers.one_in(3)) {
      if (pipe.to.try_send(text)) pipe.sent(text);
    } else {
      auto sending = pipe.to.send(text);
      pipe.sent(text);  // a cancelled wait takes nothing back
      co_await move_on_after(w.numbers.span(1ms), std::move(sending));
    }
    co_await sleep(w.numbers.span(1ms));
  }
}

task<> publish_and_fire(random_world& w) {
  for (;;) {
    if (w.numbers.one_in(2)) w.publish();
    if (w.numbers.one_in(2)) w.fire();
    if (w.numbers.one_in(3)) w.open.set();
    if (w.numbers.one_in(3)) w.open.clear();
    co_await sleep(w.numbers.span(2ms));
  }
}

// A turn that may meet the end of the input.
task<> last_turns(random_world& w, pipe_account& pipe) {
  auto acting = spawn(act, std::ref(w), &pipe, static_cast<hearing*>(nullptr));
  co_await sleep(w.numbers.span(2ms));
  acting.cancel();
  (void)co_await thrown_by(acting);
}

// The tasks of a run. One at a time reads from each end, and one writes.
class cast {
 public:
  cast(test_loop& loop, random_world& w) : loop_(loop), w_(w) {}

  void step() {
    std::erase_if(others_, [](const auto& each) { return each.done(); });
    for (std::size_t i : {0u, 1u}) {
      start(readers_[i], [&] { return loop_.spawn(act, std::ref(w_), &w_.pipes[i], nobody); });
      start(writers_[i], [&] { return loop_.spawn(write, std::ref(w_), std::ref(w_.pipes[i])); });
    }
    start(voice_, [&] { return loop_.spawn(publish_and_fire, std::ref(w_)); });
    if (others_.size() < 6 && w_.numbers.one_in(2)) others_.push_back(start_other());
    if (w_.numbers.one_in(3)) any().cancel();
  }

  void cancel_all() {
    for (join_handle<>* each : all()) each->cancel();
  }

 private:
  static constexpr hearing* nobody = nullptr;

  template <class Start>
  void start(std::optional<join_handle<>>& place, Start begin) {
    if (!place || place->done()) place.emplace(begin());
  }

  join_handle<> start_other() {
    w_.hearings.push_back(std::make_unique<hearing>(w_.talk, w_.published));
    pipe_account* const none = nullptr;
    return loop_.spawn(act, std::ref(w_), none, w_.hearings.back().get());
  }

  std::vector<join_handle<>*> all() {
    std::vector<join_handle<>*> found;
    for (auto* each : {&readers_[0], &readers_[1], &writers_[0], &writers_[1], &voice_}) {
      if (*each) found.push_back(&**each);
    }
    for (auto& each : others_) found.push_back(&each);
    return found;
  }

  join_handle<>& any() {
    const auto tasks = all();
    return *tasks[w_.numbers.roll(tasks.size())];
  }

  test_loop& loop_;
  random_world& w_;
  std::array<std::optional<join_handle<>>, 2> readers_;
  std::array<std::optional<join_handle<>>, 2> writers_;
  std::optional<join_handle<>> voice_;
  std::vector<join_handle<>> others_;
};

sim_options network(std::uint64_t seed) {
  dice numbers(seed);
  return sim_options(seed).set_latency(0s, numbers.span(1ms)).set_segment(1, 1 + numbers.roll(30));
}

void live(test_loop& loop, random_world& w, cast& tasks) {
  for (std::size_t steps = 5 + w.numbers.roll(40); steps > 0; --steps) {
    tasks.step();
    if (w.numbers.one_in(2)) {
      loop.loop().run_once(time_point::min());
    } else {
      pass_time(loop, w.numbers.span(1ms));
    }
  }
}

// Both ends say that they have ended, while somebody may read; then what nobody has read is.
void end(test_loop& loop, random_world& w, cast& tasks) {
  tasks.cancel_all();
  run_until(loop, [&] { return loop.loop().stats().tasks_alive == 0; });
  loop.run([&]() -> task<> {
    for (pipe_account& each : w.pipes) {
      co_await each.to.send_eof();
      each.ended();
    }
    for (pipe_account& each : w.pipes) {
      co_await last_turns(w, each);
      each.got(co_await each.from.until_eof());
      each.got_end();
    }
  });
}

}  // namespace

TEST_CASE("whatever is raced and cancelled, every byte and every item is had exactly once",
          "[conc][first][losing_nothing][not-epoll]") {
  const std::uint64_t begin = test_seed();
  const std::uint64_t count = seed_count(300);
  for (std::uint64_t seed = begin; seed < begin + count; ++seed) {
    INFO("repeat this alone with CETANE_TEST_SEED=" << seed << " CETANE_SEEDS=1");
    test_loop loop(make_sim_backend(network(seed)));
    {
      random_world w(seed, loop);
      cast tasks(loop, w);
      live(loop, w, tasks);
      end(loop, w, tasks);
      w.check_accounts();
    }
    pass_time(loop, 15s);  // the connections close
    check_nothing_left(loop);
    REQUIRE(simulation::of(loop).open_descriptors() == 0);
  }
}

}  // namespace losing_nothing_test
