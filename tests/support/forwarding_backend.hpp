#pragma once

#include <runtime/backend.hpp>

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>

namespace cetane::test {

/// Hands every call on to another backend. A test derives from it to let one call fail that the
/// kernel or the simulation would not let fail when the test wants it.
class forwarding_backend : public detail::backend {
 public:
  explicit forwarding_backend(std::unique_ptr<detail::backend> to) noexcept : to_(std::move(to)) {}

  std::string_view name() const noexcept override { return to_->name(); }
  bool simulated() const noexcept override { return to_->simulated(); }
  time_point now() noexcept override { return to_->now(); }
  bool poll(event_loop& loop, time_point until) override { return to_->poll(loop, until); }
  bool has_work() const noexcept override { return to_->has_work(); }
  void wake() noexcept override { to_->wake(); }
  void begin_external() noexcept override { to_->begin_external(); }
  void end_external() noexcept override { to_->end_external(); }
  void begin_call(event_loop& loop, const detail::message& call) override {
    to_->begin_call(loop, call);
  }
  void end_call(const detail::message& call) noexcept override { to_->end_call(call); }
  bool keep_answer(detail::message& answer) noexcept override { return to_->keep_answer(answer); }

  std::optional<detail::name_answer> look_up(const std::string& name) override {
    return to_->look_up(name);
  }
  int listen(const address& at, const detail::listen_request& request, int& descriptor,
             address& bound) override {
    return to_->listen(at, request, descriptor, bound);
  }
  int accept(detail::poll_io& listener, int& descriptor, address& peer) override {
    return to_->accept(listener, descriptor, peer);
  }
  int connect(const address& to, const address* from, int& descriptor) override {
    return to_->connect(to, from, descriptor);
  }
  int connect_result(int descriptor) override { return to_->connect_result(descriptor); }

  int local_address(int descriptor, address& out) override {
    return to_->local_address(descriptor, out);
  }
  int peer_address(int descriptor, address& out) override {
    return to_->peer_address(descriptor, out);
  }
  int ask_peer_credentials(int descriptor, peer_credentials& out) override {
    return to_->ask_peer_credentials(descriptor, out);
  }
  int set_keepalive(int descriptor) override { return to_->set_keepalive(descriptor); }
  int shutdown_write(detail::stream_io& stream) override { return to_->shutdown_write(stream); }
  std::size_t unsent_bytes(const detail::stream_io& stream) override {
    return to_->unsent_bytes(stream);
  }
  int duplicate(int descriptor) override { return to_->duplicate(descriptor); }
  void give_away(int descriptor) noexcept override { to_->give_away(descriptor); }
  int take_over(int descriptor) noexcept override { return to_->take_over(descriptor); }
  void close(int descriptor, bool reset) noexcept override { to_->close(descriptor, reset); }

  int watch(detail::stream_io& stream, bool is_tcp) override { return to_->watch(stream, is_tcp); }
  int watch(detail::poll_io& object) override { return to_->watch(object); }
  int watch_once(detail::poll_io& object, bool for_writing) override {
    return to_->watch_once(object, for_writing);
  }
  void unwatch(detail::io_object& object) noexcept override { to_->unwatch(object); }
  void set_reading(detail::stream_io& stream, bool on) noexcept override {
    to_->set_reading(stream, on);
  }
  ssize_t write(detail::stream_io& stream, const iovec* parts, int count) noexcept override {
    return to_->write(stream, parts, count);
  }
  ssize_t write_with(detail::stream_io& stream, std::string_view bytes,
                     std::span<const int> descriptors) noexcept override {
    return to_->write_with(stream, bytes, descriptors);
  }
  void begin(detail::io_blocks& blocks) noexcept override { to_->begin(blocks); }
  ssize_t write_soon(detail::stream_io& stream, std::string_view bytes) noexcept override {
    return to_->write_soon(stream, bytes);
  }
  unsent send_taken(detail::stream_io& stream) noexcept override { return to_->send_taken(stream); }
  void flush() noexcept override { to_->flush(); }
  int open_datagram(const address& at, const detail::datagram_request& request, int& descriptor,
                    address& bound) override {
    return to_->open_datagram(at, request, descriptor, bound);
  }
  int watch(detail::datagram_io& socket) override { return to_->watch(socket); }
  std::span<const detail::arrived_datagram> receive(detail::datagram_io& socket, std::size_t limit,
                                                    std::size_t count) noexcept override {
    return to_->receive(socket, limit, count);
  }
  ssize_t send(detail::datagram_io& socket, const address* to, const iovec* parts,
               int count) noexcept override {
    return to_->send(socket, to, parts, count);
  }
  int send_several(detail::datagram_io& socket, const os::datagram_outbox& what,
                   std::size_t first) noexcept override {
    return to_->send_several(socket, what, first);
  }
  int take_failure(detail::datagram_io& socket, detail::datagram_failure& out) noexcept override {
    return to_->take_failure(socket, out);
  }
  int set_membership(int descriptor, const address& group, const address& on,
                     bool member) override {
    return to_->set_membership(descriptor, group, on, member);
  }
  int set_broadcast(int descriptor, bool allowed) override {
    return to_->set_broadcast(descriptor, allowed);
  }
  ssize_t send_file(detail::stream_io& stream, int file, off_t offset,
                    std::size_t count) noexcept override {
    return to_->send_file(stream, file, offset, count);
  }
  std::string leftovers() const override { return to_->leftovers(); }

 private:
  std::unique_ptr<detail::backend> to_;
};

}  // namespace cetane::test
