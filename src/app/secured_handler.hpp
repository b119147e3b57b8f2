#pragma once

#include <cetane/app/bound_handler.hpp>
#include <cetane/net/security.hpp>

#include <memory>
#include <typeinfo>
#include <utility>

namespace cetane::detail {

/// A handler that is called when its peer and this side have agreed on a secure connection.
class secured_handler final : public bound_handler {
 public:
  secured_handler(std::unique_ptr<bound_handler> of, std::shared_ptr<const security> how) noexcept
      : of_(std::move(of)), how_(std::move(how)) {}

  task<> call(connection& peer) override;

  // What makes it secure is for any thread: all loops share it.
  std::unique_ptr<bound_handler> for_another_loop() const override;
  const std::type_info* bound_to_one_loop() const noexcept override {
    return of_->bound_to_one_loop();
  }

 private:
  std::unique_ptr<bound_handler> of_;
  std::shared_ptr<const security> how_;
};

}  // namespace cetane::detail
