#include <app/lone_session.hpp>

#include <cetane/backend/make_backend.hpp>
#include <cetane/base/limits.hpp>

#include <runtime/backend.hpp>

#include <algorithm>
#include <new>
#include <utility>

namespace cetane::detail {

lone_session::lone_session(service_core& of)
    : loop_(make_backend(*parse_backend(of.loop().io().name()))),
      scope_(&loop_.scope()),
      core_(*of.make_for_one()),
      cores_{&core_} {
  scope_.be_home();
  core_.enter(loop_, scope_);
}

lone_session::~lone_session() {
  if (stop_) stop_->cut_rest();
  stop_.reset();
  core_.leave_loop();
  core_.release();
}

void lone_session::run(unique_fd socket, const address& peer) {
  core_.serve(std::move(socket), peer);
  loop_.run_until([this] { return advance(); });
}

// The service decides when a step is due, so that there is no limit of time here.
bool lone_session::advance() {
  if (!stop_) {
    if (core_.connections() > 0 && told_ == stop_step::none) return false;
    const duration drain = told_ == stop_step::none ? default_drain : duration::max();
    stop_.emplace(work_in_hand{loop_, true, scope_, cores_, no_tasks_}, drain);
  }
  if (told_ >= stop_step::all_handlers_end) core_.set_grace(duration::zero());
  if (told_ == stop_step::at_once) stop_->hurry();
  return stop_->advance();
}

void lone_session::tell(stop_step step) noexcept {
  try {
    loop_.post([this, step] { told_ = std::max(told_, step); });
  } catch (const std::bad_alloc&) {
    // the next step is told too
  }
}

}  // namespace cetane::detail
