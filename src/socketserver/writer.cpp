#include <cetane/socketserver/writer.hpp>

#include <utility>

namespace cetane::socketserver {

std::size_t writer::write(std::string_view text) {
  if (target_ != nullptr && buffer_bytes_ == 0) {
    if (!text.empty()) target_->sendall(text);
    return text.size();
  }
  buffer_ += text;
  if (target_ != nullptr && buffer_.size() >= buffer_bytes_) flush();
  return text.size();
}

void writer::flush() {
  if (target_ == nullptr || buffer_.empty()) return;
  const std::string waiting = std::exchange(buffer_, {});  // not sent twice when this fails
  target_->sendall(waiting);
}

}  // namespace cetane::socketserver
