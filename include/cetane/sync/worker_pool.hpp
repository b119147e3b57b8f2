#pragma once

#include <cetane/base/config.hpp>
#include <cetane/conc/spawn.hpp>
#include <cetane/coro/task.hpp>
#include <cetane/runtime/cancel_scope.hpp>
#include <cetane/runtime/this_task.hpp>
#include <cetane/sync/mutex.hpp>

#include <coroutine>
#include <cstddef>
#include <exception>
#include <functional>
#include <optional>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>

namespace cetane {

namespace detail {

/// The workers of a pool that have not ended, in a scope of their own, for the one task that waits
/// for them. It waits also when it is cancelled, since they use what it owns.
class CETANE_API workers_at_work final : public waitable {
 public:
  static constexpr bool ignores_cancel = true;

  explicit workers_at_work(task_context& owner) noexcept : owner_(owner), scope_(owner.scope) {}

  /// Counts a worker until its task has ended, and its children with it: they are in the scope.
  class tie {
   public:
    using to = workers_at_work;
    tie(task_context&, to& of) noexcept : of_(of) {}
    bool ended(const auto&) noexcept {
      of_.ended();
      return false;
    }

   private:
    workers_at_work& of_;
  };

  template <class... Call>
  void start(Call&&... call) {
    (void)spawn_tied<tie>(loop_of(owner_), scope_, *this, std::forward<Call>(call)...);
    ++count_;
  }

  bool await_ready() noexcept;
  template <class Promise>
  void await_suspend(std::coroutine_handle<Promise> frame) noexcept {
    waiting_ = true;
    owner_.suspend(frame, *this);
  }
  void await_resume() const {
    if (owner_.cancel_state != cancel_reason::none) throw_cancelled(owner_);
  }
  void cancel_wait(task_context& task) noexcept override;
  std::string describe_wait() const override;
  void tell_causes(wait_causes& to) const override;

 private:
  void ended() noexcept {
    if (--count_ == 0 && waiting_) owner_.loop->make_ready(owner_);
  }

  task_context& owner_;
  cancel_scope scope_;
  std::size_t count_ = 0;
  bool waiting_ = false;
};

/// Logs the exception that is being handled, which has ended a job.
CETANE_API void report_lost_job() noexcept;

template <class Result>
struct job_of {
  using type = typename Result::value_type;
  static constexpr bool waits = false;
};
template <class Job>
struct job_of<task<std::optional<Job>>> {
  using type = Job;
  static constexpr bool waits = true;
};

}  // namespace detail

/// So many tasks that do jobs, each of which asks for the next job when it is idle, and not before:
/// diesel's ThreadPool. So whoever makes the jobs is not ahead of those who do them.
///
///     worker_pool pool(4, next_page, fetch);
///     co_await pool.run();
///
/// `source()` gives std::optional<job>, or a task of that, and an empty one when there are no more
/// jobs; it is not called again before it has ended. `handler(job)` is a coroutine that does one.
/// A job that fails is logged, and its worker goes on with the next. Loop thread only; it outlives
/// run().
template <class Source, class Handler>
class worker_pool {
  using source_facts = detail::job_of<std::invoke_result_t<Source&>>;

 public:
  using job_type = typename source_facts::type;

  /// @throws std::invalid_argument  `workers` is 0.
  worker_pool(std::size_t workers, Source source, Handler handler)
      : workers_(workers), source_(std::move(source)), handler_(std::move(handler)) {
    if (workers == 0) throw std::invalid_argument("a worker pool has one worker at least");
  }
  worker_pool(const worker_pool&) = delete;
  worker_pool& operator=(const worker_pool&) = delete;

  /// Suspends until there are no more jobs, and all are done.
  ///
  /// @throws What the source throws; the jobs that were begun are done before.
  /// @par Cancellation  Cancels the workers, and waits for them.
  task<> run() {
    over_ = false;
    failed_ = nullptr;
    detail::workers_at_work crew(detail::this_task("worker_pool::run"));
    start_workers(crew);
    co_await crew;
    if (failed_) std::rethrow_exception(failed_);
  }

  /// How many jobs have been done, and how many of them failed.
  std::size_t done() const noexcept { return done_; }
  std::size_t lost() const noexcept { return lost_; }

 private:
  // Those that were started when one could not be find that it is over.
  void start_workers(detail::workers_at_work& crew) noexcept {
    try {
      for (std::size_t i = 0; i < workers_; ++i) crew.start(&worker_pool::work, this);
    } catch (...) {
      give_up();
    }
  }

  // There are no more jobs, and run() throws what is being handled.
  void give_up() noexcept {
    over_ = true;
    if (!failed_) failed_ = std::current_exception();
  }

  task<> work() {
    for (;;) {
      std::optional<job_type> job;
      try {
        job = co_await next_job();
      } catch (...) {
        detail::throw_on_if_cancelled();
        give_up();
      }
      if (!job) co_return;
      try {
        co_await handler_(*std::move(job));
      } catch (...) {
        detail::throw_on_if_cancelled();
        ++lost_;
        detail::report_lost_job();
      }
      ++done_;
    }
  }

  task<std::optional<job_type>> next_job() {
    const mutex_lock asking = co_await asking_.lock();
    if (over_) co_return std::nullopt;
    std::optional<job_type> job;
    if constexpr (source_facts::waits) {
      job = co_await source_();
    } else {
      job = source_();
    }
    over_ = !job;
    co_return job;
  }

  std::size_t workers_;
  Source source_;
  Handler handler_;
  mutex asking_;
  bool over_ = false;
  std::exception_ptr failed_;
  std::size_t done_ = 0;
  std::size_t lost_ = 0;
};

}  // namespace cetane
