#include <scenarios/weather.hpp>

#include <fmt/format.h>

namespace cetane::test {
namespace {

testing::faults drawn(random_stream& dice) {
  testing::faults mix;
  mix.latency(0ms, dice.uniform(duration(1ms), duration(100ms)));
  mix.split_reads(dice.uniform(1, 40));
  mix.buffers(dice.uniform(200, 4000));
  return mix;
}

}  // namespace

weather::weather(testing::world& over) : world_(over), dice_(over.random().fork("weather")) {
  world_.faults_are(drawn(dice_));
}

task<> weather::clear_up() {
  co_await sleep(dice_.uniform(duration(500ms), duration(4s)));
  world_.faults_are(testing::faults());
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
