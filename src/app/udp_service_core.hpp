#pragma once

#include <app/udp_service_base.hpp>

#include <cetane/app/bound_handler.hpp>
#include <cetane/coro/frame_memory.hpp>
#include <cetane/coro/task_context.hpp>
#include <cetane/net/udp_socket.hpp>
#include <cetane/runtime/timer.hpp>

#include <cstddef>
#include <cstdint>
#include <exception>
#include <memory>
#include <string>

namespace cetane::detail {

/// A service with one handler for its socket; see udp_service().
class udp_service_core final : public udp_service_base, timer {
 public:
  using handler_type = handler_of<udp_socket>;

  udp_service_core(std::unique_ptr<handler_type> handler, const address& unix_path)
      : udp_service_base(unix_path), handler_(std::move(handler)) {}
  udp_service_core(std::unique_ptr<handler_type> handler, std::string host, std::uint16_t port)
      : udp_service_base(std::move(host), port), handler_(std::move(handler)) {}

  void start(event_loop& loop, cancel_scope& parent, const std::string& port_option) override;
  void stop_listening() noexcept override;
  open_socket socket() const noexcept override;
  void hand_over() noexcept override;
  std::size_t cancel_idle_handlers() noexcept override;
  void cancel_handlers() noexcept override;
  void reset_connections() noexcept override;
  void leave_loop() noexcept override;

  std::size_t handlers_running() const noexcept override { return running_ == nullptr ? 0 : 1; }
  std::size_t connections_cut() const noexcept override { return cut_ ? 1 : 0; }

 private:
  /// The handler, while it runs.
  class call final : public task_context, public pooled {
   public:
    explicit call(udp_service_core& of) noexcept : service_(of) { service_.keep(); }
    ~call() { service_.release(); }

    std::string label() const override;
    void on_finished() noexcept override;

   private:
    udp_service_core& service_;
  };

  ~udp_service_core() override { leave_loop(); }

  void on_timer() noexcept override;
  void open(event_loop& loop, const std::string& port_option);
  void begin();
  void ended(std::exception_ptr error) noexcept;
  bool is_own_end(std::exception_ptr error) const;

  const std::unique_ptr<handler_type> handler_;
  udp_socket socket_;
  call* running_ = nullptr;
  std::uint64_t taken_before_ = 0;  // from the socket, when the handler was called
  bool stopping_ = false;
  bool cut_ = false;
};

}  // namespace cetane::detail
