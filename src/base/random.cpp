#include <cetane/base/random.hpp>

#include <bit>
#include <cassert>

// xoshiro256** by Blackman and Vigna, its state filled by splitmix64 as its authors advise. No
// std:: distribution is used, since the standard leaves their results to each library.

namespace cetane {
namespace {

std::uint64_t splitmix64(std::uint64_t& state) noexcept {
  state += 0x9E3779B97F4A7C15U;
  std::uint64_t z = state;
  z = (z ^ (z >> 30U)) * 0xBF58476D1CE4E5B9U;
  z = (z ^ (z >> 27U)) * 0x94D049BB133111EBU;
  return z ^ (z >> 31U);
}

// FNV-1a; std::hash may differ from one library to the next.
std::uint64_t hash(std::string_view name) noexcept {
  std::uint64_t value = 0xCBF29CE484222325U;
  for (const char c : name) value = (value ^ static_cast<std::uint8_t>(c)) * 0x100000001B3U;
  return value;
}

}  // namespace

random_stream::random_stream(std::uint64_t seed) noexcept : seed_(seed) {
  for (std::uint64_t& word : state_) word = splitmix64(seed);
}

std::uint64_t random_stream::next() noexcept {
  auto& s = state_;
  const std::uint64_t result = std::rotl(s[1] * 5, 7) * 9;
  const std::uint64_t shifted = s[1] << 17U;
  s[2] ^= s[0];
  s[3] ^= s[1];
  s[1] ^= s[2];
  s[0] ^= s[3];
  s[2] ^= shifted;
  s[3] = std::rotl(s[3], 45);
  return result;
}

std::uint64_t random_stream::uniform(std::uint64_t low, std::uint64_t high) noexcept {
  assert(low <= high);
  const std::uint64_t span = high - low;
  // Numbers under the smallest mask that covers the span, those above the span thrown away: even,
  // and under two draws on average.
  const std::uint64_t mask = span == 0 ? 0 : ~std::uint64_t{0} >> std::countl_zero(span);
  for (;;) {
    const std::uint64_t drawn = next() & mask;
    if (drawn <= span) return low + drawn;
  }
}

duration random_stream::uniform(duration low, duration high) noexcept {
  assert(low <= high);
  const auto span =
      static_cast<std::uint64_t>(high.count()) - static_cast<std::uint64_t>(low.count());
  return duration(
      static_cast<duration::rep>(static_cast<std::uint64_t>(low.count()) + uniform(0, span)));
}

bool random_stream::chance(double probability) noexcept {
  constexpr double unit = 1.0 / (std::uint64_t{1} << 53U);
  return static_cast<double>(next() >> 11U) * unit < probability;
}

random_stream random_stream::fork(std::string_view name) const noexcept {
  std::uint64_t mixed = seed_;
  return random_stream(splitmix64(mixed) ^ hash(name));
}

}  // namespace cetane
