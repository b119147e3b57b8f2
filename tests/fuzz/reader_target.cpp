// The blocking reader of the socketserver layer, on a text and on a socket.
#include <fuzz/fuzz.hpp>

#include <fuzz/kernel.hpp>

#include <cetane/base/errors.hpp>
#include <cetane/socketserver/reader.hpp>

namespace cetane::fuzz::reader_target {

using socketserver::blocking_socket;
using socketserver::reader;

struct reading {
  std::string bytes;
  bool ended = false;
};

void read_line(reader& from, std::size_t limit, reading& out) {
  const std::string line = from.read_line(limit);
  require(line.size() <= limit, "no line is longer than the limit");
  require(line.find('\n') >= line.size() - (line.empty() ? 0 : 1), "a line ends where it ends");
  out.ended = limit != 0 && !line.ends_with('\n');
  out.bytes += line;
}

void read_bytes(reader& from, std::size_t count, reading& out) {
  const std::string bytes = from.read(count);
  require(bytes.size() <= count, "no more is read than was asked for");
  out.ended = bytes.size() < count;
  out.bytes += bytes;
}

void read_rest(reader& from, std::size_t limit, reading& out) {
  const std::string rest = from.read_all(limit);
  require(rest.size() <= limit, "no more is read than the limit");
  out.bytes += rest;
  out.ended = true;
}

// Does what the steps say, each a byte, and then reads the rest.
reading read_all(reader& from, std::string_view steps) {
  reading out;
  for (const char step : steps) {
    if (out.ended) break;
    const auto size = static_cast<std::size_t>(static_cast<std::uint8_t>(step) >> 2U);
    try {
      if ((step & 3) == 0) read_line(from, size, out);
      if ((step & 3) == 1) read_bytes(from, size, out);
      if ((step & 3) == 2) read_rest(from, size, out);
    } catch (const message_too_long&) {
      // what was read stays for the next step
    }
  }
  if (!out.ended) read_rest(from, default_until_eof_limit, out);
  require(from.read_line().empty(), "behind the end there is nothing");
  return out;
}

void check_socket(std::string_view steps, std::size_t buffer, input script) {
  kernel system(script);
  {
    blocking_socket socket{unique_fd(system.connect_alone())};
    reader from(socket, buffer);
    try {
      const reading out = read_all(from, steps);
      require_equal(out.bytes, system.streams()[0]->fed, "all that came is read, and in order");
    } catch (const connection_error&) {
      require(system.streams()[0]->was_reset, "a connection that is well does not fail");
    }
  }
  require_equal(system.open_descriptors(), std::size_t{0}, "a socket is closed");
}

const target here("reader", [](input in) {
  const std::string steps(in.text(in.number(10)));
  const std::size_t buffer = in.number(100);
  const bool on_socket = in.yes();
  if (on_socket) return check_socket(steps, buffer, in);
  const std::string text(in.rest());
  reader from(text);
  require_equal(read_all(from, steps).bytes, text, "all of a text is read, and in order");
});

}  // namespace cetane::fuzz::reader_target
