// diesel's resolve_names: asks for the addresses of several names at the same time.
//
// Run:   ./dev run diesel/resolve_names localhost debian.org no.such.name.invalid
// See:   localhost is 127.0.0.1              (then the others, as the answers come)
//
// It shows spawn() and join: every name is looked up by a task of its own, and the program ends
// when all have ended. A name server that takes its time keeps nobody else waiting.

#include <cetane/cetane.hpp>

#include <vector>

cetane::task<> look_up(std::string host) {
  try {
    const auto addresses = co_await cetane::resolve(host, 0);
    fmt::print("{} is {}\n", host, addresses.front().host());
  } catch (const cetane::resolve_error& e) {
    fmt::print("{}\n", e.what());
  }
}

cetane::task<> look_up_all(std::vector<std::string> hosts) {
  std::vector<cetane::join_handle<>> under_way;
  for (const std::string& host : hosts) under_way.push_back(cetane::spawn(look_up, host));
  for (auto& one : under_way) co_await one;
}

int main(int argc, char** argv) {
  if (argc < 2 || argv[1][0] == '-') return fmt::print(stderr, "usage: resolve_names HOST...\n"), 2;
  return cetane::run(look_up_all, std::vector<std::string>(argv + 1, argv + argc));
}
