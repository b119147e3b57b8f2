#include <cetane/base/log.hpp>

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>

#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include <fcntl.h>
#include <unistd.h>

namespace log = cetane::log;
using log::level;

namespace {

struct line {
  level at;
  std::string name;
  std::string text;
  bool operator==(const line&) const = default;
};

// Collects what is logged while it lives.
class captured_log {
 public:
  captured_log() {
    log::set_sink([this](level at, std::string_view name, std::string_view text) {
      lines.push_back({at, std::string(name), std::string(text)});
    });
  }
  captured_log(const captured_log&) = delete;
  ~captured_log() {
    log::set_sink(nullptr);
    log::set_level(level::info);
  }

  std::vector<line> lines;
};

// Stands in for stderr while it lives. A pipe in packet mode gives one write back in one read.
class captured_stderr {
 public:
  captured_stderr() : saved_(::dup(STDERR_FILENO)) {
    if (::pipe2(ends_, O_DIRECT | O_NONBLOCK) != 0) throw std::runtime_error("no pipe");
    ::dup2(ends_[1], STDERR_FILENO);
  }
  captured_stderr(const captured_stderr&) = delete;
  ~captured_stderr() {
    ::dup2(saved_, STDERR_FILENO);
    for (const int fd : {ends_[0], ends_[1], saved_}) ::close(fd);
  }

  // What the next write wrote; empty when there was none.
  std::string next_write() {
    char buffer[4096];
    const ssize_t count = ::read(ends_[0], buffer, sizeof buffer);
    return count > 0 ? std::string(buffer, static_cast<std::size_t>(count)) : std::string();
  }

 private:
  int saved_;
  int ends_[2] = {-1, -1};
};

struct unprintable {};

}  // namespace

template <>
struct fmt::formatter<unprintable> : fmt::formatter<std::string_view> {
  auto format(const unprintable&, fmt::format_context& context) const {
    throw std::runtime_error("no words for it");
    return context.out();
  }
};

TEST_CASE("a line arrives with its level and its formatted text", "[base][log]") {
  captured_log log_lines;

  log::info("{} of {}", 1, "two");
  log::warning("careful");
  log::error("{:>4}", 7);

  CHECK(log_lines.lines == std::vector<line>{{level::info, "", "1 of two"},
                                             {level::warning, "", "careful"},
                                             {level::error, "", "   7"}});
}

TEST_CASE("lines below the minimum are not written, and debug is below it at first",
          "[base][log]") {
  captured_log log_lines;

  log::debug("hidden");
  log::set_level(level::warning);
  log::info("hidden");
  log::warning("shown");
  log::set_level(level::debug);
  log::debug("shown, too");
  log::set_level(level::off);
  log::error("hidden");

  CHECK(log_lines.lines ==
        std::vector<line>{{level::warning, "", "shown"}, {level::debug, "", "shown, too"}});
}

TEST_CASE("a line below the minimum formats nothing", "[base][log]") {
  captured_log log_lines;

  log::debug("{}", unprintable());

  CHECK(log_lines.lines.empty());
}

TEST_CASE("a logger writes under its name", "[base][log]") {
  captured_log log_lines;
  const log::logger chat("log_test.name");

  chat.info("{} joined", "anna");
  chat.debug("hidden");
  chat.error("lost");

  CHECK(log_lines.lines == std::vector<line>{{level::info, "log_test.name", "anna joined"},
                                             {level::error, "log_test.name", "lost"}});
  CHECK(chat.name() == "log_test.name");
}

TEST_CASE("a logger follows the general level until its name has one", "[base][log]") {
  captured_log log_lines;
  const log::logger loud("log_test.loud"), plain("log_test.plain");

  log::set_level("log_test.loud", level::debug);
  log::set_level(level::error);

  CHECK(loud.enabled(level::debug));
  CHECK_FALSE(plain.enabled(level::warning));
  CHECK(plain.enabled(level::error));
}

TEST_CASE("a name's level counts for loggers made later and for all of its loggers",
          "[base][log]") {
  captured_log log_lines;
  log::set_level("log_test.late", level::error);
  const log::logger late("log_test.late");
  const log::logger twin("log_test.late");

  CHECK_FALSE(late.enabled(level::warning));
  log::set_level("log_test.late", level::debug);
  CHECK(late.enabled(level::debug));
  CHECK(twin.enabled(level::debug));
}

TEST_CASE("text from a peer cannot forge a line", "[base][log]") {
  captured_log log_lines;

  log::info("name is {}", "anna\n2026-01-01 00:00:00.000 ERROR all is lost\x1b[2J");

  REQUIRE(log_lines.lines.size() == 1);
  CHECK(log_lines.lines[0].text ==
        "name is anna\\n2026-01-01 00:00:00.000 ERROR all is lost\\x1b[2J");
}

TEST_CASE("a formatter that throws does not reach who logs", "[base][log]") {
  captured_log log_lines;

  CHECK_NOTHROW(log::info("thing {}", unprintable()));

  REQUIRE(log_lines.lines.size() == 1);
  CHECK(log_lines.lines[0].text ==
        "thing {} (an argument could not be formatted: no words for it)");
}

TEST_CASE("without a sink a line goes to stderr in one write", "[base][log]") {
  captured_stderr err;
  const log::logger chat("log_test.err");

  chat.warning("text");
  log::info("plain");

  const std::string time = "[0-9]{4}-[0-9]{2}-[0-9]{2} [0-9]{2}:[0-9]{2}:[0-9]{2}\\.[0-9]{3}";
  CHECK_THAT(err.next_write(), Catch::Matchers::Matches(time + " WARNING log_test.err: text\n"));
  CHECK_THAT(err.next_write(), Catch::Matchers::Matches(time + " INFO plain\n"));
  CHECK(err.next_write().empty());
}

TEST_CASE("a sink that throws loses no line", "[base][log]") {
  captured_stderr err;
  captured_log restores_the_sink;
  log::set_sink(
      [](level, std::string_view, std::string_view) { throw std::runtime_error("full"); });

  log::error("kept");

  CHECK_THAT(err.next_write(), Catch::Matchers::EndsWith(" ERROR kept\n"));
}

TEST_CASE("a sink that logs does not wait for itself", "[base][log]") {
  captured_stderr err;
  captured_log restores_the_sink;
  log::set_sink([](level, std::string_view, std::string_view) { log::info("from the sink"); });

  log::info("outer");

  CHECK_THAT(err.next_write(), Catch::Matchers::EndsWith(" INFO from the sink\n"));
  CHECK(err.next_write().empty());
}

TEST_CASE("lines of several threads reach the sink one at a time", "[base][log]") {
  captured_log log_lines;
  constexpr int threads = 4;
  constexpr int lines_each = 250;
  {
    std::vector<std::jthread> writers;
    for (int t = 0; t < threads; ++t) {
      writers.emplace_back([t] {
        const log::logger own("log_test.thread");
        for (int i = 0; i < lines_each; ++i) own.info("{} {}", t, i);
      });
    }
  }

  CHECK(log_lines.lines.size() == threads * lines_each);
}

TEST_CASE("levels are read in any case and written in capitals", "[base][log]") {
  CHECK(log::parse_level("debug") == level::debug);
  CHECK(log::parse_level("INFO") == level::info);
  CHECK(log::parse_level("Warning") == level::warning);
  CHECK(log::parse_level("warn") == level::warning);
  CHECK(log::parse_level("error") == level::error);
  CHECK(log::parse_level("off") == level::off);
  CHECK_FALSE(log::parse_level(""));
  CHECK_FALSE(log::parse_level("infos"));
  CHECK_FALSE(log::parse_level("inf"));
  CHECK(log::to_string(level::warning) == "WARNING");
}
