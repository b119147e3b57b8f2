// One end of a simulated connection, on the kernel's model (tcp(7) and what Linux 6 does):
//
//   connecting --establish--> connected --RST--> broken
//        \--refuse--> refused
//
// A connected end has two halves that end by themselves. Output: open, ended here, end sent, end
// acknowledged. Input: open, end arrived; what came before the end, or before a reset, stays to be
// read. An error is told once, to who asks first; after that a broken end has only the ends of
// things: EPIPE for a writer, 0 for a reader.
#include "backend/sim_stream.hpp"

#include <backend/sim_connection.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <numeric>
#include <utility>

namespace cetane::detail {

sim_stream::sim_stream(sim_engine& engine, sim_connection& home, bool is_client) noexcept
    : sim_socket(kind::stream),
      engine_(engine),
      home_(home),
      is_client_(is_client),
      path_(engine),
      way_(engine, *this),
      output_(engine.capacity()) {}

std::string sim_stream::name() const {
  return fmt::format("#{} {}", home_.number, is_client_ ? "client" : "server");
}

std::shared_ptr<sim_stream> sim_stream::self() const {
  return is_client_ ? home_.client() : home_.server();
}

std::shared_ptr<sim_stream> sim_stream::other() const {
  return is_client_ ? home_.server() : home_.client();
}

void sim_stream::send_over(std::size_t bytes, bool insists,
                           std::function<void(sim_stream&)> arrive) {
  engine_.schedule.under_way(
      path_.arrival(bytes),
      [from = self(), insists, arrive = std::move(arrive)] { from->way_.pass(insists, arrive); });
}

ssize_t sim_stream::write(const iovec* parts, int count) {
  if (error_ != 0) return -take_error();
  if (state_ == state::connecting) return -EAGAIN;
  if (state_ == state::refused || broken_ || output_.ended()) return -EPIPE;
  const std::size_t wanted =
      std::accumulate(parts, parts + count, std::size_t{0},
                      [](std::size_t sum, const iovec& part) { return sum + part.iov_len; });
  const std::size_t taken = output_.put(parts, count, fitting(wanted));
  if (taken == 0 && wanted > 0) {
    starved_ = true;
    return -EAGAIN;
  }
  if (taken > 0) ++engine_.io_operations;
  transmit();
  return static_cast<ssize_t>(taken);
}

void sim_stream::wait_for_room() {
  starved_ = true;
  call_when_roomy();
}

// How many of the bytes are taken now; 0 if their writer has to wait.
std::size_t sim_stream::fitting(std::size_t wanted) {
  const std::size_t room = std::min(wanted, output_.room());
  if (room < wanted && engine_.has_small_buffers()) {
    engine_.meet(fault_kind::buffers, "{} has room for {} of {} bytes", name(), room, wanted);
  }
  if (room == 0) return 0;
  if (stall_.begins(engine_, name(), [self = self()] {
        self->stall_.end();
        self->call_when_roomy();
      })) {
    return 0;
  }
  if (room == 1 || !engine_.strikes(fault_kind::short_writes)) return room;
  const std::size_t taken = engine_.faults.dice(fault_kind::short_writes).roll(1, room - 1);
  engine_.meet(fault_kind::short_writes, "{} writes {} of {} bytes", name(), taken, wanted);
  return taken;
}

// In the kernel's order: what is queued, the end, an error, and then what a broken socket says.
ssize_t sim_stream::read(char* to, std::size_t room) noexcept {
  if (engine_.splits() && input_.size() > 0) room = std::min(room, engine_.draw_segment());
  if (const std::size_t count = input_.take(to, room); count > 0) {
    ++engine_.io_operations;
    received_.read += count;
    engine_.trace.fold(home_.number);
    engine_.trace.fold(count);
    return static_cast<ssize_t>(count);
  }
  if (received_.end_arrived) return 0;
  if (error_ != 0) return -take_error();
  return state_ == state::refused || broken_ ? 0 : -EAGAIN;
}

bool sim_stream::readable() const noexcept {
  return input_.size() > 0 || received_.end_arrived || broken_ || state_ == state::refused;
}

int sim_stream::end_output() {
  if (state_ != state::connected || broken_ || finished()) return -ENOTCONN;
  output_.end();
  transmit();
  mark();  // who waits for room may stop waiting
  return 0;
}

void sim_stream::close(bool reset) {
  open_ = false;
  if (state_ != state::connected || broken_) return;
  engine_.note("{} closes, {} unread", name(), input_.size());
  const bool both_ended = output_.end_sent() && received_.end_arrived;
  if (input_.size() > 0 || (reset && !both_ended)) {
    cut();
  } else {
    output_.end();
    transmit();
  }
}

void sim_stream::vanish() noexcept {
  open_ = false;
  broken_ = vanished_ = true;
  way_.forget();
}

void sim_stream::time_out() {
  if (broken_ || finished()) return;
  engine_.note("{} gives its peer up", name());
  broken_ = timed_out_ = true;
  error_ = ETIMEDOUT;
  if (open_) mark();
}

int sim_stream::take_error() noexcept { return std::exchange(error_, 0); }

int sim_stream::remote_address(address& out) const noexcept {
  if (state_ != state::connected || broken_ || finished()) return -ENOTCONN;
  out = remote;
  return 0;
}

std::size_t sim_stream::unacknowledged() const noexcept { return output_.unacknowledged(); }

unsigned sim_stream::conditions() const noexcept {
  if (state_ == state::connecting) return 0;
  const bool gone = broken_ || state_ == state::refused;
  unsigned holding = 0;
  if (readable()) holding |= input;
  if (gone || output_.ended() || (output_.roomy() && !stall_.on())) holding |= output;
  if (gone || received_.end_arrived) holding |= hang_up;
  if (error_ != 0) holding |= failure;
  return holding;
}

void sim_stream::delivered() {
  if (broken_ || told_ == received_) return;
  told_ = received_;
  send_over([receipt = received_](sim_stream& sender) { sender.receipt_arrived(receipt); });
}

void sim_stream::refuse(int error) {
  state_ = state::refused;
  error_ = error;
}

// Segments that leave together arrive one by one, else a receiver would see them as one.
void sim_stream::transmit() {
  for (bool first = true; output_.sendable() > 0; first = false) {
    if (!first) path_.separate();
    std::string bytes = next_piece();
    const std::size_t size = bytes.size();
    send_over(size, true,
              [bytes = std::move(bytes)](sim_stream& receiver) { receiver.bytes_arrived(bytes); });
    home_.breaking.note_sent(size);
  }
  if (output_.send_end()) send_over(0, true, [](sim_stream& receiver) { receiver.end_arrived(); });
}

std::string sim_stream::next_piece() {
  const std::size_t whole = output_.sendable();
  if (path_.busy()) engine_.meet(fault_kind::bandwidth, "{} waits for what it sent before", name());
  std::string bytes = output_.send(home_.breaking.passing(engine_.draw_segment()));
  if (bytes.size() < whole && engine_.splits()) {
    engine_.meet(fault_kind::split_reads, "{} sends {} of {} bytes", name(), bytes.size(), whole);
  }
  return bytes;
}

void sim_stream::mark() { engine_.mark(self()); }

// RST: what is under way arrives before it, what was not sent is lost.
void sim_stream::cut() {
  engine_.note("{} resets", name());
  broken_ = true;
  send_over([](sim_stream& receiver) { receiver.reset_arrived(); });
}

void sim_stream::break_off(bool overtakes) {
  if (!overtakes) {
    other()->send_over([](sim_stream& receiver) { receiver.reset_arrived(); });
    return;
  }
  engine_.schedule.under_way(engine_.now() + engine_.draw_latency(),
                             [self = self()] { self->reset_arrived(); });
}

// Both ends came through; the kernel forgets the connection then.
bool sim_stream::finished() const noexcept {
  return output_.end_acknowledged() && received_.end_arrived;
}

// Bytes for somebody who has closed are answered with a reset.
void sim_stream::bytes_arrived(const std::string& bytes) {
  if (broken_) return;
  engine_.note("{} receives {} bytes", name(), bytes.size());
  engine_.trace.fold(bytes);
  if (!open_) return cut();
  input_.put(bytes);
  received_.arrived += bytes.size();
  mark();
}

void sim_stream::end_arrived() {
  if (broken_) return;
  engine_.note("{} receives the end", name());
  received_.end_arrived = true;
  if (!open_) return delivered();
  mark();
}

void sim_stream::reset_arrived() {
  if (broken_ || finished()) return;
  engine_.note("{} receives a reset", name());
  broken_ = true;
  error_ = failure_kind();
  if (open_) mark();
}

void sim_stream::receipt_arrived(const sim_receipt& receipt) {
  if (broken_) return;
  output_.acknowledge(receipt);
  transmit();
  call_when_roomy();
}

void sim_stream::call_when_roomy() {
  if (!starved_ || stall_.on() || !output_.roomy()) return;
  starved_ = false;
  if (open_) mark();
}

}  // namespace cetane::detail
