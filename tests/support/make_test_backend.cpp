#include "make_test_backend.hpp"

#include <cetane/backend/make_backend.hpp>
#include <cetane/backend/sim.hpp>

#include "runtime/backend.hpp"

#include <charconv>
#include <cstdlib>
#include <stdexcept>
#include <string>
#include <string_view>

namespace cetane::test {
namespace {

std::string_view variable(const char* name, std::string_view otherwise) {
  const char* const value = std::getenv(name);
  return value == nullptr ? otherwise : value;
}

std::uint64_t number(const char* name, std::uint64_t otherwise) {
  const std::string_view text = variable(name, {});
  if (text.empty()) return otherwise;
  std::uint64_t value = 0;
  const auto [stop, failure] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (failure != std::errc() || stop != text.data() + text.size()) {
    throw std::invalid_argument(std::string(name) + " is " + std::string(text));
  }
  return value;
}

}  // namespace

std::unique_ptr<detail::backend> make_test_backend() {
  if (on_sim()) return make_sim_backend(sim_options(test_seed()));
  const std::string_view name = variable("CETANE_TEST_BACKEND", "epoll");
  const auto choice = parse_backend(name);
  if (!choice) throw std::invalid_argument("CETANE_TEST_BACKEND is " + std::string(name));
  return make_backend(*choice);
}

bool on_sim() { return variable("CETANE_TEST_BACKEND", "epoll") == "sim"; }

std::uint64_t test_seed() { return number("CETANE_TEST_SEED", 1); }

std::uint64_t seed_count(std::uint64_t usual) { return number("CETANE_SEEDS", usual); }

}  // namespace cetane::test
