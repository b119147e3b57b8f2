// diesel's stdin_stream: lines from the keyboard as one thing among others to wait for.
//
// Run:   ./dev run diesel/stdin_stream        (--period 10 is more patient)
// See:   still waiting                        (once in two seconds)
// Type:  hello
// See:   you typed hello                      (Ctrl-D ends it)
//
// It shows how a task becomes something that first can wait for: one task reads the lines and puts
// them into a queue, another waits for the queue or for something else.

#include <cetane/cetane.hpp>

#include <unistd.h>

using namespace std::chrono_literals;
using lines = cetane::queue<std::string>;

cetane::task<> read_keyboard(lines& typed) {
  cetane::line_reader keyboard(STDIN_FILENO);
  while (auto line = co_await keyboard.next_line()) co_await typed.put(*line);
  typed.close();
}

cetane::task<> watch(lines& typed, cetane::duration period) {
  cetane::interval tick(period);
  while (!typed.closed() || !typed.empty()) {
    auto turn = co_await cetane::first(typed.next(), tick.next());
    auto& [line, elapsed] = turn;
    if (elapsed) fmt::print("still waiting\n");
    if (line && *line) fmt::print("you typed {}\n", **line);
    std::fflush(stdout);
  }
  cetane::quickstop();
}

int main(int argc, char** argv) {
  lines typed;
  cetane::application app(argc, argv);
  const cetane::duration period =
      app.add_option("period", 2s, "how long until it says that it waits").span();
  app.add_task(read_keyboard, std::ref(typed));
  app.add_task(watch, std::ref(typed), period);
  return app.run();
}
