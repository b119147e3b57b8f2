// The simulation against the kernel: the same calls, drawn at random, must tell the two ends of a
// connection the same story.

#include "fake_io.hpp"

#include <cetane/backend/make_backend.hpp>
#include <cetane/backend/sim.hpp>
#include <cetane/base/random.hpp>

#include <array>
#include <cstdint>
#include <string>
#include <vector>

namespace same_story_test {

using namespace cetane;
using namespace cetane::test;

namespace {

enum class act { write, stop_reading, start_reading, end_output, watch_anew, close, reset };

struct step {
  std::size_t who;  // 0 the client, 1 the server
  act what;
  std::string text;
};

// What one end was told. Neither the size of the pieces nor whether the end is known before the
// last bytes is promised.
struct told {
  std::string data;
  std::vector<int> ends;
  std::vector<int> hang_ups;

  bool operator==(const told&) const = default;
};
using story = std::array<told, 2>;

std::vector<step> draw_script(std::uint64_t seed) {
  static constexpr std::array acts{act::write,         act::write,      act::write,
                                   act::write,         act::write,      act::stop_reading,
                                   act::start_reading, act::end_output, act::watch_anew};
  random_stream dice(seed);
  std::vector<step> script;
  for (std::uint64_t left = dice.uniform(3, 25); left > 0; --left) {
    const act what = acts[dice.uniform(0, acts.size() - 1)];
    script.push_back({dice.uniform(0, 1), what, std::string(dice.uniform(1, 400), 'a')});
  }
  const act last = dice.chance(0.5) ? act::close : act::reset;
  script.push_back({dice.uniform(0, 1), last, {}});
  script.push_back({1 - script.back().who, act::write, "to nobody"});
  script.push_back({script.back().who, act::start_reading, {}});
  return script;
}

class scene {
 public:
  explicit scene(std::unique_ptr<detail::backend> io) : loop_(std::move(io)) {}

  event_loop& loop() noexcept { return loop_; }

  void play(const step& now) {
    noting_stream& stream = *ends_[now.who];
    const noting_stream& other = *ends_[1 - now.who];
    bool& reading = reading_[now.who];
    switch (now.what) {
      case act::write:
        (void)stream.write(now.text);
        break;
      case act::stop_reading:
      case act::start_reading:
        reading = now.what == act::start_reading;
        if (stream.ends.empty()) stream.set_reading(reading);
        break;
      case act::end_output:
        (void)stream.end_output();
        break;
      case act::watch_anew: {
        const int descriptor = stream.release();
        stream.set_reading(false);
        stream.open(descriptor, reading && stream.ends.empty());
        break;
      }
      case act::close:
      case act::reset:
        // A close with unread input differs from one before the input, so this one comes after it.
        run_until(loop_, [&] { return other.unsent() == 0; });
        stream.close(now.what == act::reset);
        break;
    }
  }

  story so_far() const {
    story both;
    for (std::size_t i = 0; i < 2; ++i)
      both[i] = {ends_[i]->data, ends_[i]->ends, ends_[i]->hang_ups};
    return both;
  }

 private:
  event_loop loop_;
  connected_pair pair_{loop_};
  std::array<noting_stream*, 2> ends_{&pair_.client, &pair_.server};
  std::array<bool, 2> reading_{true, true};
};

}  // namespace

TEST_CASE("both ends of a simulated connection are told what the kernel would tell them",
          "[backend][sim][not-epoll]") {
  for (std::uint64_t seed = 1; seed <= 300; ++seed) {
    CAPTURE(seed);
    scene simulated(make_sim_backend(sim_options(seed)));
    scene real(make_backend());
    for (const step& now : draw_script(seed)) {
      simulated.play(now);
      settle(simulated.loop());
      real.play(now);
      const story expected = simulated.so_far();
      run_until(real.loop(), [&] { return real.so_far() == expected; });
      settle(real.loop());
      REQUIRE(real.so_far() == expected);
    }
  }
}

}  // namespace same_story_test
