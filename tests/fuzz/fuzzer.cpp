// What libFuzzer calls. One program has all targets, since to link each by itself would take
// longer than to run it: --target=NAME chooses one. libFuzzer passes over words with two dashes.
#include <fuzz/fuzz.hpp>

#include <cstdio>
#include <cstdlib>

namespace {

const cetane::fuzz::target* chosen = nullptr;

[[noreturn]] void refuse(std::string_view why) {
  fmt::print(stderr, "fuzz: {}; the targets are\n", why);
  for (const auto* each = cetane::fuzz::target::first(); each != nullptr; each = each->next())
    fmt::print(stderr, "  --target={}\n", each->name());
  std::exit(2);
}

}  // namespace

extern "C" int LLVMFuzzerInitialize(int* argc, char*** argv) {
  constexpr std::string_view option = "--target=";
  for (int i = 1; i < *argc; ++i) {
    const std::string_view word = (*argv)[i];
    if (word.starts_with(option)) chosen = cetane::fuzz::target::find(word.substr(option.size()));
  }
  if (chosen == nullptr) refuse("no target of this name was chosen");
  return 0;
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  chosen->run({reinterpret_cast<const char*>(data), size});
  return 0;
}
