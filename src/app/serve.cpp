#include <cetane/app/serve.hpp>

#include <os/signals.hpp>
#include <runtime/backend.hpp>

#include <cetane/base/errors.hpp>
#include <cetane/conc/shielded.hpp>
#include <cetane/runtime/event_loop.hpp>
#include <cetane/runtime/this_task.hpp>
#include <cetane/sync/event.hpp>

#include <exception>
#include <memory>
#include <thread>
#include <utility>

namespace cetane {
namespace {

/// What the task and the thread share: written by the thread before its end is posted, read by the
/// task after that.
struct outcome {
  event ended;
  std::exception_ptr error;
};

class end_of_loop final : public detail::message {
 public:
  explicit end_of_loop(std::shared_ptr<outcome> of) noexcept : of_(std::move(of)) {}
  void deliver() override { of_->ended.set(); }

 private:
  std::shared_ptr<outcome> of_;
};

/// A server's loop on a thread of its own.
class serving_thread {
 public:
  serving_thread(event_loop& loop, socketserver::base_server& server)
      : loop_(loop), server_(server) {
    const os::signals_blocked blocked;
    auto end = std::make_unique<end_of_loop>(outcome_);
    thread_ = std::thread([&server, &loop, &of = *outcome_, end = std::move(end)]() mutable {
      try {
        server.serve_forever();
      } catch (...) {
        of.error = std::current_exception();
      }
      loop.post_answer(std::move(end));
    });
    loop_.io().begin_external();
  }
  serving_thread(const serving_thread&) = delete;
  serving_thread& operator=(const serving_thread&) = delete;
  ~serving_thread() {
    end();
    thread_.join();
    loop_.io().end_external();
  }

  /// A loop that has ended already keeps no note of it.
  void end() noexcept {
    if (!outcome_->ended.is_set()) server_.request_shutdown();
  }
  event& ended() noexcept { return outcome_->ended; }
  const std::exception_ptr& error() const noexcept { return outcome_->error; }

 private:
  event_loop& loop_;
  socketserver::base_server& server_;
  const std::shared_ptr<outcome> outcome_ = std::make_shared<outcome>();
  std::thread thread_;
};

}  // namespace

task<> serve(socketserver::base_server& server) {
  serving_thread thread(detail::this_loop("serve"), server);
  std::exception_ptr why;
  try {
    co_await thread.ended().wait();
    why = thread.error();
  } catch (const cancelled&) {
    why = std::current_exception();
    thread.end();
  }
  if (!thread.ended().is_set()) co_await shielded(duration::max(), thread.ended().wait());
  if (why) std::rethrow_exception(why);
}

}  // namespace cetane
