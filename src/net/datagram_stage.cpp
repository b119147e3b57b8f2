#include <net/datagram_stage.hpp>

#include <net/datagram_port.hpp>

#include <memory>
#include <utility>

namespace cetane::detail {

datagram_stage& datagram_stage::of(event_loop& loop) {
  io_blocks& blocks = loop.blocks();
  if (!blocks.datagrams) blocks.datagrams = std::make_unique<datagram_stage>(blocks);
  return static_cast<datagram_stage&>(*blocks.datagrams);
}

void datagram_stage::leave() noexcept {
  blocks_.late = nullptr;
  datagram_port* const from = std::exchange(from_, nullptr);
  if (from == nullptr) return;
  from->send_staged(staged_);
  staged_.clear();
}

void datagram_stage::make_way_for(datagram_port& next) noexcept {
  leave();
  from_ = &next;
  blocks_.late = this;
}

}  // namespace cetane::detail
