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

std::unique_ptr<bound_handler> secured_handler::for_another_loop() const {
  std::unique_ptr<bound_handler> twin = of_->for_another_loop();
  if (twin == nullptr) return nullptr;
  return std::make_unique<secured_handler>(std::move(twin), how_);
}

}  // namespace cetane::detail
