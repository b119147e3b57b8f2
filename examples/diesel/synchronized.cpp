// diesel's synchronized: three tasks print their letter three times, each as it likes, and then one
// at a time.
//
// Run:   ./dev run diesel/synchronized
// See:   free for all: abcabcabc
//        synchronized: aaabbbccc
//
// It shows keyed_mutex: tasks that ask for the same key go one after the other, across all their
// waits.

#include <cetane/cetane.hpp>

cetane::task<> write(char letter, std::string& text) {
  for (int i = 0; i < 3; ++i) {
    text += letter;
    co_await cetane::yield();
  }
}

cetane::task<> write_alone(char letter, std::string& text, cetane::keyed_mutex& locks) {
  const auto lock = co_await locks.lock("the text");
  co_await write(letter, text);
}

cetane::task<> write_twice() {
  std::string text;
  co_await cetane::all(write('a', text), write('b', text), write('c', text));
  fmt::print("free for all: {}\n", text);

  text.clear();
  cetane::keyed_mutex locks;
  co_await cetane::all(write_alone('a', text, locks), write_alone('b', text, locks),
                       write_alone('c', text, locks));
  fmt::print("synchronized: {}\n", text);
}

int main(int argc, char**) {
  if (argc > 1) return fmt::print(stderr, "usage: synchronized, which takes no arguments\n"), 2;
  return cetane::run(write_twice);
}
