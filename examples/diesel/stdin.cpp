// diesel's stdin: reads lines from the keyboard while other things go on.
//
// Run:   ./dev run diesel/stdin
// Type:  hello
// See:   cetane got hello                     (Ctrl-D ends it)
// It works with a pipe as well: printf 'one\ntwo\n' | build/examples/diesel/stdin
//
// It shows line_reader: the keyboard, a pipe or a file, read like a connection, without blocking
// the loop.

#include <cetane/cetane.hpp>

#include <unistd.h>

cetane::task<> consume() {
  cetane::line_reader in(STDIN_FILENO);
  while (auto line = co_await in.next_line()) {
    fmt::print("cetane got {}\n", *line);
    std::fflush(stdout);
  }
}

int main(int argc, char**) {
  if (argc > 1) return fmt::print(stderr, "usage: stdin, which takes no arguments\n"), 2;
  return cetane::run(consume);
}
