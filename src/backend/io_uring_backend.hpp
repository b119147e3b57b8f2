#pragma once

#include <backend/io_uring_buffers.hpp>
#include <backend/io_uring_held.hpp>
#include <backend/io_uring_outbox.hpp>
#include <backend/io_uring_ring.hpp>
#include <backend/kernel_backend.hpp>
#include <backend/slot_table.hpp>
#include <os/fork_hook.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <thread>
#include <vector>

namespace cetane::detail {

/// The io_uring backend; io_uring_backend.cpp says how it works.
class uring_backend final : public kernel_backend {
 public:
  /// Throws cetane::error when the kernel refuses.
  explicit uring_backend(const uring_sizes& sizes = {});
  ~uring_backend() override;

  std::string_view name() const noexcept override { return "io_uring"; }

  /// In a child process: the ring and what it watches are its parent's.
  void in_child(std::span<const int> kept) noexcept;

  // io_uring_backend.cpp
  bool poll(event_loop& loop, time_point until) override;
  bool has_work() const noexcept override {
    return !filling_->empty() || !wanted_.empty() || !unread_.empty() || !aside_.empty() ||
           ring_.unsubmitted() != 0 || ring_.ready() != 0;
  }
  int watch(stream_io& stream, bool is_tcp) override;
  int watch(poll_io& object) override;
  int watch(datagram_io& socket) override { return add(socket); }
  int watch_once(poll_io& object, bool for_writing) override;
  void unwatch(io_object& object) noexcept override;
  void close(int descriptor, bool reset) noexcept override;
  std::string leftovers() const override;

  // io_uring_input.cpp
  void set_reading(stream_io& stream, bool on) noexcept override;

  // io_uring_output.cpp
  ssize_t write(stream_io& stream, const iovec* parts, int count) noexcept override;
  void begin(io_blocks& blocks) noexcept override {
    blocks_ = &blocks;
    blocks.staged = filling_->room();
  }
  ssize_t write_soon(stream_io& stream, std::string_view bytes) noexcept override;
  ssize_t write_with(stream_io& stream, std::string_view bytes,
                     std::span<const int> descriptors) noexcept override;
  unsent send_taken(stream_io& stream) noexcept override;
  void flush() noexcept override;
  ssize_t send_file(stream_io& stream, int file, off_t offset, std::size_t count) noexcept override;

  /// Operations that the kernel has not answered yet.
  std::size_t in_flight() const noexcept { return in_flight_; }
  unsigned receive_buffers() const noexcept { return buffers_.count(); }

 private:
  // What a submission was for: it comes back in the completion, beside the object's tag. The first
  // ones number the bits of io_object::in_flight as well.
  enum operation : std::uint8_t {
    op_receive,   // a stream's input
    op_hang_up,   // a stream's peer ends its output, or the connection breaks
    op_room,      // room for a stream's output
    op_poll,      // an event of a poll_io
    op_send = 8,  // a letter of the outbox
    op_wake,
    op_cancel,
  };
  static constexpr unsigned large_input = 8 * 1024;

  static constexpr unsigned operation_shift = 28;  // so a loop has 2^28 objects at most
  static constexpr std::uint64_t operation_mask = std::uint64_t{0xf} << operation_shift;

  static std::uint64_t label(std::uint64_t tag, operation what) noexcept {
    return tag | std::uint64_t{what} << operation_shift;
  }
  static operation operation_of(completion done) noexcept {
    return static_cast<operation>((done.label & operation_mask) >> operation_shift);
  }
  static std::uint64_t tag_of(completion done) noexcept { return done.label & ~operation_mask; }

  static bool is_in_flight(const io_object& object, operation what) noexcept {
    return (object.in_flight >> what & 1) != 0;
  }
  static void note_in_flight(io_object& object, operation what) noexcept {
    object.in_flight |= static_cast<std::uint8_t>(1 << what);
  }
  static void note_ended(io_object& object, operation what) noexcept {
    object.in_flight &= static_cast<std::uint8_t>(~(1 << what));
  }

  // Small input, after which the receive stays: this is what most completions are.
  static bool is_message(const io_uring_cqe& done) noexcept {
    constexpr unsigned stays = IORING_CQE_F_MORE | IORING_CQE_F_BUFFER;
    return (done.user_data & operation_mask) == label(0, op_receive) &&
           (done.flags & stays) == stays && static_cast<unsigned>(done.res) - 1 < large_input;
  }

  // io_uring_backend.cpp
  int add(io_object& object);
  void begin_on_this_thread();
  bool on_own_thread() const noexcept { return owner_ == std::this_thread::get_id(); }
  void note_wanted(io_object& object) noexcept;
  void submit_wanted() noexcept;
  void submit_for(stream_io& stream, std::uint64_t tag) noexcept;
  void submit_for(poll_io& object, std::uint64_t tag) noexcept;
  void submit_for(datagram_io& socket, std::uint64_t tag) noexcept;
  void await_room(datagram_io& socket) noexcept override { note_wanted(socket); }
  void submit_event(io_object& object, std::uint64_t tag, operation what, unsigned events,
                    bool stays) noexcept;
  void note_submitted(io_uring_sqe& entry, io_object& object, std::uint64_t tag,
                      operation what) noexcept {
    entry.user_data = label(tag, what);
    note_in_flight(object, what);
    ++in_flight_;
  }
  void submit_wake() noexcept;
  void deliver_aside() noexcept;
  void deliver_ready() noexcept;
  void deliver(completion done) noexcept;
  void deliver_poll(poll_io& object, completion done) noexcept;
  void deliver_to_datagram(datagram_io& socket, completion done) noexcept;
  void deliver_stale(completion done) noexcept;
  bool find_aside(std::uint64_t wanted, completion& out) noexcept;
  bool take_answer(std::uint64_t wanted, completion& out) noexcept;
  completion wait_for(std::uint64_t wanted) noexcept;
  void put_aside(completion done) noexcept;
  void drain(io_object& object) noexcept;
  void end(io_object& object, completion done) noexcept;
  void end_everything() noexcept;
  void count_what_happened(event_loop& loop) noexcept;

  // io_uring_input.cpp
  void submit_receive(stream_io& stream, std::uint64_t tag) noexcept;
  void deliver_message(stream_io& stream, completion done) noexcept {
    if (!stream.reading) [[unlikely]]
      return hold(stream, done);
    const unsigned buffer = done.buffer();
    stream.on_data(buffers_.at(buffer), static_cast<std::size_t>(done.result));
    buffers_.give_back(buffer);
  }
  void deliver_input(stream_io& stream, completion done) noexcept;
  void change_receive(stream_io& stream, completion done) noexcept;
  void cancel(std::uint64_t tag, operation what) noexcept;
  void deliver_hang_up(stream_io& stream, int events) noexcept;
  void deliver_room(stream_io& stream, int events) noexcept;
  void deliver_end(stream_io& stream, int error) noexcept;
  void note_unread(stream_io& stream) noexcept;
  void hold(stream_io& stream, completion done) noexcept;
  bool told_of_hang_up(stream_io& stream, bool broken, int error) noexcept;
  void read(event_loop& loop, stream_io& stream) noexcept;
  bool read_block(io_blocks& blocks, stream_io& stream) noexcept;
  void read_passing(io_blocks& blocks, stream_io& stream) noexcept;
  void read_held(stream_io& stream) noexcept;
  void read_leftovers(event_loop& loop) noexcept;

  // io_uring_output.cpp
  int held_error(const stream_io& stream) noexcept;
  ssize_t write_soon_besides(stream_io& stream, std::string_view bytes) noexcept;
  void submit_letters() noexcept;
  void letters_have_left() noexcept;
  // Most labels belong to objects, which one look at the first bit tells.
  void note_unsent(std::uint64_t answered) noexcept {
    if ((answered & label(0, op_send)) == 0) [[likely]]
      return;
    if ((answered & operation_mask) != label(0, op_send)) return;
    stream_io* const from = filling_->at(answered & ~operation_mask).from;
    if (from != nullptr) from->output_taken = true;
  }
  void deliver_sent(completion done) noexcept;
  unsent unsent_part(stream_io& stream, std::string_view text, long sent) noexcept;
  void no_room(stream_io& stream) noexcept;

  slot_table slots_;
  std::vector<std::uint32_t> slot_of_descriptor_;
  std::size_t objects_ = 0;

  // Tags; these have room for one more of every object, so that noting one never allocates.
  std::vector<std::uint64_t> wanted_;  // something is to be submitted for it
  std::vector<std::uint64_t> unread_;  // there is more input than one receive took
  block_allowance allowance_;
  std::vector<completion> aside_;  // completions met while others were waited for
  std::size_t aside_next_ = 0;

  uring_held_input held_;
  io_blocks* blocks_ = nullptr;  // what is staged there lies in filling_
  std::unique_ptr<uring_outbox> filling_;
  std::unique_ptr<uring_outbox> sending_;

  uring_buffers buffers_;
  uring ring_;  // goes before the memory that the kernel works on
  std::thread::id owner_;
  std::size_t in_flight_ = 0;
  std::uint64_t stale_ = 0;
  std::uint64_t shortages_ = 0;
  os::fork_hook fork_hook_{*this};
};

/// Makes the io_uring backend. Throws cetane::error with the reason and the remedy when it does
/// not work here.
std::unique_ptr<backend> make_uring_backend();

}  // namespace cetane::detail
