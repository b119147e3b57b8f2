#pragma once

#include <cetane/base/text.hpp>

#include <fmt/format.h>

#include <cstddef>
#include <cstdint>
#include <source_location>
#include <string>
#include <string_view>

/// What the fuzz targets share: how they are found, how they take an input apart, and how they say
/// that a promise is broken.
///
/// A target is a function of one input that ends the process when something is wrong. libFuzzer
/// calls it with inputs of its own (fuzzer.cpp); the normal test suite with those of tests/corpus
/// (replay.cpp), under every compiler.
namespace cetane::fuzz {

/// One input, taken apart from both ends: decisions from its back, text from its front. So the text
/// of a seed can be read, and a fuzzer that changes one leaves the other alone. When it is used up,
/// decisions are 0 and texts are empty.
class input {
 public:
  explicit input(std::string_view bytes) noexcept : bytes_(bytes) {}

  bool empty() const noexcept { return bytes_.empty(); }
  std::size_t size() const noexcept { return bytes_.size(); }

  std::uint8_t byte() noexcept;
  /// From 0 to `most`, both included.
  std::size_t number(std::size_t most) noexcept;
  bool yes() noexcept { return (byte() & 1U) != 0; }

  /// At most `count` bytes from the front.
  std::string_view text(std::size_t count) noexcept;
  /// From the front up to a line end, which is left out.
  std::string_view line() noexcept;
  std::string_view rest() noexcept { return text(bytes_.size()); }

 private:
  std::string_view bytes_;
};

/// Ends the process with the promise that was not kept.
[[noreturn]] void fail(std::string_view promise, std::string_view details,
                       std::source_location where);

inline void require(bool kept, std::string_view promise,
                    std::source_location where = std::source_location::current()) {
  if (!kept) fail(promise, {}, where);
}

/// Both are what `fmt` formats, or text, which is shown escaped.
template <class Left, class Right>
void require_equal(const Left& left, const Right& right, std::string_view promise,
                   std::source_location where = std::source_location::current()) {
  if (left == right) return;
  const auto shown = [](const auto& value) {
    if constexpr (std::is_convertible_v<decltype(value), std::string_view>) {
      return "\"" + escape(value, 2000) + "\"";
    } else {
      return fmt::format("{}", value);
    }
  };
  fail(promise, shown(left) + " is not " + shown(right), where);
}

/// Well-formed UTF-8 without anything that a terminal would obey.
bool is_harmless(std::string_view text);

/// A target makes itself known by an object of this class, in its file.
class target {
 public:
  using function = void (*)(input);

  target(const char* name, function run) noexcept;
  target(const target&) = delete;
  target& operator=(const target&) = delete;

  const char* name() const noexcept { return name_; }
  void run(std::string_view bytes) const { run_(input(bytes)); }

  /// Null when there is none of this name.
  static const target* find(std::string_view name) noexcept;
  static const target* first() noexcept;
  const target* next() const noexcept { return next_; }

 private:
  const char* name_;
  function run_;
  const target* next_;
};

}  // namespace cetane::fuzz
