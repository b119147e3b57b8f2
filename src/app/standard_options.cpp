#include <app/standard_options.hpp>

#include <app/option_text.hpp>

#include <cetane/base/limits.hpp>
#include <cetane/base/log.hpp>
#include <cetane/base/text.hpp>

#include <fmt/format.h>

namespace cetane::detail {
namespace {

constexpr std::int64_t most_ports = 65535;

}  // namespace

std::optional<std::uint16_t> read_port(command_line& line, const option& from) {
  if (!from.given()) return std::nullopt;
  if (from.number() < 0 || from.number() > most_ports) {
    line.complain(from, fmt::format("{} is no port, they go from 0 to 65535", from.number()));
    return std::nullopt;
  }
  return static_cast<std::uint16_t>(from.number());
}

standard_options::standard_options(command_line& line) {
  if (line.has_words()) read_place(line);
  read_backend(line);
  if (line.has_words()) {
    read_workers(line);
    read_processes(line);
  }
  read_log_level(line);
  read_drain(line);
}

void standard_options::read_place(command_line& line) {
  const option& host_option = line.add("host", "ADDRESS", "", std::string());
  if (host_option.given()) host = host_option.text();
  const option& port_option =
      line.add("port", "PORT", "listen on this TCP port; 0 picks a free one", std::int64_t{0});
  port = read_port(line, port_option);
  const option& uds_option = line.add(
      "uds", "PATH", "listen on this Unix socket instead; @NAME is abstract", std::string());
  if (!uds_option.given()) return;
  if (port && command_line::is_typed(port_option) && command_line::is_typed(uds_option)) {
    line.complain(uds_option, "not together with --port");
  }
  // Of two that exclude each other, what is typed goes before what the environment has.
  if (!(port && command_line::is_typed(port_option))) uds = uds_option.text();
}

void standard_options::read_backend(command_line& line) {
  const option& named = line.add("backend", "NAME", "", std::string());
  if (!named.given()) return;
  backend = parse_backend(named.text());
  if (!backend) {
    line.complain(named,
                  fmt::format("\"{}\" is none of epoll, io_uring and auto", escape(named.text())));
  }
}

void standard_options::read_workers(command_line& line) {
  const option& number = line.add("workers", "N", "", std::int64_t{1});
  if (number.number() < 1) {
    line.complain(number, fmt::format("{} is too few, there is at least 1", number.number()));
  } else if (number.number() > std::int64_t{most_workers}) {
    line.complain(
        number, fmt::format("{} is too many, there are {} at most", number.number(), most_workers));
  } else if (number.given()) {
    workers = static_cast<std::size_t>(number.number());
  }
}

void standard_options::read_processes(command_line& line) {
  const option& number = line.add(
      "processes", "N", "serve in this many processes; 0 in this one (0)", std::int64_t{0});
  if (number.number() < 0 || number.number() > std::int64_t{most_processes}) {
    line.complain(number, fmt::format("{} is no number of processes, they go from 0 to {}",
                                      number.number(), most_processes));
  } else if (number.given()) {
    processes = static_cast<std::size_t>(number.number());
  }
  const option& most =
      line.add("max-requests", "N", "replace a process after this many connections; 0 never (0)",
               std::int64_t{0});
  if (most.number() < 0) {
    line.complain(most, fmt::format("{} is no number of connections", most.number()));
  } else if (most.given()) {
    max_requests = static_cast<std::uint64_t>(most.number());
  }
}

void standard_options::read_log_level(command_line& line) {
  const option& level =
      line.add("log-level", "LEVEL", "debug, info, warning, error or off (info)", std::string());
  if (!level.given()) return;
  if (const auto minimum = log::parse_level(level.text())) {
    log::set_level(*minimum);
  } else {
    line.complain(level, fmt::format("\"{}\" is none of debug, info, warning, error and off",
                                     escape(level.text())));
  }
}

void standard_options::read_drain(command_line& line) {
  const option& time = line.add("drain", "TIME", "", default_drain);
  if (time.given()) drain = time.span();
}

void show_defaults(command_line& line, const program_defaults& program) {
  line.set_help("host", fmt::format("listen on this address ({})", program.host));
  if (!program.serves) {
    for (const char* const place : {"host", "port", "uds"}) line.set_help(place, "");
  }
  line.set_help("backend",
                fmt::format("epoll, io_uring, or auto: the better one that works here ({})",
                            to_string(program.backend)));
  line.set_help("workers",
                fmt::format("serve on this many event loops, a thread each ({})", program.workers));
  line.set_help("drain", fmt::format("let connections go on this long after a stop ({})",
                                     span_text(program.drain)));
}

}  // namespace cetane::detail
