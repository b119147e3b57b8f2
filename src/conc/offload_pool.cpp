#include <conc/offload_pool.hpp>
#include <os/signals.hpp>

#include <cetane/base/errors.hpp>
#include <cetane/base/limits.hpp>
#include <cetane/base/log.hpp>

#include <algorithm>
#include <atomic>
#include <system_error>
#include <utility>

#include <pthread.h>
#include <signal.h>

namespace cetane::detail {
namespace {

const log::logger offload_log("offload");

// A fork copies the pool and none of its threads. The child's first call makes a new one; the
// parent's is left as it is, since its mutex may have been held at that moment.
struct pool_of_process {
  std::atomic<offload_pool*> pool{nullptr};
  std::atomic<offload_pool*> of_parent{nullptr};  // for leak checkers: it has not lost its owner
};
constinit pool_of_process shared;

void forget_pool() noexcept {
  if (offload_pool* pool = shared.pool.exchange(nullptr)) shared.of_parent = pool;
}

void report_unseen(std::exception_ptr error) noexcept {
  try {
    std::rethrow_exception(error);
  } catch (const std::exception& e) {
    offload_log.debug("a call that nobody waits for any more failed: {}", e.what());
  } catch (...) {
    offload_log.debug(
        "a call that nobody waits for any more failed with something that is no std::exception");
  }
}

}  // namespace

offload_pool::offload_pool(std::size_t most_threads, std::size_t most_waiting)
    : most_threads_(most_threads), most_waiting_(most_waiting) {
  threads_.reserve(most_threads);
}

offload_pool::~offload_pool() {
  {
    const std::lock_guard lock(mutex_);
    ending_ = true;
  }
  work_came_.notify_all();
  for (std::thread& thread : threads_) thread.join();
  while (const std::unique_ptr<offloaded_call> unmade = next_call()) {
  }
}

offload_pool& offload_pool::of_process() {
  if (offload_pool* pool = shared.pool.load(std::memory_order_acquire)) return *pool;
  [[maybe_unused]] static const int registered = pthread_atfork(nullptr, nullptr, forget_pool);
  const std::size_t cores = std::thread::hardware_concurrency();
  auto fresh = std::make_unique<offload_pool>(std::min(most_offload_threads, cores + 4),
                                              default_offload_waiting);
  offload_pool* pool = nullptr;
  if (shared.pool.compare_exchange_strong(pool, fresh.get())) pool = fresh.release();
  return *pool;
}

void offload_pool::submit(std::unique_ptr<offloaded_call> call) {
  const std::lock_guard lock(mutex_);
  if (now_.in_line + 1 > now_.idle && now_.threads < most_threads_) start_thread();
  call->pool_ = this;
  call->place_ = offloaded_call::place::for_room;
  for_room_.push_back(*call.release());
  ++now_.for_room;
  fill_line();
  work_came_.notify_one();
}

// One thread is enough to go on with.
void offload_pool::start_thread() {
  try {
    const os::signals_blocked blocked;
    threads_.emplace_back([this] { work(); });
    ++now_.threads;
  } catch (const std::system_error& e) {
    if (now_.threads == 0) throw error("start a thread for a call that blocks", e.code());
  }
}

void offload_pool::work() noexcept {
  pthread_setname_np(pthread_self(), "cetane-offload");
  for (;;) {
    std::unique_lock lock(mutex_);
    ++now_.idle;
    work_came_.wait(lock, [this] { return ending_ || !in_line_.empty(); });
    --now_.idle;
    if (ending_) return;
    std::unique_ptr<offloaded_call> call = next_call();
    lock.unlock();
    call->run();
    finish(std::move(call));
  }
}

// The loop is there for as long as somebody waits in it, and whoever stops waiting says so under
// the mutex.
void offload_pool::finish(std::unique_ptr<offloaded_call> call) noexcept {
  {
    const std::lock_guard lock(mutex_);
    if (event_loop* const loop = call->loop_) return loop->post_answer(std::move(call));
  }
  if (const std::exception_ptr unseen = call->error()) report_unseen(unseen);
}

void offload_pool::withdraw(offloaded_call& call) noexcept {
  std::unique_ptr<offloaded_call> unmade;
  const std::lock_guard lock(mutex_);
  call.loop_ = nullptr;
  call.caller_ = nullptr;
  if (call.place_ == offloaded_call::place::none) return;
  remove(call);
  unmade.reset(&call);
}

bool offload_pool::withdraw_unless_begun(offloaded_call& call) noexcept {
  std::unique_ptr<offloaded_call> unmade;
  const std::lock_guard lock(mutex_);
  if (call.place_ == offloaded_call::place::none) return false;
  remove(call);
  unmade.reset(&call);
  return true;
}

void offload_pool::let_go() noexcept { const std::lock_guard lock(mutex_); }

offload_pool::figures offload_pool::now() const {
  const std::lock_guard lock(mutex_);
  return now_;
}

std::unique_ptr<offloaded_call> offload_pool::next_call() noexcept {
  if (in_line_.empty()) return nullptr;
  offloaded_call& call = in_line_.front();
  remove(call);
  return std::unique_ptr<offloaded_call>(&call);
}

void offload_pool::remove(offloaded_call& call) noexcept {
  --(call.place_ == offloaded_call::place::in_line ? now_.in_line : now_.for_room);
  call.place_ = offloaded_call::place::none;
  call.unlink();
  fill_line();
}

void offload_pool::fill_line() noexcept {
  while (now_.in_line < most_waiting_ && !for_room_.empty()) {
    offloaded_call& call = *for_room_.pop_front();
    --now_.for_room;
    call.place_ = offloaded_call::place::in_line;
    in_line_.push_back(call);
    ++now_.in_line;
  }
}

}  // namespace cetane::detail
