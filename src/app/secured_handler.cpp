#include <app/secured_handler.hpp>

#include <cetane/base/errors.hpp>
#include <cetane/base/log.hpp>

namespace cetane::detail {
namespace {

const log::logger handshake_log("service");

}  // namespace

// Whoever comes with something else than TLS is no fault of this program: a line, and no more.
task<> secured_handler::call(connection& peer) {
  try {
    co_await how_->accept(peer);
  } catch (const tls_error& e) {
    handshake_log.info("{}", e.what());
    co_return;
  }
  co_await of_->call(peer);
}

}  // namespace cetane::detail
