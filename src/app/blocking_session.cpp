#include <app/blocking_session.hpp>

#include <cetane/base/errors.hpp>
#include <cetane/base/log.hpp>
#include <cetane/socketserver/errors.hpp>

#include <exception>
#include <utility>

#include <fcntl.h>

namespace cetane::detail {
namespace {

const log::logger blocking_log("service");

}  // namespace

void blocking_session::run(unique_fd socket, const address& peer) {
  open(std::move(socket));
  try {
    serve(peer);
  } catch (const socketserver::exit_request&) {  // it wants to end, and does
  } catch (const std::exception& e) {
    blocking_log.error("a request from {} failed: {}", peer, e.what());
  } catch (...) {
    if (std::current_exception() == nullptr) throw;  // glibc ends the thread
    blocking_log.error("a request from {} failed with something that is no std::exception", peer);
  }
  socket_->shutdown_write();
  socket_->close();
}

void blocking_session::open(unique_fd socket) {
  // No other process has the socket, so its flags are this one's.
  ::fcntl(socket.get(), F_SETFL, ::fcntl(socket.get(), F_GETFL) & ~O_NONBLOCK);
  const std::lock_guard lock(mutex_);
  socket_ = std::make_shared<socketserver::blocking_socket>(std::move(socket));
  if (broken_) socket_->abort();
}

void blocking_session::serve(const address& peer) {
  socketserver::request asked(socket_);
  asked.set_stop(stop_.get_token());
  socketserver::detail::call_handler(*make_(), asked, peer, nullptr);
}

void blocking_session::tell(stop_step step) noexcept {
  stop_.request_stop();
  if (step < stop_step::all_handlers_end) return;
  const std::lock_guard lock(mutex_);
  broken_ = true;
  if (socket_) socket_->abort();
}

}  // namespace cetane::detail
