#include <app/session.hpp>

#include <app/service_core.hpp>

#include <cetane/base/log.hpp>
#include <cetane/coro/task.hpp>
#include <cetane/runtime/this_task.hpp>

#include <new>
#include <utility>

namespace cetane::detail {
namespace {

const log::logger session_log("service");

}  // namespace

session::session(service_core& of) noexcept
    : stream(of.loop(), of.limits().connection), service_(of) {
  service_.session_begins();
}

session::~session() { service_.session_ends(); }

int session::open(int accepted, const address& from) {
  const int result = stream::open(accepted, from);
  if (result >= 0) peer_ = connection(static_cast<stream&>(*this));
  return result;
}

std::string session::label() const {
  std::string text = service_.name().empty() ? function_label(root) : service_.name();
  const std::string own = const_cast<session*>(this)->stream::name();
  if (!own.empty()) text += " " + own;
  return text;
}

std::string session::peer() const { return const_cast<session*>(this)->peer_text(); }

void session::on_finished() noexcept {
  if (root) {
    const auto frame = task<>::handle_type::from_address(root.address());
    if (const std::exception_ptr error = frame.promise().result.error()) report(error);
    root = nullptr;
    frame.destroy();
  }
  end_handler();
}

void session::end_handler() noexcept {
  handler_ended_ = true;
  service_.handler_ends(*this);
  if (connection_ended_) return delete this;
  const connection last(std::move(peer_));  // closes it, which may end this object
}

void session::dispose() noexcept {
  connection_ended_ = true;
  if (handler_ended_) delete this;
}

void session::end_now() noexcept {
  try {
    abort("stopped");
  } catch (const std::bad_alloc&) {
    close();  // no memory to note the reason
  }
}

void session::report(std::exception_ptr error) noexcept {
  try {
    if (is_own_end(error)) return;
  } catch (const std::bad_alloc&) {
    return;  // no memory for the line
  }
  report_unhandled(*this, error);
}

// The end of its own connection is how a handler ends that reads until there is no more.
bool session::is_own_end(std::exception_ptr error) const {
  try {
    std::rethrow_exception(error);
  } catch (const connection_closed& e) {
    if (e.peer() != peer()) return false;
    session_log.debug("{}: {}", label(), e.what());
    return true;
  } catch (...) {
    return false;
  }
}

}  // namespace cetane::detail
