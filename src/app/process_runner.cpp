// A child process for each connection. The parent knows it by its pidfd, which the loop watches.
#include <app/connection_runner.hpp>
#include <app/lone_session.hpp>
#include <app/service_core.hpp>
#include <app/signal_source.hpp>
#include <runtime/backend.hpp>

#include <cetane/base/errors.hpp>
#include <cetane/base/log.hpp>
#include <cetane/os/process.hpp>

#include <csignal>
#include <iterator>
#include <list>
#include <optional>
#include <utility>

namespace cetane::detail {
namespace {

const log::logger children_log("service");

// What the steps of a stop are for a child. Signals that come twice are taken once, so each step
// has its own.
constexpr int idle_handlers_end_signal = SIGTERM;
constexpr int all_handlers_end_signal = SIGUSR2;

class process_runner final : public connection_runner {
 public:
  explicit process_runner(service_core& of) noexcept : service_(of) {}
  ~process_runner() override;

  void serve(unique_fd socket, const address& peer) override;
  std::size_t running() const noexcept override { return children_.size(); }
  void tell(stop_step step) noexcept override;

 private:
  class child final : public poll_io {
   public:
    child(process_runner& runner, child_process process, const address& peer) noexcept;
    ~child();

    void tell(stop_step step) noexcept;

    std::list<child>::iterator place;

   private:
    void on_ready() noexcept override;

    process_runner& runner_;
    child_process process_;
    address peer_;
    stop_step told_ = stop_step::none;
  };

  int be_child(unique_fd socket, const address& peer) const;
  void forget(child& gone) noexcept;

  service_core& service_;
  std::list<child> children_;
};

process_runner::~process_runner() {
  tell(stop_step::at_once);
  for (std::size_t left = children_.size(); left > 0; --left) {
    children_.pop_back();
    service_.outsider_ends();
  }
}

process_runner::child::child(process_runner& runner, child_process process,
                             const address& peer) noexcept
    : runner_(runner), process_(std::move(process)), peer_(peer) {
  descriptor = process_.pidfd();
}

process_runner::child::~child() {
  runner_.service_.loop().io().unwatch(*this);
  if (descriptor < 0) return;
  process_.signal(SIGKILL);
  process_.wait();
}

void process_runner::child::tell(stop_step step) noexcept {
  if (step <= told_) return;
  told_ = step;
  switch (step) {
    case stop_step::idle_handlers_end:
      process_.signal(idle_handlers_end_signal);
      break;
    case stop_step::all_handlers_end:
      process_.signal(all_handlers_end_signal);
      break;
    case stop_step::at_once:
      process_.signal(SIGKILL);
      break;
    case stop_step::none:
      break;
  }
}

void process_runner::child::on_ready() noexcept {
  backend& io = runner_.service_.loop().io();
  io.unwatch(*this);  // the end of the wait closes the descriptor
  std::optional<child_status> status = process_.try_wait();
  if (!status) {
    if (io.watch(*this) >= 0) return;
    process_.signal(SIGKILL);  // nobody would learn of its end
    status = process_.wait();
  }
  descriptor = -1;
  if (!status->success() && told_ == stop_step::none) {
    children_log.error("the process {} that served {} {}", process_.pid(), peer_,
                       status->to_string());
  }
  runner_.forget(*this);
}

void process_runner::serve(unique_fd socket, const address& peer) {
  child_process process = fork_process([&] { return be_child(std::move(socket), peer); });
  socket.reset();
  child& added = children_.emplace_back(*this, std::move(process), peer);
  added.place = std::prev(children_.end());
  if (const int failed = service_.loop().io().watch(added); failed < 0) {
    children_.pop_back();
    throw error("watch a process", system_code(failed));
  }
  service_.outsider_begins();
}

// A terminal sends SIGINT to all; here the parent decides. Handlers of the program's for the other
// two are not for this process, which may be ended by them until it has begun, and has nothing to
// lose when it is done.
int process_runner::be_child(unique_fd socket, const address& peer) const {
  std::signal(SIGINT, SIG_IGN);
  std::signal(idle_handlers_end_signal, SIG_DFL);
  std::signal(all_handlers_end_signal, SIG_DFL);
  lone_session session(service_);
  const signal_source signals(
      session.loop(), {idle_handlers_end_signal, all_handlers_end_signal}, [&](int number) {
        session.tell(number == idle_handlers_end_signal ? stop_step::idle_handlers_end
                                                        : stop_step::all_handlers_end);
      });
  session.run(std::move(socket), peer);
  std::signal(idle_handlers_end_signal, SIG_IGN);
  std::signal(all_handlers_end_signal, SIG_IGN);
  return 0;
}

void process_runner::forget(child& gone) noexcept {
  service_core& service = service_;
  children_.erase(gone.place);
  service.outsider_ends();  // the end of a service may follow from that of its last child
}

void process_runner::tell(stop_step step) noexcept {
  for (child& one : children_) one.tell(step);
}

}  // namespace

std::unique_ptr<connection_runner> make_process_runner(service_core& of) {
  return std::make_unique<process_runner>(of);
}

}  // namespace cetane::detail
