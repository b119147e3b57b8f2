#include <cetane/testing/program.hpp>

#include <app/application_turns.hpp>
#include <testing/machine.hpp>

#include <cetane/app/application.hpp>

#include <utility>

namespace cetane::testing {

// The application and who runs it.
class program::process {
 public:
  explicit process(event_loop& loop) : app(loop), turns(app) {}

  application app;
  detail::application_turns turns;
};

program::program(machine& on, std::function<void(application&)> set_up)
    : set_up_(std::move(set_up)) {
  on.enter(*this);
}

program::~program() { end_now(); }

void program::start(event_loop& loop) {
  auto fresh = std::make_unique<process>(loop);
  set_up_(fresh->app);
  fresh->turns.start();
  process_ = std::move(fresh);
  crashed_ = false;
  ended_.clear();
}

void program::stop() {
  if (running()) process_->app.stop();
}

bool program::wants_turn() const noexcept { return running() && process_->turns.wants_turn(); }

void program::take_turn(event_loop& loop) {
  if (!process_->turns.take([&] { loop.take_turn(); })) end_now();
}

void program::crash() noexcept {
  crashed_ = running();
  end_now();
}

// Its frames may look at the program while they are destroyed.
void program::end_now() noexcept {
  if (process_ == nullptr) return;
  process_->turns.end_now();
  process_.reset();
  ended_.set();
}

}  // namespace cetane::testing
