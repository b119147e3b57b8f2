#include <cetane/base/log.hpp>

#include <base/write_all.hpp>

#include <cetane/base/text.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <ctime>
#include <list>
#include <mutex>
#include <string>
#include <utility>

#include <pthread.h>
#include <time.h>

namespace cetane::log {

namespace detail {

constinit channel unnamed{{}, level::info};

}  // namespace detail

namespace {

struct named_channel {
  explicit named_channel(std::string_view own_name, level minimum)
      : name(own_name), shared{name, minimum} {}

  const std::string name;
  detail::channel shared;
  bool has_own_level = false;
};

struct registry {
  std::mutex mutex;
  std::list<named_channel> channels;  // a list: loggers point into it

  named_channel& find_or_make(std::string_view name) {
    for (named_channel& c : channels) {
      if (c.name == name) return c;
    }
    return channels.emplace_back(name, detail::unnamed.threshold.load());
  }
};

// Never destroyed: a global object's destructor may still log.
registry& all_channels() {
  static auto& all = *new registry;
  return all;
}

struct current_sink {
  std::mutex mutex;
  sink where;
};

current_sink& the_sink() {
  static auto& current = *new current_sink;
  return current;
}

// True while this thread is inside the sink, which then may log without waiting for itself.
thread_local bool in_sink = false;

// A fork waits until no other thread is at work in here, so that the child can log: a mutex that
// another thread held would stay locked in it for ever.
void lock_for_fork() {
  all_channels().mutex.lock();
  if (!in_sink) the_sink().mutex.lock();
}

void unlock_after_fork() {
  if (!in_sink) the_sink().mutex.unlock();
  all_channels().mutex.unlock();
}

[[maybe_unused]] const int fork_handlers =
    ::pthread_atfork(lock_for_fork, unlock_after_fork, unlock_after_fork);

std::string time_text() {
  timespec now{};
  ::clock_gettime(CLOCK_REALTIME, &now);
  tm local{};
  ::localtime_r(&now.tv_sec, &local);
  return fmt::format("{:04}-{:02}-{:02} {:02}:{:02}:{:02}.{:03}", local.tm_year + 1900,
                     local.tm_mon + 1, local.tm_mday, local.tm_hour, local.tm_min, local.tm_sec,
                     now.tv_nsec / 1'000'000);
}

// One write for the whole line: lines of several threads or processes do not mix.
void write_to_stderr(level at, std::string_view name, std::string_view line) {
  const std::string text = fmt::format("{} {} {}{}{}\n", time_text(), to_string(at), name,
                                       name.empty() ? "" : ": ", line);
  // A log that cannot be written has nowhere to say so.
  cetane::detail::write_all(STDERR_FILENO, text);
}

bool give_to_sink(level at, std::string_view name, std::string_view line) {
  if (in_sink) return false;
  current_sink& current = the_sink();
  const std::lock_guard lock(current.mutex);
  if (!current.where) return false;
  in_sink = true;
  try {
    current.where(at, name, line);
  } catch (...) {
    in_sink = false;
    return false;
  }
  in_sink = false;
  return true;
}

std::string format_line(fmt::string_view format, fmt::format_args args) {
  try {
    return printable(fmt::vformat(format, args));
  } catch (const std::exception& e) {
    const std::string_view text(format.data(), format.size());
    return printable(fmt::format("{} (an argument could not be formatted: {})", text, e.what()));
  }
}

// The first name of a level is the one that is written.
constexpr std::pair<std::string_view, level> level_names[] = {
    {"DEBUG", level::debug},  {"INFO", level::info},   {"WARNING", level::warning},
    {"WARN", level::warning}, {"ERROR", level::error}, {"OFF", level::off},
};

char upper(char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c; }

bool equal_ignoring_case(std::string_view text, std::string_view name) {
  return std::equal(text.begin(), text.end(), name.begin(), name.end(),
                    [](char a, char b) { return upper(a) == upper(b); });
}

}  // namespace

namespace detail {

void write(const channel& to, level at, fmt::string_view format, fmt::format_args args) noexcept {
  try {
    const std::string line = format_line(format, args);
    if (!give_to_sink(at, to.name, line)) write_to_stderr(at, to.name, line);
  } catch (...) {
    // Out of memory. Who logs is often handling a failure already; losing the line is the smaller
    // harm.
  }
}

}  // namespace detail

logger::logger(std::string_view name) {
  registry& all = all_channels();
  const std::lock_guard lock(all.mutex);
  channel_ = &all.find_or_make(name).shared;
}

void set_level(level minimum) {
  registry& all = all_channels();
  const std::lock_guard lock(all.mutex);
  detail::unnamed.threshold = minimum;
  for (named_channel& c : all.channels) {
    if (!c.has_own_level) c.shared.threshold = minimum;
  }
}

void set_level(std::string_view name, level minimum) {
  registry& all = all_channels();
  const std::lock_guard lock(all.mutex);
  named_channel& found = all.find_or_make(name);
  found.has_own_level = true;
  found.shared.threshold = minimum;
}

std::optional<level> parse_level(std::string_view text) noexcept {
  for (const auto& [name, value] : level_names) {
    if (equal_ignoring_case(text, name)) return value;
  }
  return std::nullopt;
}

std::string_view to_string(level at) noexcept {
  for (const auto& [name, value] : level_names) {
    if (value == at) return name;
  }
  return "?";
}

void set_sink(sink where) {
  current_sink& current = the_sink();
  const std::lock_guard lock(current.mutex);
  current.where = std::move(where);
}

}  // namespace cetane::log
