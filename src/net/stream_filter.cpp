#include <net/stream_filter.hpp>

#include <net/stream.hpp>
#include <net/stream_extras.hpp>

#include <cassert>
#include <utility>

namespace cetane::detail {
namespace {

// Whose deliver() is the innermost on the stack, if it is there still.
constinit thread_local const stream_filter* delivering = nullptr;

}  // namespace

stream_filter::~stream_filter() {
  if (delivering == this) delivering = nullptr;
}

ssize_t stream_filter::write_out(const char* data, std::size_t bytes) noexcept {
  const iovec part{const_cast<char*>(data), bytes};
  return stream_->io().write(*stream_, &part, 1);
}

void stream_filter::shut_down() noexcept { stream_->io().shutdown_write(*stream_); }
void stream_filter::note_progress() noexcept { stream_->note_progress(); }

// Within it a task may put a filter into another stream, which delivers what was early there; no
// task is resumed by that.
bool stream_filter::deliver(char* data, std::size_t bytes) noexcept {
  const stream_filter* const outer = std::exchange(delivering, this);
  stream_->take_input(data, bytes);
  const bool is_here = delivering == this;
  delivering = outer;
  return is_here;
}

bool stream_filter::is_open() const noexcept { return stream_->is_open(); }

void stream_filter::deliver_end(int error) noexcept { stream_->take_end(error); }

void stream_filter::note_reason(std::string_view why) noexcept { stream_->note_reason(why); }

stream_filter* stream::filter() const noexcept { return extras_ ? extras_->filter.get() : nullptr; }

// What arrived and was not read is the filter's, which hands on what it makes of it by the loop's
// input block: nobody else may have a part of that then.
void stream::set_filter(std::unique_ptr<stream_filter> filter, std::string early) {
  assert(all_written() && blocks().staging != this && (!extras_ || !extras_->filter));
  assert(reader_ == nullptr);
  if (blocks().in_use()) blocks().take_back();
  early += input();
  extras();
  output();
  end_passing();  // once there is memory for all that is needed
  stream_filter& added = *filter;
  added.stream_ = this;
  extras_->filter = std::move(filter);
  window_.reset();
  update_reading();
  if (!early.empty()) added.on_data(early.data(), early.size());
}

// What comes out of it counts, not what goes in.
void stream::filter_input(char* data, std::size_t bytes) noexcept {
  loop_.counters().bytes_received -= bytes;
  extras_->filter->on_data(data, bytes);
}

bool stream::all_written() const noexcept {
  if (!output_) return true;
  const stream_filter* const filtered = filter();
  return output_->empty() && (filtered == nullptr || filtered->all_sent());
}

void stream::end_output() noexcept {
  end_ = own_end::sent;
  if (stream_filter* const filtered = filter()) return filtered->end_output();
  io().shutdown_write(*this);
}

ssize_t stream::write_out(const iovec* parts, int count) noexcept {
  if (stream_filter* const filtered = filter()) return filtered->write(parts, count);
  return io().write(*this, parts, count);
}

void put_filter(connection& into, std::unique_ptr<stream_filter> filter, std::string early) {
  stream::of(into).set_filter(std::move(filter), std::move(early));
}

stream_filter* filter_of(const connection& of) noexcept { return stream::of(of).filter(); }

}  // namespace cetane::detail
