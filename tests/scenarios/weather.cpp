#include <scenarios/weather.hpp>

#include <fmt/format.h>

namespace cetane::test {
weather::weather(testing::world& over) : world_(over), dice_(over.random().fork("weather")) {
  world_.faults_are(testing::faults::drawn(dice_));
}

task<> weather::clear_up() {
  co_await sleep(dice_.uniform(duration(500ms), duration(4s)));
  world_.heal();
  calm_.set();
}

task<connection> reach(std::uint16_t port) {
  for (;;) {
    try {
      co_return co_await connect("server", port).timeout(1s);
    } catch (const connection_error&) {
    }
    co_await sleep(20ms);
  }
}

std::string numbered_line(random_stream& dice, std::string_view first, std::size_t number,
                          std::size_t longest) {
  std::string line = fmt::format("{} {} ", first, number);
  line.append(dice.uniform(0, longest), static_cast<char>('a' + number % 26));
  line += '\n';
  return line;
}

}  // namespace cetane::test
