// The echo example with two faults, for the judge of `./dev soak` to find: of each conversation it
// keeps a little memory, and of some a descriptor.
#include <cetane/cetane.hpp>

#include <fcntl.h>

namespace {

std::vector<std::string> kept;

cetane::task<> echo(cetane::connection& peer) {
  kept.emplace_back(400, 'x');
  if (kept.size() % 16 == 0) ::open("/dev/null", O_RDONLY | O_CLOEXEC);
  for (;;) {
    const std::string line = co_await peer.until_eol();
    if (cetane::trim(line) == "quit") co_return;
    co_await peer.send("you said ", line);
  }
}

}  // namespace

int main(int argc, char** argv) {
  cetane::application app(argc, argv);
  app.add_service(cetane::service(echo, 8013));
  return app.run();
}
