#pragma once

#include <net/input_window.hpp>
#include <net/output_queue.hpp>
#include <runtime/backend.hpp>
#include <runtime/io_blocks.hpp>

#include <cetane/base/limits.hpp>
#include <cetane/net/closed_op.hpp>
#include <cetane/net/connection.hpp>
#include <cetane/net/read_op.hpp>
#include <cetane/net/send_op.hpp>
#include <cetane/os/peer_credentials.hpp>
#include <cetane/os/unique_fd.hpp>
#include <cetane/runtime/event_loop.hpp>

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace cetane::detail {

struct stream_extras;
class stream_filter;

/// One connection: its buffers, who reads and who writes, and how it comes to its end.
///
/// Phases: `open`; `flushing`: close() was called, queued output still leaves; `lingering`: our end
/// is sent, input is read and dropped for a moment, since closing a socket with unread input resets
/// it and may destroy what we sent last; `closed`: no socket any more. An owner (a `connection`, or
/// a service's session) lets go with release(); the stream then closes, and disposes of itself once
/// it is both closed and released.
///
/// Most messages pass through a connection about which there is nothing special. `plain_input` and
/// `plain_output` say so, that the usual ways look at one note instead of at everything; whatever
/// changes what they are made of ends with note_plainness(). What is not plain goes the ways whose
/// names end in `besides`, which look at everything.
class stream : public stream_io, public waitable {
 public:
  stream(event_loop& loop, const connection_limits& limits) noexcept;
  virtual ~stream();

  /// Takes over a connected socket: 0, or a negative errno value and the socket is closed.
  int open(int descriptor, const address& peer);

  // Input: stream_input.cpp.
  bool begin_read(read_request& request, std::coroutine_handle<> frame, task_context& task);
  bool begin_some(std::coroutine_handle<> frame, task_context& task);
  std::string finish_read(read_request& request);
  std::optional<std::string> finish_line(read_request& request);
  chunk finish_some();
  std::optional<chunk> finish_next_chunk();
  bool poll_read(read_request& request) noexcept;
  bool arm_read(read_request& request, task_context& task) noexcept;
  bool fails_again(const read_request& request) const noexcept;
  void disarm_read(read_request& request) noexcept;
  std::string describe_read(const read_request& request);

  /// Whether `task` waits for input and nothing of it has come, or will.
  bool awaits_input(const task_context& task) const noexcept {
    return reader_ == &task ? !has_input() : task.waiting == this;
  }

  // Output: stream_output.cpp.
  bool queue(std::string_view part);
  bool queue(const std::string_view* parts, std::size_t count, int level);
  bool try_queue(const std::string_view* parts, std::size_t count) noexcept;
  void queue_file(unique_fd file, std::uint64_t offset, std::uint64_t count);
  void queue_end();
  bool begin_output_wait(output_goal& goal, std::coroutine_handle<> frame, task_context& task);
  void finish_output_wait(output_goal goal);
  std::size_t queued_bytes() const noexcept;

  // The end: stream_closing.cpp.
  void close() noexcept;
  void abort(std::string why);
  void release() noexcept;
  bool end_if_delivered() noexcept;
  bool is_open() const noexcept { return phase_ == phase::open; }
  bool is_broken() const noexcept { return input_error_ != 0 || output_error_ != 0; }
  bool peer_has_left() const noexcept { return input_ended_ || hung_up; }
  closed_by_peer how_peer_left() const noexcept;
  [[noreturn]] void throw_closed(std::string_view tried);

  // What a Unix socket carries besides bytes: stream_descriptors.cpp.
  output_goal queue_descriptors(std::span<const int> descriptors, std::string_view bytes);
  std::vector<unique_fd> take_descriptors(std::size_t count);
  std::size_t held_descriptors() const noexcept;
  peer_credentials credentials();

  // What few connections need: stream_extras.cpp.
  const address& remote();
  const address& local();
  std::string peer_text();
  std::string name();
  void set_label(std::string text);
  void set_limits(const connection_limits& limits);
  void set_idle_timeout(duration span);
  intrusive_list<closed_wait, closed_waiters>& closed_waiters_list();
  const connection_limits& limits() const noexcept { return *limits_; }
  event_loop& loop() const noexcept { return loop_; }

  // What stands between this and the socket, if anything: stream_filter.cpp.
  static stream& of(const connection& c) { return c.stream(); }
  void set_filter(std::unique_ptr<stream_filter> filter, std::string early);
  stream_filter* filter() const noexcept;

  void cancel_wait(task_context& task) noexcept override;
  std::string describe_wait() const override;
  wait_kind kind_of_wait() const noexcept override;

 protected:
  /// The stream is closed and nobody owns it: the end of its life.
  virtual void dispose() noexcept { delete this; }

 private:
  friend stream_extras;
  friend output_queue;
  friend stream_filter;

  enum class phase : std::uint8_t { open, flushing, lingering, closed };

  // send_eof(): the end of our output is wanted, or sent once everything is written.
  enum class own_end : std::uint8_t { none, wanted, sent };

  void on_data(char* data, std::size_t bytes) noexcept override;
  void on_end(int error) noexcept override;
  void on_hang_up(int error) noexcept override;
  void on_writable() noexcept override;
  void on_unsent(std::string_view bytes, int error) noexcept override;
  void on_staged(std::size_t bytes, ssize_t result) noexcept override;
  bool has_reader() const noexcept override { return reader_ != nullptr && !reader_->queued; }
  void on_unread(std::string_view bytes) noexcept override;
  std::size_t descriptor_room() const noexcept override;
  bool on_descriptors(std::span<const int> descriptors, bool cut) noexcept override;
  void on_delivered() noexcept override { update_reading(); }

  io_blocks& blocks() const noexcept { return loop_.blocks(); }
  backend& io() const noexcept { return loop_.io(); }

  bool is_plain_input() const noexcept {
    return phase_ == phase::open && reading && !skipping_ && !window_ && !is_special();
  }
  bool is_plain_output() const noexcept { return takes_output() && !output_ && !is_special(); }
  bool is_special() const noexcept;
  void note_plainness() noexcept;

  std::string_view input() const noexcept;
  bool has_input() const noexcept {
    return blocks().feeding == this || (window_ && !window_->empty());
  }
  [[gnu::cold]] bool begin_some_besides(std::coroutine_handle<> frame, task_context& task);
  [[gnu::cold]] chunk finish_some_besides();
  void consume(std::size_t bytes) noexcept;
  bool reader_is_served() noexcept;
  bool keep(std::string_view bytes) noexcept;
  [[gnu::cold]] void on_data_besides(char* data, std::size_t bytes) noexcept;
  void hand_out(char* data, std::size_t bytes) noexcept;
  void filter_input(char* data, std::size_t bytes) noexcept;
  void take_input(char* data, std::size_t bytes) noexcept;
  void take_end(int error) noexcept;
  void on_more_data(std::string_view bytes) noexcept;
  void update_reading() noexcept;
  bool defer(std::coroutine_handle<> frame, task_context& task) noexcept;
  bool has_told_failure() const noexcept;
  void postpone(task_context& task) noexcept;
  bool serve_now_or_next(read_request* request, std::coroutine_handle<> frame,
                         task_context& task) noexcept;
  bool refuse_reader(std::coroutine_handle<> frame, task_context& task);
  void leave_reading();
  void recall_search(read_request& request) const noexcept;
  void note_search(const read_request& request) noexcept;
  [[noreturn]] void throw_second_reader();
  void throw_if_cancelled() const;
  void start_skipping(const read_request& request);
  void skip() noexcept;
  void note_activity() noexcept;
  void note_sent(std::size_t bytes) noexcept {
    loop_.counters().bytes_sent += bytes;
    if (extras_ && bytes != 0) [[unlikely]]
      note_progress();
  }
  void note_progress() noexcept;
  std::string with_abort_reason(std::string_view tried) const;
  void end_input(int error) noexcept;
  void serve_reader() noexcept;
  void resume_reader() noexcept;
  [[noreturn]] void throw_no_input(std::string_view tried);
  [[noreturn]] void throw_too_long(const read_request& request);
  std::string tried(const read_request& request) const;

  bool takes_output() const noexcept {
    return phase_ == phase::open && output_error_ == 0 && end_ == own_end::none;
  }
  [[gnu::cold]] bool queue_at_end_of_budget(std::string_view part);
  [[gnu::cold]] bool queue_besides(std::string_view part);
  bool queue_much(const std::string_view* parts, std::size_t count, std::size_t size, int level);
  bool may_go_on() noexcept;
  output_queue& output();
  void queue_behind(const std::string_view* parts, std::size_t count, int level);
  void write_through(const std::string_view* parts, std::size_t count);
  void stage(const std::string_view* parts, std::size_t count) noexcept;
  void take_stage() noexcept;
  void leave_stage() noexcept;
  void unstage_into_queue();
  void keep_staged(std::size_t bytes, ssize_t result) noexcept;
  void settle() noexcept;
  void write_queue() noexcept;
  ssize_t write_parts() noexcept;
  ssize_t write_file_part() noexcept;
  ssize_t copy_file_part(const output_queue::file_part& part, std::size_t most) noexcept;
  void after_writing() noexcept;
  void wake_writer() noexcept;
  bool all_written() const noexcept;
  void end_output() noexcept;
  ssize_t write_out(const iovec* parts, int count) noexcept;
  bool reached(output_goal goal) const noexcept;
  void break_output(int error) noexcept;
  void fail_writing(int error, std::size_t lost_bytes) noexcept;
  void drop_output() noexcept;
  void begin_passing();
  void end_passing() noexcept;
  void note_reason(std::string_view why) noexcept;
  ssize_t write_with(const iovec& part, std::span<const int> descriptors) noexcept;
  int why_cut(std::size_t came) noexcept;
  [[noreturn]] void throw_too_few(std::size_t wanted);
  bool refuse_writer(output_goal& goal, std::coroutine_handle<> frame, task_context& task);
  [[noreturn]] void throw_second_writer();

  void notify_closed() noexcept;
  void begin_linger() noexcept;
  void finish_close(bool reset) noexcept;
  void remember_ipv4(const address& peer) noexcept;
  void arm_closing(duration span) noexcept;
  void on_closing_timer() noexcept;
  void on_idle_timer() noexcept;
  stream_extras& extras();

  event_loop& loop_;
  const connection_limits* limits_;
  task_context* reader_ = nullptr;
  read_request* request_ = nullptr;  // what the reader wants; null: anything
  std::unique_ptr<input_window> window_;
  std::unique_ptr<output_queue> output_;
  std::unique_ptr<stream_extras> extras_;
  std::uint32_t peer_ip_ = 0;  // IPv4 in network order; other addresses are in the extras
  std::uint16_t peer_port_ = 0;
  std::int16_t input_error_ = 0;   // errno that ended the input or will, 0: the peer's orderly end
  std::int16_t output_error_ = 0;  // errno that ended the output
  phase phase_ = phase::closed;
  own_end end_ = own_end::none;
  bool skipping_ = false;  // the rest of a message that was too long is dropped; has extras
  bool input_ended_ = false;
  bool owned_ = true;
};

}  // namespace cetane::detail
