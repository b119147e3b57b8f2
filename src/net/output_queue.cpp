#include <net/output_queue.hpp>

#include <net/stream.hpp>

#include <algorithm>
#include <cstring>
#include <new>
#include <utility>

namespace cetane::detail {

namespace {
constexpr std::size_t shared_segment = 4096;  // small messages are collected in blocks of this size
}  // namespace

// Followed by `capacity` bytes of data, or none for a file.
struct output_queue::segment {
  segment* next = nullptr;
  int level = 0;
  bool begun = false;
  unique_fd file;
  std::uint64_t file_offset = 0;
  std::uint64_t file_left = 0;
  std::size_t begin = 0;
  std::size_t end = 0;
  std::size_t capacity = 0;

  char* data() noexcept { return reinterpret_cast<char*>(this + 1); }
};

output_queue::~output_queue() {
  while (first_ != nullptr) pop();
}

output_queue::segment* output_queue::make_segment(std::size_t capacity, int level) {
  void* const memory = allocate_frame(sizeof(segment) + capacity);
  auto* const made = new (memory) segment;
  made->capacity = capacity;
  made->level = level;
  return made;
}

void output_queue::destroy(segment* old) noexcept {
  const std::size_t size = sizeof(segment) + old->capacity;
  old->~segment();
  free_frame(old, size);
}

void output_queue::pop() noexcept {
  segment* const old = std::exchange(first_, first_->next);
  bytes_ -= old->end - old->begin;
  destroy(old);
}

void output_queue::insert(segment& added) noexcept {
  segment** place = &first_;
  while (*place != nullptr && ((*place)->begun || (*place)->level >= added.level)) place = &(*place)->next;
  added.next = *place;
  *place = &added;
}

void output_queue::push(std::string_view bytes, int level) {
  if (bytes.empty()) return;
  segment* last_equal = nullptr;
  for (segment* s = first_; s != nullptr; s = s->next) {
    if (s->level == level && !s->file) last_equal = s;
    if (s->level == level && s->file) last_equal = nullptr;
  }
  if (last_equal != nullptr && last_equal->capacity - last_equal->end >= bytes.size()) {
    std::memcpy(last_equal->data() + last_equal->end, bytes.data(), bytes.size());
    last_equal->end += bytes.size();
  } else {
    segment* const added = make_segment(std::max(bytes.size(), shared_segment - sizeof(segment)), level);
    std::memcpy(added->data(), bytes.data(), bytes.size());
    added->end = bytes.size();
    insert(*added);
  }
  bytes_ += bytes.size();
}

void output_queue::push_file(unique_fd file, std::uint64_t offset, std::uint64_t count, int level) {
  segment* const added = make_segment(0, level);
  added->file = std::move(file);
  added->file_offset = offset;
  added->file_left = count;
  insert(*added);
}

int output_queue::gather(iovec* parts, int most) const noexcept {
  int count = 0;
  for (segment* s = first_; s != nullptr && count < most && !s->file; s = s->next) {
    parts[count++] = {s->data() + s->begin, s->end - s->begin};
  }
  return count;
}

void output_queue::advance(std::size_t count) noexcept {
  while (count > 0) {
    const std::size_t here = std::min(count, first_->end - first_->begin);
    first_->begun = true;
    first_->begin += here;
    bytes_ -= here;
    count -= here;
    if (first_->begin == first_->end) pop();
  }
}

output_queue::file_part output_queue::file() const noexcept {
  if (first_ == nullptr || !first_->file) return {-1, 0, 0};
  return {first_->file.get(), first_->file_offset, first_->file_left};
}

void output_queue::advance_file(std::uint64_t count) noexcept {
  first_->begun = true;
  first_->file_offset += count;
  first_->file_left -= count;
  if (first_->file_left == 0) pop();
}

void output_queue::drop_file() noexcept { pop(); }

void output_queue::cancel_wait(task_context& task) noexcept {
  writer = nullptr;
  task.loop->make_ready(task);
}

std::string output_queue::describe_wait() const { return "send to " + owner_.peer_text(); }

}  // namespace cetane::detail
