// A program that uses cetane from outside: tasks, the loop, the library's code, and an exception
// that crosses the border of the shared library.

#include <cetane/cetane.hpp>

#include <chrono>
#include <string>

using namespace std::chrono_literals;

cetane::task<std::string> name_and_version() {
  co_await cetane::sleep(1ms);
  co_return "cetane " + cetane::to_string(cetane::library_version());
}

cetane::task<bool> nobody_answers() {
  try {
    co_await cetane::connect_unix("no such socket");
  } catch (const cetane::connect_error&) {
    co_return true;
  }
  co_return false;
}

cetane::task<int> introduce() {
  auto name = cetane::spawn(name_and_version);
  if (!co_await nobody_answers()) co_return 1;
  fmt::print("{}\n", co_await name);
  co_return 0;
}

int main() { return cetane::run(introduce); }
