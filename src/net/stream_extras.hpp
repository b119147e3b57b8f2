#pragma once

#include <net/kept_descriptors.hpp>
#include <net/skipped_message.hpp>
#include <net/stream.hpp>
#include <net/stream_filter.hpp>

#include <cetane/coro/frame_memory.hpp>
#include <cetane/runtime/orphan.hpp>
#include <cetane/runtime/timer.hpp>

#include <memory>
#include <optional>
#include <string>

namespace cetane::detail {

/// What a connection only has when something asks for it, so that an idle one stays small.
struct stream_extras final : orphan, pooled {
  explicit stream_extras(stream& of) noexcept : owner(of), idle(of), closing(of) {}

  struct idle_timer final : timer {
    explicit idle_timer(stream& of) noexcept : owner(of) {}
    void on_timer() noexcept override { owner.on_idle_timer(); }
    stream& owner;
  };
  struct closing_timer final : timer {
    explicit closing_timer(stream& of) noexcept : owner(of) {}
    void on_timer() noexcept override { owner.on_closing_timer(); }
    stream& owner;
  };

  void end_now() noexcept override { owner.finish_close(true); }
  bool end_if_delivered() noexcept override { return owner.end_if_delivered(); }

  stream& owner;
  std::optional<address> remote;
  std::optional<address> local;
  std::string label;
  std::unique_ptr<skipped_message> skipped;
  std::string abort_reason;
  std::unique_ptr<stream_filter> filter;
  std::unique_ptr<kept_descriptors> passed;  // the peer's, which nobody has taken yet
  std::unique_ptr<connection_limits> limits;
  intrusive_list<closed_wait, closed_waiters> closed_list;
  duration idle_span = duration::zero();
  time_point last_activity;
  bool failure_told = false;  // a read or a send has thrown connection_closed
  idle_timer idle;
  closing_timer closing;
};

}  // namespace cetane::detail
