// diesel's stdin: reads lines from the keyboard while other things go on.
//
// Run:   ./dev run diesel/stdin               (or printf 'one\ntwo\n' |
// build/examples/diesel/stdin) Type:  hello See:   cetane got hello                     (Ctrl-D
// ends it)
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

int main() { return cetane::run(consume); }
