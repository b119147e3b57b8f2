// dump_tasks(): what every task of a loop waits for, and from where.
#include <runtime/await_graph.hpp>
#include <runtime/await_stack.hpp>

#include <cetane/base/clock.hpp>
#include <cetane/base/text.hpp>
#include <cetane/coro/promise.hpp>
#include <cetane/runtime/event_loop.hpp>
#include <cetane/runtime/this_task.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <map>
#include <vector>

namespace cetane {
namespace {

// A recursion of 100,000 frames is shown by its ends.
constexpr std::size_t frames_shown = 20;

struct snapshot {
  std::string label;
  std::string peer;
  std::string wait;
  std::uint32_t started_s = 0;
};

std::string await_stack(const detail::task_context& task) {
  const std::vector<std::coroutine_handle<>> frames = detail::await_stack_of(task);
  std::string text;
  for (std::size_t i = 0; i < frames.size(); ++i) {
    if (frames.size() > frames_shown && i == frames_shown / 2) {
      const std::size_t left_out = frames.size() - frames_shown;
      fmt::format_to(std::back_inserter(text), "    ... {} more\n", left_out);
      i += left_out;
    }
    const std::source_location place = detail::promise_base::of(frames[i]).location();
    fmt::format_to(std::back_inserter(text), "    {} at {}:{}\n", detail::function_label(frames[i]),
                   place.file_name(), place.line());
  }
  return text;
}

// Without numbers and their units, so that "999 ms left" and "1.2 s left" count as the same.
std::string without_numbers(std::string_view text) {
  std::string rest;
  const auto skip_to = [&](std::size_t place) { text.remove_prefix(std::min(place, text.size())); };
  while (!text.empty()) {
    const std::size_t number = text.find_first_of("0123456789");
    rest += text.substr(0, number);
    skip_to(number);
    skip_to(text.find_first_not_of("0123456789."));
    if (number != text.npos && text.starts_with(' ')) skip_to(text.find(' ', 1));
  }
  return rest;
}

std::string state_of(const detail::task_context& task, const detail::task_context* running) {
  if (&task == running) return "running";
  if (task.waiting != nullptr) return printable(task.waiting->describe_wait());
  return "ready";
}

}  // namespace

std::string event_loop::dump_tasks() {
  struct group {
    std::string stack;
    std::vector<snapshot> tasks;
  };
  std::map<std::string, group> groups;
  std::size_t count = 0;
  scope_.for_each_task([&](detail::task_context& task) {
    const std::string label = printable(task.label());  // it may be a name that a peer has chosen
    const std::string wait = state_of(task, running_);
    const std::string stack = &task == running_ ? "" : await_stack(task);
    group& same = groups[label + '\n' + without_numbers(wait) + '\n' + stack];
    same.stack = stack;
    same.tasks.push_back({label, printable(task.peer()), wait, task.started_s});
    ++count;
  });

  const auto now_s = static_cast<std::uint32_t>(
      std::chrono::duration_cast<std::chrono::seconds>(now().time_since_epoch()).count());
  std::string text = fmt::format("{} task{}\n", count, count == 1 ? "" : "s");
  event_loop* const loops[] = {this};
  text += detail::await_graph(loops).deadlocks();
  auto out = std::back_inserter(text);
  for (const auto& [key, same] : groups) {
    const snapshot& first = same.tasks.front();
    const auto [oldest, youngest] = std::minmax_element(
        same.tasks.begin(), same.tasks.end(),
        [](const snapshot& a, const snapshot& b) { return a.started_s < b.started_s; });
    fmt::format_to(out, "  {}", first.label);
    if (same.tasks.size() > 1) {
      fmt::format_to(out, ", {} tasks, {} to {} s old", same.tasks.size(),
                     now_s - youngest->started_s, now_s - oldest->started_s);
    } else {
      fmt::format_to(out, ", {} s old", now_s - first.started_s);
    }
    if (!first.peer.empty()) {
      fmt::format_to(out, ", {}{}", first.peer, same.tasks.size() > 1 ? " and others" : "");
    }
    fmt::format_to(out, ": {}\n{}", first.wait, same.stack);
  }
  return text;
}

}  // namespace cetane
