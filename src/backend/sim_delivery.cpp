// Up-calls are made as the real backend makes them. A batch holds the conditions that its sockets
// had before the first call: what a call closes may still stand in it and must find nobody, a call
// may come for what another has dealt with already, and a socket may have several things to say at
// once.
#include "backend/sim_delivery.hpp"

#include <backend/sim_stream.hpp>
#include <base/spared_memory.hpp>
#include <runtime/io_blocks.hpp>

#include <cetane/runtime/event_loop.hpp>

#include <cerrno>
#include <chrono>
#include <utility>

namespace cetane::detail {

// What holds already is an event of its own, as when a descriptor is added to an epoll.
int sim_delivery::watch(io_object& object) {
  auto socket = network_.find(object.descriptor);
  if (socket == nullptr) return -EBADF;
  if (socket->tag) return -EEXIST;
  socket->tag = slots_.add(object);
  startle(socket);
  if (socket->conditions() != 0) engine_.mark(std::move(socket));
  return 0;
}

void sim_delivery::unwatch(io_object& object) noexcept {
  if (object.slot == io_object::no_slot) return;
  if (const auto socket = network_.find(object.descriptor)) socket->tag.reset();
  slots_.remove(object);
}

void sim_delivery::set_reading(stream_io& stream, bool on) noexcept {
  if (on == stream.reading) return;
  stream.reading = on;
  if (on && stream.readable) note_unread(stream);
}

void sim_delivery::deliver(event_loop& loop) {
  collect();
  if (engine_.wants(fault_kind::shuffled_turns)) shuffle();
  for (const happening& what : batch_) {
    call(loop, what);
    what.socket->delivered();
  }
  batch_.clear();
  if (!unread_.empty()) read_leftovers(loop);
}

void sim_delivery::collect() {
  for (auto& socket : host_.take_marked()) {
    unsigned conditions = socket->conditions();
    if (conditions != 0) startle(socket);
    if (std::exchange(socket->startled, false)) conditions |= sim_socket::input;
    if (!socket->tag || conditions == 0) {
      socket->delivered();
      continue;
    }
    const std::uint64_t tag = *socket->tag;
    batch_.push_back({std::move(socket), tag, conditions});
  }
}

// epoll gives no order either.
void sim_delivery::shuffle() {
  if (engine_.shuffle(batch_)) {
    engine_.meet(fault_kind::shuffled_turns, "{} sockets", batch_.size());
  }
}

void sim_delivery::startle(const std::shared_ptr<sim_socket>& socket) {
  if (!engine_.strikes(fault_kind::storms)) return;
  const duration later =
      engine_.faults.dice(fault_kind::storms).roll(duration::zero(), std::chrono::milliseconds(1));
  engine_.schedule.at(engine_.now() + later, [this, socket] {
    if (!socket->tag) return;
    engine_.meet(fault_kind::storms, "{} has an event for nothing", socket->name());
    socket->startled = true;
    engine_.mark(socket);
  });
}

void sim_delivery::call(event_loop& loop, const happening& what) noexcept {
  io_object* const object = slots_.find(what.tag);
  if (object == nullptr) {
    ++loop.counters().stale_events;
    return;
  }
  if (object->type == io_object::kind::stream) {
    return call_stream(loop, static_cast<stream_io&>(*object), what);
  }
  if (object->type == io_object::kind::datagram) {
    return call_datagram(static_cast<datagram_io&>(*object), what.conditions);
  }
  object->readable = true;
  const demanded_memory program;
  static_cast<poll_io&>(*object).on_ready();
}

void sim_delivery::call_datagram(datagram_io& object, unsigned conditions) noexcept {
  object.readable = true;
  if ((conditions & sim_socket::output) != 0) object.writable = true;
  if ((conditions & sim_socket::failure) != 0) object.failed = true;
  object.on_ready();
}

void sim_delivery::call_stream(event_loop& loop, stream_io& stream,
                               const happening& what) noexcept {
  const auto holds = [&](unsigned condition) { return (what.conditions & condition) != 0; };
  if (holds(sim_socket::input | sim_socket::hang_up)) stream.readable = true;
  if (holds(sim_socket::output) && !stream.writable) {
    stream.writable = true;
    {
      const demanded_memory program;
      stream.on_writable();
    }
    if (slots_.find(what.tag) != &stream) return;
  }
  const bool failed = holds(sim_socket::failure) && stream.failure == 0;  // perhaps after the end
  if (failed || (holds(sim_socket::hang_up) && !stream.hung_up)) {
    stream.hung_up = true;
    if (failed) stream.failure = static_cast<const sim_stream&>(*what.socket).failure_kind();
    {
      const demanded_memory program;
      stream.on_hang_up(failed ? stream.failure : 0);
    }
    if (slots_.find(what.tag) != &stream) return;
  }
  if (stream.readable && stream.reading) read(loop, stream);
}

// One read. The object may be gone when the call up returns, so everything is noted before it.
void sim_delivery::read(event_loop& loop, stream_io& stream) noexcept {
  const auto socket = network_.find_stream(stream.descriptor);
  char* const block = loop.blocks().input;
  const ssize_t count = socket->read(block, io_blocks::input_bytes);
  socket->delivered();
  stream.readable = count > 0 && socket->readable();
  if (stream.readable) note_unread(stream);
  const demanded_memory program;
  if (count > 0) {
    stream.on_data(block, static_cast<std::size_t>(count));
  } else if (count != -EAGAIN) {
    stream.reading = false;
    stream.on_end(static_cast<int>(-count));
  }
}

void sim_delivery::note_unread(stream_io& stream) noexcept {
  if (std::exchange(stream.unread_noted, true)) return;
  unread_.push_back(slots_.tag(stream.slot));
}

// Tags that are added meanwhile wait for the next poll.
void sim_delivery::read_leftovers(event_loop& loop) noexcept {
  const std::size_t count = unread_.size();
  for (std::size_t i = 0; i < count; ++i) {
    auto* const stream = static_cast<stream_io*>(slots_.find(unread_[i]));
    if (stream == nullptr) continue;
    stream->unread_noted = false;
    if (stream->reading && stream->readable) read(loop, *stream);
  }
  unread_.erase(unread_.begin(), unread_.begin() + static_cast<std::ptrdiff_t>(count));
}

}  // namespace cetane::detail
