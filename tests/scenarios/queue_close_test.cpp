// Jobs come over the network into a queue, workers take them out, and the queue closes when it
// likes: what was accepted is done once, what was refused is not.
#include <scenarios/weather.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <list>
#include <map>
#include <string>
#include <vector>

namespace queue_close_test {

using namespace cetane;
using namespace cetane::test;
using testing::world;

namespace {

using job_queue = queue<std::string>;

// From the opening of a queue to its close.
struct day {
  explicit day(std::size_t limit) : jobs(limit) {}

  job_queue jobs;
  std::vector<std::string> accepted;
  std::vector<std::string> done;
};

// A connection that was made on one day may be accepted on another.
struct stage {
  explicit stage(world& w) : sky(w), dice(w.random().fork("stage")) {}

  weather sky;
  random_stream dice;
  std::uint16_t port = 0;
  std::list<day> days;

  day& today() { return days.back(); }
};

task<bool> accept(day& today, const std::string& job) {
  try {
    co_await today.jobs.put(job);
  } catch (const queue_closed&) {
    co_return false;
  }
  today.accepted.push_back(job);
  co_return true;
}

task<> take_jobs(connection& peer, stage& s) {
  day& today = s.today();
  while (auto job = co_await peer.next_line()) {
    if (!co_await accept(today, *job)) {
      co_await peer.send("closed\n");
      co_return;
    }
    co_await peer.send("accepted\n");
  }
}

task<> work(day& today, random_stream dice) {
  while (auto job = co_await today.jobs.next()) {
    today.done.push_back(*job);
    co_await sleep(dice.uniform(duration(0ms), duration(10ms)));
  }
}

// Works for a while, is called away in the middle of a wait, and comes again.
task<> work_now_and_then(day& today, random_stream dice) {
  for (int n = 0; n < 20 && !(today.jobs.closed() && today.jobs.empty()); ++n) {
    auto shift = spawn(work, std::ref(today), dice.fork(fmt::format("shift {}", n)));
    co_await sleep(dice.uniform(duration(0ms), duration(30ms)));
    shift.cancel();
    try {
      co_await shift;
    } catch (const cancelled&) {
      if (!shift.done()) throw;
    }
  }
}

// Gives how many jobs were accepted, as far as it has heard.
task<std::size_t> offer_jobs(connection& office, std::string name, random_stream& dice) {
  const std::size_t most = dice.uniform(10, 30);
  std::size_t offered = 0;
  std::size_t accepted = 0;
  while (accepted < most) {
    while (offered < std::min(most, accepted + 3)) {
      co_await office.send(numbered_line(dice, name, offered++));
    }
    const auto answer = co_await office.next_line();
    if (!answer || *answer == "closed") break;
    expect(*answer == "accepted", "an answer was invented");
    ++accepted;
  }
  co_return accepted;
}

std::size_t accepted_from(const stage& s, const std::string& name) {
  std::size_t count = 0;
  const auto is_theirs = [&](const std::string& job) { return job.starts_with(name + " "); };
  for (const day& each : s.days) {
    count += static_cast<std::size_t>(
        std::count_if(each.accepted.begin(), each.accepted.end(), is_theirs));
  }
  return count;
}

task<> visit(stage& s, std::string name, random_stream dice) {
  const bool was_calm = s.sky.calm();
  try {
    connection office = co_await reach(s.port);
    const std::size_t heard = co_await offer_jobs(office, name, dice);
    const std::size_t accepted = accepted_from(s, name);
    expect(heard <= accepted, "a job was accepted that nobody has");
    if (was_calm) expect(heard == accepted, "an answer was lost");
  } catch (const connection_error&) {
    if (was_calm) throw;
  }
}

task<> close_at_last(day& today, duration after) {
  co_await sleep(after);
  today.jobs.close();
}

// Those of one client are done in its order.
void check(day& over) {
  expect(over.jobs.closed() && over.jobs.empty(), "the queue is not empty");
  std::map<std::string, std::size_t> next;
  for (const std::string& job : over.done) {
    const std::size_t space = job.find(' ');
    const std::size_t number = std::stoul(job.substr(space + 1));
    expect(number == next[job.substr(0, space)]++, "a job is missing, doubled, or out of place");
  }
  std::sort(over.accepted.begin(), over.accepted.end());
  std::sort(over.done.begin(), over.done.end());
  expect(over.accepted == over.done, "what was accepted is not what was done");
}

task<> live_through(stage& s, int number) {
  random_stream dice = s.dice.fork(fmt::format("day {}", number));
  day& today = s.days.emplace_back(dice.uniform(1, 4));
  co_await with_group([&](group& all) -> task<> {
    for (const char* const name : {"anna", "bob", "carl"}) {
      all.spawn(visit, std::ref(s), fmt::format("{}{}", name, number), dice.fork(name));
    }
    all.spawn(work, std::ref(today), dice.fork("worker"));
    all.spawn(work_now_and_then, std::ref(today), dice.fork("now and then"));
    all.spawn(close_at_last, std::ref(today), dice.uniform(duration(50ms), duration(900ms)));
    co_return;
  });
}

}  // namespace

TEST_CASE("queue close: what was accepted is done once, and what was refused is not",
          "[scenario]") {
  play("queue close", [](world& w) -> task<> {
    stage s(w);
    const auto& server = w.serve(service(take_jobs, 0, std::ref(s)));
    s.port = server.port();
    auto clearing = spawn([&]() -> task<> { return s.sky.clear_up(); });
    for (int number = 1; !s.sky.calm(); ++number) co_await live_through(s, number);
    co_await live_through(s, 0);
    co_await clearing;
    while (server.connections() > 0) co_await sleep(1ms);
    for (day& each : s.days) check(each);
  });
}

}  // namespace queue_close_test
