#pragma once

#include <cetane/base/config.hpp>
#include <cetane/coro/task_context.hpp>
#include <cetane/coro/wait_causes.hpp>

#include <cstddef>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

namespace cetane {

class event_loop;

namespace detail {

/// The text of event_loop::await_graph() for several loops whose tasks may wait for each other.
CETANE_API std::string await_graph_of(std::span<event_loop* const> loops, std::size_t most_lines);

/// Which task waits for which, at the moment when it is made.
class await_graph {
 public:
  explicit await_graph(std::span<event_loop* const> of);

  /// Circles of tasks, each of which waits for the next, in a paragraph each; empty without any.
  std::string deadlocks() const;

  /// A line for each task that waits, those first that wait for others.
  std::string lines(std::size_t most) const;

 private:
  struct node {
    const task_context* task;
    std::string name;     // told apart from others of its label
    std::string label;    // what it shares with them
    std::string place;    // "file.cpp:12", where the program waits
    std::string wait;     // what the wait says of itself
    std::string missing;  // what has not happened
    std::vector<wait_causes::cause> causes;
  };

  using circle = std::vector<const node*>;  // each waits for the next, and the last for the first
  class circle_search;

  void add_tasks(event_loop& of);
  void name_apart();
  const node* find(const task_context* task) const;
  std::string name_of(const task_context* task) const;
  std::string reason(const wait_causes::cause& cause) const;
  std::string reasons(const node& of) const;
  std::string told(const node& of) const;
  std::string told(const circle& of) const;
  const wait_causes::cause* towards(const node& from, const node& to) const;

  std::vector<node> nodes_;
  std::unordered_map<const task_context*, std::size_t> places_;
};

}  // namespace detail
}  // namespace cetane
