#include <cetane/net/line_reader.hpp>

#include <cetane/base/errors.hpp>
#include <cetane/base/scope_exit.hpp>
#include <cetane/net/readiness.hpp>

#include <fmt/format.h>

#include <cerrno>
#include <stdexcept>
#include <string_view>
#include <utility>

#include <unistd.h>

namespace cetane {
namespace {

constexpr std::size_t bytes_per_read = 16 * 1024;

std::string tried(int descriptor) {
  return fmt::format("read a line from descriptor {}", descriptor);
}

}  // namespace

// Two readers would be woken by the same bytes, and the second would wait in read() for more, with
// the loop.
task<std::optional<std::string>> line_reader::next_line() {
  if (busy_)
    throw std::logic_error(tried(descriptor_) +
                           ": another task reads from it; let one task read for both");
  busy_ = true;
  const scope_exit done([this] { busy_ = false; });
  for (;;) {
    if (std::optional<std::string> line = take_line()) co_return line;
    if (ended_) co_return take_last();
    co_await readable(descriptor_);
    read_some();
  }
}

std::optional<std::string> line_reader::take_line() {
  for (;;) {
    const std::size_t end = bytes_.find('\n', searched_);
    if (end == std::string::npos) break;
    std::string_view line(bytes_.data() + begin_, end - begin_);
    begin_ = searched_ = end + 1;
    if (std::exchange(dropping_, false)) continue;
    if (line.size() >= limit_) throw_too_long();
    if (line.ends_with('\r')) line.remove_suffix(1);
    return std::string(line);
  }
  searched_ = bytes_.size();
  const bool too_long = !dropping_ && searched_ - begin_ >= limit_;
  if (too_long) dropping_ = true;
  if (dropping_) begin_ = searched_;
  if (too_long) throw_too_long();
  return std::nullopt;
}

std::optional<std::string> line_reader::take_last() {
  if (begin_ == bytes_.size()) return std::nullopt;
  return bytes_.substr(std::exchange(begin_, bytes_.size()));
}

// A file that is slow, on a network say, makes the loop wait; what cannot bear that reads it by
// thread(). For others the way to another thread and back would cost more than the read, which
// finds the bytes in the system's cache.
void line_reader::read_some() {
  bytes_.erase(0, begin_);
  searched_ -= std::exchange(begin_, 0);
  char block[bytes_per_read];
  const ssize_t count = ::read(descriptor_, block, sizeof block);
  if (count > 0) {
    bytes_.append(block, static_cast<std::size_t>(count));
  } else if (count == 0) {
    ended_ = true;
  } else if (errno != EINTR && errno != EAGAIN) {
    throw error(tried(descriptor_), system_code(errno));
  }
}

void line_reader::throw_too_long() const {
  throw message_too_long(tried(descriptor_), limit_, "line_reader(descriptor, limit)");
}

}  // namespace cetane
