// diesel's child_test: a child that would go on for ever, and whose parent ends.
//
// Run:   ./dev run diesel/child_test          (--pause 0.1 makes the parent's life shorter)
// See:   child: I am here
//        parent: good bye                     (a second later)
//        child: ended, because of: parent
//
// It shows fork_child: a child ends with its parent, at the wait where it happens to be, and can
// see why.

#include <cetane/cetane.hpp>

using namespace std::chrono_literals;

cetane::task<> child() {
  fmt::print("child: I am here\n");
  try {
    for (;;) co_await cetane::sleep(1h);
  } catch (const cetane::cancelled& end) {
    fmt::print("child: ended, because of: {}\n", cetane::to_string(end.reason));
    throw;
  }
}

cetane::task<> parent(cetane::duration pause) {
  cetane::fork_child(child);
  co_await cetane::sleep(pause);
  fmt::print("parent: good bye\n");
}

cetane::task<> watch(cetane::duration pause) {
  auto family = cetane::spawn(parent, pause);
  co_await family;  // the child has ended too, by then
  cetane::quickstop();
}

int main(int argc, char** argv) {
  cetane::application app(argc, argv);
  const cetane::duration pause = app.add_option("pause", 1s, "how long the parent goes on").span();
  app.add_task(watch, pause);
  return app.run();
}
