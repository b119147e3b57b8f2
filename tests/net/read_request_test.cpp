// The search for a message's end: each byte is looked at once.

#include <net/read_request.hpp>
#include <net/skipped_message.hpp>
#include <net/stream.hpp>
#include <support/test_loop.hpp>

#include <catch2/catch_test_macros.hpp>

#include <cstring>
#include <memory>
#include <string>

#include <sys/mman.h>
#include <unistd.h>

namespace read_request_test {

using namespace cetane;
using namespace cetane::detail;

namespace {

constexpr std::size_t nowhere = std::string_view::npos;

// Memory of which the first part must not be looked at: a look ends the process.
class guarded_text {
 public:
  explicit guarded_text(std::size_t pages)
      : page_(static_cast<std::size_t>(::sysconf(_SC_PAGESIZE))), size_(pages * page_) {
    memory_ = static_cast<char*>(
        ::mmap(nullptr, size_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
    REQUIRE(memory_ != MAP_FAILED);
    std::memset(memory_, 'x', size_);
  }
  guarded_text(const guarded_text&) = delete;
  guarded_text& operator=(const guarded_text&) = delete;
  ~guarded_text() { ::munmap(memory_, size_); }

  std::string_view first(std::size_t pages) const { return {memory_, pages * page_}; }
  char& last() { return memory_[size_ - 1]; }
  void forbid(std::size_t pages) { REQUIRE(::mprotect(memory_, pages * page_, PROT_NONE) == 0); }

 private:
  std::size_t page_;
  std::size_t size_;
  char* memory_;
};

}  // namespace

TEST_CASE("the first mark behind the place that was searched is found", "[net][mark]") {
  REQUIRE(find_mark("", "\n", 0) == nowhere);
  REQUIRE(find_mark("\n", "\n", 0) == 1);
  REQUIRE(find_mark("a\nb\n", "\n", 0) == 2);
  REQUIRE(find_mark("a\nb\n", "\n", 2) == 4);
  REQUIRE(find_mark("ab", "abc", 0) == nowhere);
  REQUIRE(find_mark("xabc", "abc", 0) == 4);
  REQUIRE(find_mark("ab\r\n", "\r\n", 3) == 4);
  REQUIRE(find_mark("\n\n\r\n", "\r\n", 0) == 4);
  REQUIRE(find_mark("aaaa", "aa", 2) == 3);
}

TEST_CASE("NEW-21 what was searched once is not looked at again", "[net][mark]") {
  test::test_loop loop;
  const connection_limits limits;
  stream source(loop, limits);
  guarded_text text(8);
  text.last() = '\n';
  read_request request(source, read_request::shape::line, 1 << 30, "\n");

  REQUIRE_FALSE(look_for_end(request, text.first(7)));
  text.forbid(7);

  REQUIRE(look_for_end(request, text.first(8)));
  REQUIRE(request.complete);
  REQUIRE(request.taken == text.first(8).size());
}

TEST_CASE("a dropped message ends with its mark, in whatever pieces it comes", "[net][mark]") {
  for (const std::string mark : {"\n", "\r\n", "aab", "abab"}) {
    const std::string text = "..a\raaaba\r" + mark + mark;
    const std::size_t expected = text.find(mark) + mark.size();
    for (std::size_t step = 1; step <= text.size(); ++step) {
      skipped_message message(mark);
      std::size_t dropped = 0;
      while (!message.ended())
        dropped += message.drop(std::string_view(text).substr(dropped, step));
      REQUIRE(dropped == expected);
    }
  }
}

}  // namespace read_request_test
