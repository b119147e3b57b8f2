#include "invariants.hpp"

#include <base/ledger.hpp>
#include <runtime/audit.hpp>

#include <fmt/format.h>

#include <catch2/catch_test_case_info.hpp>
#include <catch2/reporters/catch_reporter_event_listener.hpp>
#include <catch2/reporters/catch_reporter_registrars.hpp>

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>

namespace cetane::test {
namespace {

int broken_cases = 0;

// Loops may end on any thread.
std::mutex mutex;
std::string broken;

void note(std::string_view lines) {
  const std::lock_guard lock(mutex);
  broken += lines;
}

std::string take_notes() {
  const std::lock_guard lock(mutex);
  return std::exchange(broken, {});
}

bool is_meant_to_break(const Catch::TestCaseInfo& test) {
  const auto is_the_tag = [](const Catch::Tag& tag) {
    return tag == Catch::Tag("breaks-promises");
  };
  return std::any_of(test.tags.begin(), test.tags.end(), is_the_tag);
}

class bookkeeper : public Catch::EventListenerBase {
 public:
  using Catch::EventListenerBase::EventListenerBase;

  void testRunStarting(const Catch::TestRunInfo&) override { detail::audit::set_listener(&note); }

  void testCaseStarting(const Catch::TestCaseInfo&) override {
    frames_ = books_.frames;
    messages_ = books_.messages;
  }

  void testCaseEnded(const Catch::TestCaseStats& stats) override {
    std::string wrong = take_notes();
    const std::int64_t frames = books_.frames - frames_;
    const std::int64_t messages = books_.messages - messages_;
    if (frames != 0) wrong += fmt::format("frames: {} more are there than before\n", frames);
    if (messages != 0) wrong += fmt::format("messages: {} more have come than gone\n", messages);
    if (is_meant_to_break(*stats.testInfo)) {
      if (!wrong.empty()) return;
      wrong = "none, though the case has the tag [breaks-promises]\n";
    }
    if (wrong.empty()) return;
    ++broken_cases;
    fmt::print(stderr, "promises broken in \"{}\":\n{}", stats.testInfo->name, wrong);
  }

 private:
  detail::ledger& books_ = detail::ledger::of_process();
  std::int64_t frames_ = 0;
  std::int64_t messages_ = 0;
};

}  // namespace

int cases_with_broken_promises() noexcept { return broken_cases; }

}  // namespace cetane::test

CATCH_REGISTER_LISTENER(cetane::test::bookkeeper)
