#include <app/loop_worker.hpp>

#include <app/application_core.hpp>
#include <os/signals.hpp>

#include <cetane/base/errors.hpp>

#include <exception>
#include <future>
#include <system_error>
#include <utility>

namespace cetane::detail {
namespace {

template <class Fn>
class told final : public message {
 public:
  explicit told(Fn&& fn) : fn_(std::move(fn)) {}
  void deliver() override { fn_(); }

 private:
  Fn fn_;
};

template <class Fn>
std::unique_ptr<message> make_message(Fn fn) {
  return std::make_unique<told<Fn>>(std::move(fn));
}

}  // namespace

loop_worker::loop_worker(std::unique_ptr<application_core> core, const loop_ref& first,
                         std::function<void(const loop_worker&)> on_end)
    : core_(std::move(core)),
      first_(first),
      on_end_(std::move(on_end)),
      stop_(make_message([to = core_.get()] { to->stop_beside(false); })),
      make_way_(make_message([to = core_.get()] { to->stop_beside(true); })),
      cancel_idle_(make_message([to = core_.get()] { to->cancel_idle_beside(); })),
      hurry_(make_message([to = core_.get()] { to->hurry_beside(); })) {}

loop_worker::~loop_worker() {
  hurry();
  join();
}

// Signals belong to the first loop.
void loop_worker::start() {
  std::promise<loop_ref> begins;
  std::future<loop_ref> begun = begins.get_future();
  auto end = make_message([this] {
    ended_ = true;
    on_end_(*this);
  });
  try {
    const os::signals_blocked blocked;
    thread_ = std::thread([this, begins = std::move(begins), end = std::move(end)]() mutable {
      run(std::move(begins));
      first_.door().send_answer(std::move(end));
    });
  } catch (const std::system_error& e) {
    throw error("start a thread for an event loop", e.code());
  }
  loop_.emplace(begun.get());
}

// On the thread of the loop.
void loop_worker::run(std::promise<loop_ref> begins) noexcept {
  bool serves = false;
  try {
    failed_ = !core_->run_beside([&](const loop_ref& loop) {
      serves = true;
      begins.set_value(loop);
    });
  } catch (...) {
    failed_ = true;
    if (!serves) begins.set_exception(std::current_exception());
  }
}

void loop_worker::join() noexcept {
  if (thread_.joinable()) thread_.join();
}

void loop_worker::begin_stop(bool makes_way) noexcept { send(makes_way ? make_way_ : stop_); }
void loop_worker::cancel_idle_handlers() noexcept { send(cancel_idle_); }
void loop_worker::hurry() noexcept { send(hurry_); }

void loop_worker::send(std::unique_ptr<message>& message) noexcept {
  if (loop_ && message != nullptr) loop_->door().send_answer(std::move(message));
}

void loop_worker::show_tasks() {
  auto show = make_message([to = core_.get()] { to->show_beside(); });
  send(show);
}

void loop_worker::add_task(std::unique_ptr<task_entry> entry) {
  auto add = make_message(
      [to = core_.get(), entry = std::move(entry)]() mutable { to->add_beside(std::move(entry)); });
  send(add);
}

}  // namespace cetane::detail
