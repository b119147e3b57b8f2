#include <testing/bystanders.hpp>

#include <cetane/base/errors.hpp>
#include <cetane/conc/spawn.hpp>
#include <cetane/conc/timeout.hpp>
#include <cetane/net/connect.hpp>

#include <chrono>
#include <string>

namespace cetane::testing {
namespace {

using namespace std::chrono_literals;

task<> echo(connection& peer) {
  for (;;) co_await peer.send(co_await peer.until_eol());
}

task<> ask(connection& over) {
  co_await over.send("are you there?\n");
  const std::string answer = co_await with_timeout(60s, over.until_eol());
  if (answer != "are you there?\n") throw unfinished("the answer is \"" + answer + '"');
}

template <class Fn>
void run_in(event_loop& loop, Fn fn) {
  auto task = cetane::detail::spawn_in(loop, loop.scope(), fn);
  loop.run_until([&] { return task.done(); });
  cetane::detail::take_result(task);
}

}  // namespace

bystanders::bystanders(world& w) : world_(w), server_(w.serve(service(echo, 0))) {
  run_in(world_.loop(), [this]() -> task<> {
    client_ = co_await connect("bystander", server_.port());
    co_await ask(client_);
  });
}

void bystanders::check() {
  try {
    run_in(world_.loop(), [this]() -> task<> { co_await ask(client_); });
  } catch (const std::exception& e) {
    if (world_.faults_met(fault_kind::resets) > 0) return;
    throw unfinished(std::string("somebody else's connection on the same loop has suffered: ") +
                     e.what());
  }
}

}  // namespace cetane::testing
