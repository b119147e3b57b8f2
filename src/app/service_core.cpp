#include <app/service_core.hpp>

#include <app/listening.hpp>
#include <app/secured_handler.hpp>
#include <app/type_text.hpp>
#include <os/descriptor_limit.hpp>

#include <cetane/base/errors.hpp>
#include <cetane/base/log.hpp>

#include <algorithm>
#include <cerrno>
#include <exception>
#include <limits>
#include <stdexcept>
#include <utility>

#include <fmt/format.h>

namespace cetane::detail {
namespace {

const log::logger service_log("service");

// The handler of another service.
class borrowed_handler final : public bound_handler {
 public:
  explicit borrowed_handler(bound_handler& of) noexcept : of_(of) {}
  task<> call(connection& peer) override { return of_.call(peer); }

 private:
  bound_handler& of_;
};

// All but a few of the descriptors that there may be: those few are for the loop, for files and for
// outgoing connections; each further loop has its own. Where there are hardly any, half of them.
std::size_t most_connections(std::size_t further_loops) noexcept {
  constexpr std::size_t for_a_loop = 4;
  const std::size_t descriptors = os::raise_descriptor_limit();
  const std::size_t kept_free = descriptors_kept_free + for_a_loop * further_loops;
  return std::max(descriptors / 2, descriptors - std::min(descriptors, kept_free));
}

}  // namespace

service_core::service_core(std::unique_ptr<bound_handler> handler, const address& unix_path)
    : service_base(unix_path), handler_(std::move(handler)) {}

service_core::service_core(std::unique_ptr<bound_handler> handler, std::string host,
                           std::uint16_t port)
    : service_base(std::move(host), port), handler_(std::move(handler)) {}

service_core::~service_core() { leave_loop(); }

void service_core::start(event_loop& loop, cancel_scope& parent, const std::string& port_option) {
  if (loop_ != nullptr) throw std::logic_error("this service was started before");
  if (is_twin_) return enter(loop, parent);
  if (make_runner_ && loop.io().simulated()) {
    throw std::logic_error(
        "a service that serves in other processes or threads is started on a simulated network, "
        "of which they have nothing; test its handler on the loop itself");
  }
  if (security_) security_->prepare();
  const address where = shared_ ? bound_ : wanted_place(loop);
  most_sessions_ =
      limits_.max_connections != 0 ? limits_.max_connections : most_connections(further_loops_);
  enter(loop, parent);
  try {
    if (make_runner_) {
      most_sessions_ = std::min(most_sessions_, most_outside_);
      runner_ = make_runner_(*this);
    }
    listen_at(where, port_option);
  } catch (...) {
    leave_loop();
    throw;
  }
}

service_core* service_core::make_for_one() const {
  auto* const one = new service_core(std::make_unique<borrowed_handler>(*handler_), bound_);
  one->name_ = name_;
  one->limits_ = limits_;
  one->most_sessions_ = 1;
  return one;
}

void service_core::serve(unique_fd accepted, const address& peer) {
  if (const int failed = loop_->io().take_over(accepted.get()); failed < 0)
    throw error("serve a connection", system_code(failed));
  on_accept(accepted.release(), peer);
}

void service_core::secure(std::shared_ptr<const security> how) {
  if (!handler_)
    throw std::logic_error(
        "tls: a service with a blocking handler is to serve over TLS, which is for handlers on "
        "the loop; let the handler call thread() where it blocks");
  handler_ = std::make_unique<secured_handler>(std::move(handler_), how);
  security_ = std::move(how);
}

std::string service_core::why_one_loop() const {
  const std::string which = name_.empty() ? "a service" : fmt::format("the service {}", name_);
  if (make_runner_) return which + " serves in processes or on threads of its own already";
  if (first_loop_only_) return {};
  const std::type_info* const what = handler_->bound_to_one_loop();
  if (what == nullptr) return {};
  return fmt::format(
      "{} keeps a {} for its handlers, which belongs to one event loop; see per_loop, spans_loops "
      "and on_first_loop()",
      which, type_text(*what));
}

service_core* service_core::make_twin() const {
  if (first_loop_only_) return nullptr;
  auto* const twin = new service_core(handler_->for_another_loop(), bound_);
  twin->name_ = name_;
  twin->limits_ = limits_;
  twin->grace_ = grace_;
  twin->idle_ = idle_;
  twin->is_twin_ = true;
  return twin;
}

void service_core::divide_among(std::vector<loop_place> others) {
  further_loops_ = others.size();
  const auto make = [others = std::move(others)](service_core& of) {
    return make_loop_runner(of, others);
  };
  set_runner(make, std::numeric_limits<std::size_t>::max());
}

void service_core::serve_here(unique_fd accepted, const address& peer) {
  if (const int failed = loop_->io().take_over(accepted.get()); failed < 0)
    throw error("serve a connection", system_code(failed));
  begin_here(accepted.release(), peer);
}

void service_core::serve_handed_over(loop_runner_line from, unique_fd accepted,
                                     const address& peer) noexcept {
  if (!to_first_loop_) to_first_loop_.emplace(std::move(from));
  ++handed_over_;
  const std::size_t before = sessions_;
  try {
    serve(std::move(accepted), peer);
  } catch (const std::exception& e) {
    service_log.error("{}: cannot serve {}: {}", name_, peer, e.what());
  }
  if (sessions_ == before) tell_settled();  // it has come to nothing
}

// Counts, not events: one that is not told for want of memory is made good by the next.
void service_core::tell_settled() noexcept { to_first_loop_->settled(handed_over_ - sessions_); }

void service_core::set_runner(runner_factory make, std::size_t most) {
  if (loop_ != nullptr) throw std::logic_error("run_in: this service was started before");
  make_runner_ = std::move(make);
  most_outside_ = most;
}

void service_core::listen_at(const address& where, const std::string& port_option) {
  listen_request request;
  request.backlog = limits_.backlog;
  listener_.emplace(*loop_, *this);
  const std::size_t in_a_row = limits_.accepts_per_wake_up;
  int failed = 0;
  if (shared_) {
    failed = listener_->adopt(shared_->hand_over(), bound_, in_a_row, false);
  } else if (inherited_.fd) {
    failed = listener_->adopt(std::move(inherited_.fd), bound_, in_a_row, inherited_.file_is_ours);
  } else {
    failed = listener_->open(where, request, in_a_row);
  }
  if (failed < 0) fail_listening(where, failed, !loop_->io().simulated(), port_option);
  shared_.reset();
  bound_ = listener_->bound();
  // What is accepted inherits it, which costs less than to set it on each connection.
  if (!is_unix()) loop_->io().set_keepalive(listener_->descriptor);
}

void service_core::open_for_workers(const std::string& port_option) {
  if (security_) security_->prepare();
  shared_.emplace();
  if (inherited_.fd) {
    return shared_->adopt(std::move(inherited_.fd), inherited_.bound, inherited_.file_is_ours);
  }
  const address where = is_unix() ? bound_ : listening_place(host_, port_);
  const int failed = shared_->open(where, limits_.backlog);
  if (failed < 0) fail_listening(where, failed, true, port_option);
  bound_ = shared_->bound();
}

service_core::open_socket service_core::socket() const noexcept {
  if (shared_) return {shared_->fd(), shared_->removes_file()};
  if (listener_) return {listener_->descriptor, listener_->removes_file()};
  return {};
}

void service_core::hand_over() noexcept {
  if (shared_) shared_->leave_file();
  if (listener_) listener_->leave_file();
}

bool service_core::has_room() noexcept {
  if (budget_ != nullptr && *budget_ == 0) return false;
  if (sessions_ < most_sessions_) return true;
  if (full_.due(loop_->now())) {
    service_log.warning("{} has {} connections, as many as it may: others wait until one ends",
                        bound_, sessions_);
  }
  return false;
}

void service_core::on_accept(int descriptor, const address& peer) noexcept {
  try {
    begin_session(descriptor, peer);
  } catch (const std::exception& e) {
    service_log.error("{}: cannot serve {}: {}", name_, peer, e.what());
  } catch (...) {
    service_log.error("{}: cannot serve {}", name_, peer);
  }
}

void service_core::begin_session(int descriptor, const address& peer) {
  if (stopped_) [[unlikely]]
    ++loop_->counters().late_handlers;
  if (runner_) {
    loop_->io().give_away(descriptor);
    return runner_->serve(unique_fd(descriptor), peer);
  }
  begin_here(descriptor, peer);
}

void service_core::begin_here(int descriptor, const address& peer) {
  std::unique_ptr<session> fresh;
  try {
    fresh = std::make_unique<session>(*this);
  } catch (...) {
    loop_->io().close(descriptor, false);
    throw;
  }
  if (const int failed = fresh->open(descriptor, peer); failed < 0) {
    throw error("watch a connection", system_code(failed));
  }
  if (idle_) fresh->set_idle_timeout(*idle_);
  session& begun = *fresh.release();  // from here on it ends by itself
  ++handlers_running_;
  if (budget_ != nullptr) --*budget_;
  try {
    loop_->start(begun, handler_->call(begun.peer_handle()).release(), *handlers_);
  } catch (...) {
    begun.end_handler();
    throw;
  }
}

void service_core::session_begins() noexcept {
  keep();
  ++sessions_;
}

void service_core::session_ends() noexcept {
  if (sessions_-- >= most_sessions_) {  // of a twin, which may have none, always
    if (listener_) listener_->resume();
    if (to_first_loop_) tell_settled();
  }
  release();
}

void service_core::outsider_begins() noexcept {
  session_begins();
  ++handlers_running_;
  if (budget_ != nullptr) --*budget_;
}

void service_core::outsider_ends() noexcept {
  --handlers_running_;
  session_ends();
}

void service_core::handler_ends(session& of) noexcept {
  --handlers_running_;
  ended_.push_back(of);
}

// Handlers and what they have spawned are members of one scope: only some of its tasks are
// sessions.
std::size_t service_core::cancel_idle_handlers() noexcept {
  std::size_t going_on = 0;
  handlers_->for_each_task([&](task_context& task) {
    auto* const one = dynamic_cast<session*>(&task);
    if (one == nullptr || task.cancel_state != cancel_reason::none) return;
    if (is_idle(*one, [one](const task_context& each) { return one->awaits_input(each); })) {
      cancel_task(task, cancel_reason::shutdown);
    } else {
      ++going_on;
    }
  });
  if (runner_) {
    runner_->tell(stop_step::idle_handlers_end);
    going_on += runner_->running();
  }
  return going_on;
}

void service_core::cancel_handlers() noexcept {
  handlers_->for_each_task([this](task_context& task) {
    auto* const one = dynamic_cast<session*>(&task);
    if (one != nullptr && task.cancel_state == cancel_reason::none) cut(*one);
  });
  handlers_->cancel(cancel_reason::shutdown);
  if (!runner_) return;
  cut_outside_ = std::max(cut_outside_, runner_->running());
  runner_->tell(stop_step::all_handlers_end);
}

void service_core::end_delivered() noexcept {
  task_context* next = ended_.empty() ? nullptr : &ended_.front();
  while (task_context* const one = next) {
    next = ended_.after(*one);
    static_cast<session&>(*one).end_if_delivered();
  }
}

void service_core::reset_connections() noexcept {
  handlers_->for_each_task([this](task_context& task) {
    auto* const one = dynamic_cast<session*>(&task);
    if (one == nullptr) return;
    cut(*one);
    one->end_now();
  });
  while (task_context* const ended = ended_.pop_front()) {
    auto& one = static_cast<session&>(*ended);
    cut(one);
    one.end_now();
  }
  if (runner_) runner_->tell(stop_step::at_once);
}

void service_core::cut(session& one) noexcept {
  if (one.note_cut()) ++cut_;
}

void service_core::leave_loop() noexcept {
  listener_.reset();
  runner_.reset();
  leave_scopes();
}

}  // namespace cetane::detail
