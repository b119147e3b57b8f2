#include <app/udp_service_core.hpp>

#include <net/plain_socket.hpp>

#include <cetane/base/errors.hpp>
#include <cetane/base/log.hpp>
#include <cetane/coro/task.hpp>
#include <cetane/runtime/this_task.hpp>

#include <chrono>
#include <stdexcept>
#include <utility>

namespace cetane::detail {
namespace {

const log::logger socket_log("service");

// Between a handler that failed before it had received anything, and its next call.
constexpr duration pause_after_failure = std::chrono::milliseconds(500);

}  // namespace

void udp_service_core::start(event_loop& loop, cancel_scope& parent,
                             const std::string& port_option) {
  if (loop_ != nullptr) throw std::logic_error("this service was started before");
  enter_scopes(loop, parent);
  try {
    open(loop, port_option);
    begin();
  } catch (...) {
    leave_loop();
    throw;
  }
}

void udp_service_core::open(event_loop& loop, const std::string& port_option) {
  const address where = wanted_place(loop);
  auto made = std::make_unique<plain_socket>(loop);
  const int failed = inherited_.fd
                         ? made->adopt(std::move(inherited_.fd), where, inherited_.file_is_ours)
                         : made->open(where, {});
  if (failed < 0) fail_listening(where, failed, !loop.io().simulated(), port_option);
  made->port().set_limits(limits_.udp);
  bound_ = made->port().bound();
  socket_ = udp_socket(*made.release());
}

void udp_service_core::begin() {
  if (const plain_socket* const socket = plain_socket::of(socket_)) taken_before_ = socket->taken();
  auto fresh = std::make_unique<call>(*this);
  const std::coroutine_handle<> root = handler_->call(socket_).release();
  running_ = fresh.release();
  loop_->start(*running_, root, *handlers_);
}

std::string udp_service_core::call::label() const {
  return service_.name().empty() ? function_label(root) : service_.name();
}

void udp_service_core::call::on_finished() noexcept {
  std::exception_ptr error;
  if (root) {
    const auto frame = task<>::handle_type::from_address(root.address());
    error = frame.promise().result.error();
    if (error && !service_.is_own_end(error)) report_unhandled(*this, error);
    root = nullptr;
    frame.destroy();
  }
  service_.running_ = nullptr;
  service_.ended(error);
  delete this;
}

// The end of its own socket is how a handler ends that receives until there is no more.
bool udp_service_core::is_own_end(std::exception_ptr error) const {
  try {
    std::rethrow_exception(error);
  } catch (const connection_closed&) {
    return stopping_ || !socket_ || socket_.is_closed();
  } catch (...) {
    return false;
  }
}

void udp_service_core::ended(std::exception_ptr error) noexcept {
  const plain_socket* const socket = plain_socket::of(socket_);
  const bool goes_on = error && !stopping_ && socket != nullptr && !socket->is_closed();
  if (!goes_on || loop_ == nullptr || all_cancelled()) {
    socket_ = udp_socket();
    return;
  }
  const bool served =
      socket->taken() != taken_before_;  // one that fails by itself would do so again
  loop_->arm(*this, served ? loop_->now() : deadline_after(loop_->now(), pause_after_failure));
}

void udp_service_core::on_timer() noexcept {
  try {
    begin();
  } catch (const std::exception& e) {
    socket_log.error("{}: cannot call the handler: {}", name_, e.what());
    loop_->arm(*this, deadline_after(loop_->now(), pause_after_failure));
  }
}

void udp_service_core::stop_listening() noexcept {
  stopping_ = true;
  disarm();
  if (plain_socket* const socket = plain_socket::of(socket_)) socket->end_input();
  if (running_ == nullptr) socket_ = udp_socket();
}

service_base::open_socket udp_service_core::socket() const noexcept {
  plain_socket* const socket = plain_socket::of(socket_);
  if (socket == nullptr || socket->is_closed()) return {};
  return {socket->port().descriptor, socket->port().removes_file()};
}

void udp_service_core::hand_over() noexcept {
  if (plain_socket* const socket = plain_socket::of(socket_)) socket->port().leave_file();
}

std::size_t udp_service_core::cancel_idle_handlers() noexcept {
  if (running_ == nullptr || running_->cancel_state != cancel_reason::none) return 0;
  const plain_socket* const socket = plain_socket::of(socket_);
  const bool idle = socket != nullptr && is_idle(*running_, [&](const task_context& task) {
                      return socket->is_awaited_by(task);
                    });
  if (!idle) return 1;
  cancel_task(*running_, cancel_reason::shutdown);
  return 0;
}

void udp_service_core::cancel_handlers() noexcept {
  if (running_ != nullptr && running_->cancel_state == cancel_reason::none) cut_ = true;
  handlers_->cancel(cancel_reason::shutdown);
}

void udp_service_core::reset_connections() noexcept {
  if (running_ == nullptr) return;
  cut_ = true;
  if (plain_socket* const socket = plain_socket::of(socket_)) socket->end();
}

void udp_service_core::leave_loop() noexcept {
  disarm();
  if (running_ == nullptr) socket_ = udp_socket();
  leave_scopes();
}

}  // namespace cetane::detail
