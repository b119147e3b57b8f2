// Plays the corpus to its targets: what has once been found stays found, under every compiler.
//
// usage: fuzz_replay CORPUS [TARGET]...     CORPUS/TARGET/* are the inputs of a target
//        fuzz_replay --list
// The last line is `N passed, N failed, N skipped`; a broken promise ends the process before it,
// behind a line with the name of the input.
#include <fuzz/fuzz.hpp>

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <vector>

namespace {

namespace fs = std::filesystem;
using cetane::fuzz::target;

std::string contents(const fs::path& file) {
  std::ifstream in(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

std::vector<fs::path> files_in(const fs::path& folder) {
  std::vector<fs::path> files;
  if (!fs::is_directory(folder)) return files;
  for (const auto& entry : fs::directory_iterator(folder)) files.push_back(entry.path());
  std::sort(files.begin(), files.end());
  return files;
}

// Each input is played whole, and cut off at each byte: the beginnings of what is interesting are,
// too.
std::size_t play(const target& to, const fs::path& corpus) {
  const std::vector<fs::path> files = files_in(corpus / to.name());
  to.run({});
  for (const fs::path& file : files) {
    fmt::print(stderr, "{}\n", file.string());
    const std::string bytes = contents(file);
    for (std::size_t length = 0; length <= bytes.size(); ++length)
      to.run(std::string_view(bytes).substr(0, length));
  }
  return files.size();
}

bool is_wanted(const target& one, int argc, char** argv) {
  return argc == 2 || std::find(argv + 2, argv + argc, std::string_view(one.name())) != argv + argc;
}

}  // namespace

int main(int argc, char** argv) {
  const std::string_view word = argc > 1 ? argv[1] : "";
  if (word == "--list") {
    for (const target* each = target::first(); each != nullptr; each = each->next())
      fmt::print("{}\n", each->name());
    return 0;
  }
  if (word.empty() || !fs::is_directory(word)) {
    fmt::print(stderr, "usage: {} CORPUS [TARGET]...\n", argv[0]);
    return 2;
  }
  std::size_t played = 0;
  std::size_t without = 0;
  for (const target* each = target::first(); each != nullptr; each = each->next()) {
    if (!is_wanted(*each, argc, argv)) continue;
    const std::size_t count = play(*each, word);
    if (count == 0) fmt::print(stderr, "{}/{} has no inputs\n", word, each->name());
    without += count == 0 ? 1 : 0;
    played += count;
  }
  fmt::print("{} passed, {} failed, 0 skipped\n", played, without);
  return without == 0 && played != 0 ? 0 : 1;
}
