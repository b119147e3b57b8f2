// Lines from a descriptor, some of whose readers give up.
#include <fuzz/fuzz.hpp>

#include <fuzz/kernel.hpp>
#include <fuzz/plain_lines.hpp>

#include <cetane/base/errors.hpp>
#include <cetane/cetane.hpp>
#include <cetane/os/unique_fd.hpp>

#include <runtime/backend.hpp>

namespace cetane::fuzz::line_reader_target {

using namespace std::chrono_literals;

struct reading {
  std::vector<std::string> lines;
  bool ended = false;
  bool failed = false;
};

task<> read_lines(line_reader& in, std::uint8_t give_up, reading& out) {
  for (unsigned turn = 0; !out.ended; ++turn) {
    const bool patient = (give_up >> (turn % 8U) & 1U) == 0;
    const duration patience = patient ? 24h : 1ms;
    try {
      const auto line = co_await move_on_after(patience, in.next_line());
      if (!line) continue;
      out.ended = !line->has_value();
      if (!out.ended) out.lines.push_back(**line);
    } catch (const message_too_long&) {
      out.lines.emplace_back(too_long_line);
    } catch (const error&) {
      out.failed = out.ended = true;
    }
  }
}

// As the reader gives them: without line ends, and the last without one counts.
std::vector<std::string> expected(std::string_view text, std::size_t limit) {
  plain_lines plain(text, limit);
  for (std::string& line : plain.lines) {
    if (line == too_long_line) continue;
    line.pop_back();
    if (line.ends_with('\r')) line.pop_back();
  }
  if (!plain.rest.empty()) plain.lines.push_back(plain.rest);
  return plain.lines;
}

const target here("line_reader", [](input in) {
  const std::size_t limit = in.number(60) + 1;
  const std::uint8_t give_up = in.byte();
  kernel system(in);
  const unique_fd descriptor(system.connect_alone());
  reading out;
  {
    event_loop loop(make_backend(backend_choice::epoll));
    line_reader lines(descriptor.get(), limit);
    auto handle =
        detail::spawn_in(loop, loop.scope(), read_lines, std::ref(lines), give_up, std::ref(out));
    loop.run_until([&] { return handle.done(); });
  }
  const kernel::stream& source = *system.streams()[0];
  if (out.failed) {
    require(source.was_reset, "a descriptor that is well does not fail");
    const auto all = expected(source.fed, limit);
    require(out.lines.size() <= all.size() &&
                std::equal(out.lines.begin(), out.lines.end(), all.begin()),
            "up to a failure lines are what they are");
  } else {
    require(out.ended, "a reader comes to the end");
    require(out.lines == expected(source.fed, limit), "lines are what they are, however they come");
  }
  require_equal(system.open_descriptors(), std::size_t{1}, "the descriptor stays the caller's");
});

}  // namespace cetane::fuzz::line_reader_target
