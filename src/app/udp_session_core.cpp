#include <app/udp_session_core.hpp>

#include <cetane/base/errors.hpp>
#include <cetane/base/log.hpp>

#include <cstring>
#include <new>
#include <random>
#include <stdexcept>
#include <utility>

#include <sys/socket.h>

namespace cetane::detail {
namespace {

const log::logger udp_log("service");

}  // namespace

udp_session_core::address_hash::address_hash() {
  std::random_device source;
  secret_ = std::uint64_t{source()} << 32 | source();
}

std::size_t udp_session_core::address_hash::operator()(const address& of) const noexcept {
  constexpr std::uint64_t factor = 0x9E3779B97F4A7C15U;
  sockaddr_storage raw;
  const std::size_t length = of.to_sockaddr(raw);
  std::uint64_t mixed = secret_;
  for (std::size_t at = 0; at < length; at += sizeof mixed) {
    std::uint64_t word = 0;
    std::memcpy(&word, reinterpret_cast<const char*>(&raw) + at, sizeof word);
    mixed = (mixed ^ word) * factor;
    mixed ^= mixed >> 32;
  }
  return mixed;
}

void udp_session_core::start(event_loop& loop, cancel_scope& parent,
                             const std::string& port_option) {
  if (loop_ != nullptr) throw std::logic_error("this service was started before");
  if (limits_.max_connections != 0) most_sessions_ = limits_.max_connections;
  enter_scopes(loop, parent);
  const address where = wanted_place(loop);
  try {
    socket_.emplace(loop, static_cast<datagram_sink&>(*this));
    socket_->set_limits(limits_.udp);
    const int failed =
        inherited_.fd ? socket_->adopt(std::move(inherited_.fd), where, inherited_.file_is_ours)
                      : socket_->open(where, {});
    if (failed < 0) fail_listening(where, failed, !loop.io().simulated(), port_option);
  } catch (...) {
    leave_loop();
    throw;
  }
  bound_ = socket_->bound();
  listening_ = true;
}

void udp_session_core::stop_listening() noexcept {
  listening_ = false;
  if (sessions_.empty() && socket_) socket_->close();
}

service_base::open_socket udp_session_core::socket() const noexcept {
  if (!listening_ || !socket_) return {};
  return {socket_->descriptor, socket_->removes_file()};
}

// Nothing more comes for the sessions here, which still answer what has come.
void udp_session_core::hand_over() noexcept {
  another_receives_ = true;
  if (socket_) socket_->leave_file();
  for (const auto& [peer, session] : sessions_) session->end_input();
}

void udp_session_core::on_datagram(const arrived_datagram& what) noexcept {
  udp_session* const session = session_for(what.from);
  if (session == nullptr) return socket_->count_dropped();
  const bool room = waiting_bytes_ + what.bytes.size() <= limits_.udp.waiting_in_all_bytes;
  if (room && session->take(what)) {
    waiting_bytes_ += what.bytes.size();
    return;
  }
  socket_->count_dropped();
  session->count_dropped();
}

udp_session* udp_session_core::session_for(const address& peer) noexcept {
  const auto known = sessions_.find(peer);
  if (known != sessions_.end()) return known->second;
  if (!listening_ || (budget_ != nullptr && *budget_ == 0)) return nullptr;
  if (sessions_.size() >= most_sessions_) {
    if (full_.due(loop_->now())) {
      udp_log.warning("{} has {} sessions, as many as it may: what others send is dropped", bound_,
                      sessions_.size());
    }
    return nullptr;
  }
  try {
    return begin_session(peer);
  } catch (const std::exception& e) {
    udp_log.error("{}: cannot serve {}: {}", name_, peer, e.what());
    return nullptr;
  }
}

udp_session* udp_session_core::begin_session(const address& peer) {
  auto fresh = std::make_unique<udp_session>(*this, peer);
  const auto place = sessions_.emplace(peer, fresh.get()).first;
  try {
    fresh->begin();
  } catch (...) {
    sessions_.erase(place);
    throw;
  }
  if (budget_ != nullptr) --*budget_;
  return fresh.release();
}

void udp_session_core::on_undelivered(const address& about, int error) noexcept {
  const auto known = sessions_.find(about);
  if (known != sessions_.end()) known->second->take_undelivered(error);
}

void udp_session_core::handler_ends(udp_session& of) noexcept {
  const auto known = sessions_.find(of.remote());
  if (known != sessions_.end() && known->second == &of) sessions_.erase(known);
  waiting_bytes_ -= of.bytes();
  if (!listening_ && sessions_.empty() && socket_) socket_->close();
}

std::size_t udp_session_core::cancel_idle_handlers() noexcept {
  std::size_t going_on = 0;
  handlers_->for_each_task([&](task_context& task) {
    auto* const one = dynamic_cast<udp_session*>(&task);
    if (one == nullptr || task.cancel_state != cancel_reason::none) return;
    const auto awaits = [one](const task_context& each) { return one->is_awaited_by(each); };
    if (is_idle(*one, awaits)) {
      cancel_task(task, cancel_reason::shutdown);
    } else {
      ++going_on;
    }
  });
  return going_on;
}

void udp_session_core::cancel_handlers() noexcept {
  handlers_->for_each_task([this](task_context& task) {
    auto* const one = dynamic_cast<udp_session*>(&task);
    if (one != nullptr && task.cancel_state == cancel_reason::none && one->note_cut()) ++cut_;
  });
  handlers_->cancel(cancel_reason::shutdown);
}

void udp_session_core::reset_connections() noexcept {
  handlers_->for_each_task([this](task_context& task) {
    auto* const one = dynamic_cast<udp_session*>(&task);
    if (one == nullptr) return;
    if (one->note_cut()) ++cut_;
    one->end();
  });
}

void udp_session_core::leave_loop() noexcept {
  listening_ = false;
  if (socket_) socket_->close();
  leave_scopes();
}

}  // namespace cetane::detail
