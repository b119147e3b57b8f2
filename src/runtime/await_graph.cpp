// The await graph: its nodes are the tasks of a loop, and an arrow goes from a task that waits to
// one that has what it waits for, or whose end it waits for. A circle of arrows without a way round
// is a deadlock.
//
// Nothing is kept for it while tasks run: whoever holds a lock is known to that, who has started a
// group to its scope, and so on. It is drawn when somebody wants to read it.
#include <runtime/await_graph.hpp>

#include <runtime/await_stack.hpp>

#include <cetane/base/text.hpp>
#include <cetane/coro/promise.hpp>
#include <cetane/runtime/event_loop.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <string_view>
#include <utility>

namespace cetane::detail {
namespace {

constexpr std::size_t circles_told = 5;
constexpr std::size_t circle_members_told = 10;
constexpr std::size_t causes_told = 5;

bool is_in_library(std::string_view file) {
  return file.find("include/cetane/") != std::string_view::npos;
}

// Where the program waits: the innermost frame that is none of the library's own.
std::string place_of(const task_context& task) {
  const std::vector<std::coroutine_handle<>> frames = await_stack_of(task);
  if (frames.empty()) return {};
  const auto own = std::find_if(frames.begin(), frames.end(), [](std::coroutine_handle<> frame) {
    return !is_in_library(promise_base::of(frame).location().file_name());
  });
  const auto told = own == frames.end() ? frames.begin() : own;
  const std::source_location place = promise_base::of(*told).location();
  return fmt::format("{}:{}", place.file_name(), place.line());
}

std::string label_of(const task_context& task) {
  const std::string peer = printable(task.peer());
  const std::string label = printable(task.label());  // it may be a name that a peer has chosen
  return peer.empty() ? label : label + " (" + peer + ")";
}

}  // namespace

std::string await_graph_of(std::span<event_loop* const> loops, std::size_t most_lines) {
  const await_graph graph(loops);
  return graph.deadlocks() + graph.lines(most_lines);
}

await_graph::await_graph(std::span<event_loop* const> of) {
  for (event_loop* const loop : of) add_tasks(*loop);
  for (std::size_t i = 0; i < nodes_.size(); ++i) places_.emplace(nodes_[i].task, i);
  name_apart();
}

void await_graph::add_tasks(event_loop& of) {
  of.scope().for_each_task([&](const task_context& task) {
    if (&task == of.running()) {
      nodes_.push_back({&task, {}, label_of(task), {}, "running", {}, {}});
    } else if (task.waiting == nullptr) {
      nodes_.push_back({&task, {}, label_of(task), place_of(task), "ready", {}, {}});
    } else {
      wait_causes causes;
      task.waiting->tell_causes(causes);
      nodes_.push_back({&task,
                        {},
                        label_of(task),
                        place_of(task),
                        printable(task.waiting->describe_wait()),
                        causes.missing(),
                        causes.causes()});
    }
  });
}

// Tasks of one label are numbered in the order of the loop, which is the same in every run.
void await_graph::name_apart() {
  std::map<std::string_view, std::pair<std::size_t, std::size_t>> seen;  // how many, and so far
  for (const node& each : nodes_) ++seen[each.label].first;
  for (node& each : nodes_) {
    auto& [count, so_far] = seen[each.label];
    each.name = count == 1 ? each.label : fmt::format("{} #{}", each.label, ++so_far);
  }
}

const await_graph::node* await_graph::find(const task_context* task) const {
  const auto found = places_.find(task);
  return found == places_.end() ? nullptr : &nodes_[found->second];
}

std::string await_graph::name_of(const task_context* task) const {
  const node* const found = find(task);
  return found == nullptr ? "a task that has ended" : found->name;
}

std::string await_graph::reason(const wait_causes::cause& cause) const {
  const std::string who = name_of(cause.who);
  if (cause.how == wait_causes::tie::ends) return "the end of " + who;
  if (cause.how == wait_causes::tie::ahead) return who + ", who stands before it in the line";
  return fmt::format("the {} that {} holds", cause.what, who);
}

std::string await_graph::reasons(const node& of) const {
  std::string text;
  for (std::size_t i = 0; i < of.causes.size(); ++i) {
    if (i == causes_told) {
      return text + fmt::format(" and {} more", of.causes.size() - causes_told);
    }
    if (i > 0) text += ", ";
    text += reason(of.causes[i]);
  }
  return text;
}

// What stands behind the name of a task.
std::string await_graph::told(const node& of) const {
  std::string text = " at " + of.place;
  if (of.causes.size() == 1 && of.causes.front().certain) {
    return text + ": waits for " + reasons(of);
  }
  text += ": " + of.wait;
  if (!of.causes.empty()) text += " (" + reasons(of) + ")";
  if (!of.missing.empty()) text += "; " + of.missing;
  return text;
}

std::string await_graph::lines(std::size_t most) const {
  struct group {
    const node* first;
    std::size_t count;
  };
  std::vector<group> groups;
  std::map<std::string, std::size_t> known;
  for (const node& each : nodes_) {
    if (each.place.empty()) continue;  // it runs
    const auto [place, is_new] = known.try_emplace(each.label + '\n' + told(each), groups.size());
    if (is_new) groups.push_back({&each, 0});
    ++groups[place->second].count;
  }
  std::vector<group> shown;  // those whose reason is known come first
  for (const bool known_reason : {true, false}) {
    for (const group& each : groups) {
      if (each.first->causes.empty() != known_reason) shown.push_back(each);
    }
  }

  std::string text;
  for (std::size_t i = 0; i < shown.size(); ++i) {
    if (i == most) return text + fmt::format("  ... and {} more lines\n", shown.size() - most);
    const group& same = shown[i];
    const std::string others =
        same.count == 1 ? "" : fmt::format(" and {} more like it,", same.count - 1);
    text += fmt::format("  {}{}{}\n", same.first->name, others, told(*same.first));
  }
  return text;
}

const wait_causes::cause* await_graph::towards(const node& from, const node& to) const {
  for (const wait_causes::cause& cause : from.causes) {
    if (cause.certain && cause.who == to.task) return &cause;
  }
  return nullptr;
}

// Walks along the arrows that have no way round; who is met a second time on the same walk closes a
// circle. Each node is left once, so no two circles share the arrow that closes them.
class await_graph::circle_search {
 public:
  explicit circle_search(const await_graph& in) : in_(in), marks_(in.nodes_.size(), mark::fresh) {}

  std::vector<circle> all() {
    for (std::size_t start = 0; start < marks_.size(); ++start) {
      if (marks_[start] == mark::fresh) enter(start);
      while (!walk_.empty()) take_step();
    }
    return std::move(found_);
  }

 private:
  enum class mark : std::uint8_t { fresh, on_walk, left };
  struct place {
    std::size_t node;
    std::size_t next_cause;
  };

  void enter(std::size_t number) {
    marks_[number] = mark::on_walk;
    walk_.push_back({number, 0});
  }

  void take_step() {
    place& here = walk_.back();
    const node& at = in_.nodes_[here.node];
    if (here.next_cause == at.causes.size()) {
      marks_[here.node] = mark::left;
      walk_.pop_back();
      return;
    }
    const wait_causes::cause& cause = at.causes[here.next_cause++];
    const auto to = cause.certain ? in_.places_.find(cause.who) : in_.places_.end();
    if (to == in_.places_.end()) return;
    if (marks_[to->second] == mark::fresh) {
      enter(to->second);
    } else if (marks_[to->second] == mark::on_walk) {
      close(to->second);
    }
  }

  void close(std::size_t first) {
    auto from = std::find_if(walk_.begin(), walk_.end(),
                             [&](const place& each) { return each.node == first; });
    circle& closed = found_.emplace_back();
    for (; from != walk_.end(); ++from) closed.push_back(&in_.nodes_[from->node]);
  }

  const await_graph& in_;
  std::vector<mark> marks_;
  std::vector<place> walk_;
  std::vector<circle> found_;
};

std::string await_graph::told(const circle& of) const {
  std::string text;
  for (std::size_t i = 0; i < of.size(); ++i) {
    text += i == 0 ? "deadlock: " : "          ";
    if (i == circle_members_told) {
      return text + fmt::format("... and {} more, up to {}\n", of.size() - i, of.front()->name);
    }
    const node& next = *of[(i + 1) % of.size()];
    text += fmt::format("{} waits at {} for {}{}\n", of[i]->name, of[i]->place,
                        reason(*towards(*of[i], next)), i + 1 == of.size() ? "" : ";");
  }
  return text;
}

std::string await_graph::deadlocks() const {
  const std::vector<circle> all = circle_search(*this).all();
  std::string text;
  for (std::size_t i = 0; i < all.size() && i < circles_told; ++i) text += told(all[i]);
  if (all.size() <= circles_told) return text;
  return text + fmt::format("... and {} more deadlocks\n", all.size() - circles_told);
}

}  // namespace cetane::detail

namespace cetane {

std::string event_loop::await_graph(std::size_t most_lines) {
  event_loop* const only[] = {this};
  return detail::await_graph_of(only, most_lines);
}

}  // namespace cetane
