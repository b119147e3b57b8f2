#include <cetane/coro/frame_memory.hpp>

#include <catch2/catch_test_macros.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <thread>
#include <vector>

namespace frame_memory_test {

using cetane::detail::allocate_frame;
using cetane::detail::free_frame;

namespace {

struct block {
  explicit block(std::size_t size)
      : bytes(size), begin(static_cast<std::byte*>(allocate_frame(size))) {}
  block(const block&) = delete;
  block& operator=(const block&) = delete;
  ~block() { free_frame(begin, bytes); }

  std::byte mark() const { return static_cast<std::byte>(bytes % 251); }
  void fill() { std::fill_n(begin, bytes, mark()); }
  bool is_whole() const {
    return std::all_of(begin, begin + bytes, [&](std::byte b) { return b == mark(); });
  }

  std::size_t bytes;
  std::byte* begin;
};

}  // namespace

TEST_CASE("a block of any size is aligned and belongs to its owner to the last byte",
          "[coro][frame_memory]") {
  std::vector<std::unique_ptr<block>> blocks;
  for (int round = 0; round < 2; ++round) {  // fresh blocks first, then those that were given back
    for (std::size_t bytes = 0; bytes < 9000; bytes += bytes < 1100 ? 1 : 97) {
      blocks.push_back(std::make_unique<block>(bytes));
      blocks.back()->fill();
    }
    for (const auto& each : blocks) {
      CAPTURE(each->bytes);
      REQUIRE(reinterpret_cast<std::uintptr_t>(each->begin) % alignof(std::max_align_t) == 0);
      REQUIRE(each->is_whole());
    }
    blocks.clear();
  }
}

TEST_CASE("a frame may be freed by the last destructors of a thread", "[coro][frame_memory]") {
  struct late {
    ~late() {
      free_frame(held, 300);
      free_frame(allocate_frame(300), 300);
    }
    void* held = nullptr;
  };
  std::thread thread([] {
    static thread_local late
        object;  // before the first free, so it is destroyed after the thread's lists
    object.held = allocate_frame(300);
    free_frame(allocate_frame(300), 300);
  });
  thread.join();
  SUCCEED("the sanitizers and the allocator had nothing to say");
}

}  // namespace frame_memory_test
