#include <cetane/net/connection.hpp>

#include <net/stream.hpp>
#include <os/file.hpp>

#include <cetane/base/errors.hpp>
#include <cetane/base/text.hpp>

#include <cerrno>
#include <stdexcept>

#include <fcntl.h>

namespace cetane {

using detail::read_request;

connection::~connection() {
  if (stream_ != nullptr) stream_->release();
}

void connection::throw_empty() {
  throw std::logic_error("this connection is empty: it was never made, or was moved from");
}

read_op<std::string> connection::until_eol(line_end end, std::size_t limit) {
  if (end == line_end::crlf) return until("\r\n", limit);
  return read_op<std::string>(read_request(stream(), read_request::shape::line, limit));
}

read_op<std::string> connection::until_eol(line_end end) {
  return until_eol(end, stream().limits().line_bytes);
}

read_op<std::string> connection::until(std::string_view mark, std::size_t limit) {
  if (mark.empty())
    throw std::invalid_argument(
        "until: an empty mark is everywhere; use receive_some() or receive(n)");
  return read_op<std::string>(read_request(stream(), read_request::shape::mark, limit, mark));
}

read_op<std::string> connection::until(std::string_view mark) {
  return until(mark, stream().limits().line_bytes);
}

read_op<std::string> connection::receive(std::size_t n) {
  return read_op<std::string>(read_request(stream(), read_request::shape::exactly, n));
}

read_op<std::string> connection::until_eof(std::size_t limit) {
  return read_op<std::string>(read_request(stream(), read_request::shape::to_end, limit));
}

read_op<std::string> connection::until_eof() {
  return until_eof(stream().limits().until_eof_bytes);
}

read_op<std::optional<std::string>> connection::next_line(std::size_t limit) {
  return read_op<std::optional<std::string>>(
      read_request(stream(), read_request::shape::line, limit));
}

read_op<std::optional<std::string>> connection::next_line() {
  return next_line(stream().limits().line_bytes);
}

send_op connection::send_file(const std::string& path, std::uint64_t offset, std::uint64_t count) {
  unique_fd file;
  // The system would take the name to end at a zero byte, and open another file.
  if (path.find('\0') != std::string::npos)
    throw error("send the file " + escape(path), system_code(ENOENT));
  if (const int failed = os::open_for_reading(path.c_str(), file); failed < 0) {
    throw error("send the file " + escape(path), system_code(failed));
  }
  return send_file(file.get(), offset, count);
}

send_op connection::send_file(int descriptor, std::uint64_t offset, std::uint64_t count) {
  os::file_facts facts;
  if (const int failed = os::look_at_file(descriptor, facts); failed < 0) {
    throw error("send a file", system_code(failed));
  }
  if (!facts.is_regular) throw error("send a file that is no regular file", system_code(EINVAL));
  unique_fd own(::fcntl(descriptor, F_DUPFD_CLOEXEC, 0));
  if (!own) throw error("send a file", system_code(errno));
  const std::uint64_t left = offset < facts.size ? facts.size - offset : 0;
  stream().queue_file(std::move(own), offset, std::min(count, left));
  return send_op(stream(), detail::output_goal::empty);
}

send_op connection::send_descriptors(std::span<const int> descriptors, std::string_view bytes) {
  detail::stream& to = stream();
  return send_op(to, to.queue_descriptors(descriptors, bytes));
}

send_op connection::send_descriptor(int descriptor, std::string_view bytes) {
  return send_descriptors(std::span(&descriptor, 1), bytes);
}

std::vector<unique_fd> connection::take_descriptors(std::size_t count) {
  return stream().take_descriptors(count);
}

unique_fd connection::take_descriptor() { return std::move(take_descriptors(1).front()); }

std::size_t connection::waiting_descriptors() const { return stream().held_descriptors(); }

cetane::peer_credentials connection::peer_credentials() const { return stream().credentials(); }

send_op connection::send_eof() {
  stream().queue_end();
  return send_op(stream(), detail::output_goal::ended);
}

void connection::close() { stream().close(); }
void connection::abort(std::string why) { stream().abort(std::move(why)); }
bool connection::is_closed() const { return !stream().is_open() || stream().is_broken(); }
const address& connection::remote() const { return stream().remote(); }
const address& connection::local() const { return stream().local(); }
std::size_t connection::queued_bytes() const { return stream().queued_bytes(); }

connection& connection::idle_timeout(any_duration span) {
  stream().set_idle_timeout(span);
  return *this;
}

connection& connection::label(std::string text) {
  stream().set_label(std::move(text));
  return *this;
}

connection& connection::limits(const connection_limits& limits) {
  stream().set_limits(limits);
  return *this;
}

}  // namespace cetane
