#include <cetane/socketserver/reader.hpp>

#include <cetane/base/errors.hpp>

#include <algorithm>

namespace cetane::socketserver {

std::string reader::read_line(std::size_t limit) {
  std::size_t searched = 0;
  for (;;) {
    const std::size_t end = buffer_.find('\n', begin_ + searched);
    const std::size_t length = end == std::string::npos ? waiting() : end + 1 - begin_;
    if (length > limit) throw message_too_long("read a line", limit, "read_line(limit)");
    if (end != std::string::npos) return take(length);
    searched = length;
    if (!fill(1)) return take(waiting());
  }
}

std::string reader::read(std::size_t count) {
  if (count > default_receive_limit) {
    throw message_too_long("read", default_receive_limit, "several calls");
  }
  while (waiting() < count && fill(count - waiting())) {
  }
  return take(std::min(count, waiting()));
}

std::string reader::read_all(std::size_t limit) {
  do {
    if (waiting() > limit) throw message_too_long("read all input", limit, "read_all(limit)");
  } while (fill(std::max<std::size_t>(buffer_bytes_, 4096)));
  return take(waiting());
}

// Reads once from the source; false at the end of the input.
bool reader::fill(std::size_t wanted) {
  if (source_ == nullptr) return false;
  buffer_.erase(0, begin_);
  begin_ = 0;
  const std::string more = source_->recv(std::max(wanted, buffer_bytes_));
  buffer_ += more;
  return !more.empty();
}

std::string reader::take(std::size_t count) {
  std::string taken = buffer_.substr(begin_, count);
  begin_ += count;
  return taken;
}

}  // namespace cetane::socketserver
