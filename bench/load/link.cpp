#include "link.hpp"

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <stdexcept>
#include <system_error>
#include <utility>

namespace load {
namespace {

[[noreturn]] void fail(const char* what) {
  throw std::system_error(errno, std::generic_category(), what);
}

}  // namespace

std::uint64_t now() {
  return static_cast<std::uint64_t>(std::chrono::steady_clock::now().time_since_epoch() /
                                    std::chrono::nanoseconds(1));
}

link::link(const workload& work, std::unique_ptr<channel> over, std::uint64_t first_place)
    : work_(&work),
      channel_(std::move(over)),
      first_place_(first_place),
      departures_(work.in_flight) {}

bool link::depart(std::uint64_t due, const pattern& bytes) {
  const std::uint64_t number = allowed_ / work_->message_bytes;
  if (number - answered() == departures_.size()) return false;
  have_due_times_ = true;
  departures_[number % departures_.size()] = due;
  allowed_ += work_->message_bytes;
  send_what_may_leave(bytes, due);
  return true;
}

void link::allow(std::uint64_t messages, const pattern& bytes) {
  allowed_ += messages * work_->message_bytes;
  send_what_may_leave(bytes, now());
}

void link::stop() {
  const std::uint64_t under_way = sent_ + channel_->begun();
  const std::uint64_t begun = (under_way + work_->message_bytes - 1) / work_->message_bytes;
  allowed_ = std::min(allowed_, begun * work_->message_bytes);
}

void link::turn(const pattern& bytes, std::span<char> buffer, latency_histogram& times) {
  std::uint64_t arrival = 0;
  for (;;) {
    const ssize_t n = channel_->receive(buffer.data(), buffer.size());
    if (n > 0) {
      arrival = now();  // and the departure of what may leave now: a clock read less a message
      take({buffer.data(), static_cast<std::size_t>(n)}, arrival, bytes, times);
      const bool has_room = static_cast<std::size_t>(n) < buffer.size();
      if (!work_->datagrams && has_room && channel_->room_means_empty()) break;
    } else if (n == 0) {
      throw std::runtime_error("the server ended a connection with messages under way");
    } else if (errno == EAGAIN) {
      break;
    } else if (errno != EINTR) {
      fail("recv");
    }
  }
  send_what_may_leave(bytes, arrival ? arrival : now());
}

void link::take(std::string_view received, std::uint64_t arrival, const pattern& bytes,
                latency_histogram& times) {
  if (work_->datagrams && received.size() != work_->message_bytes)
    throw std::runtime_error("a datagram came back cut");
  if (received_ + received.size() > sent_)
    throw std::runtime_error("the server sent more than it was sent");
  if (work_->verify) wrong_ += bytes.count_wrong(first_place_ + received_, received);
  const std::uint64_t before = answered();
  received_ += received.size();
  for (std::uint64_t i = before; i < answered(); ++i)
    times.add(arrival - departures_[i % departures_.size()]);
}

void link::send_what_may_leave(const pattern& bytes, std::uint64_t departure) {
  const std::uint64_t size = work_->message_bytes;
  const std::uint64_t end = std::min(allowed_, (answered() + work_->in_flight) * size);
  if (sent_ >= end) return;

  if (!have_due_times_) {
    for (std::uint64_t i = (sent_ + size - 1) / size; i < end / size; ++i)
      departures_[i % departures_.size()] = departure;
  }
  while (sent_ < end) {
    const std::uint64_t most = work_->datagrams ? size : end - sent_;
    const std::string_view part = bytes.slice(first_place_ + sent_, most);
    const ssize_t n = channel_->send(part);
    if (n >= 0) {
      sent_ += static_cast<std::uint64_t>(n);
    } else if (errno == EAGAIN) {
      return;
    } else if (errno != EINTR) {
      fail("send");
    }
  }
}

}  // namespace load
