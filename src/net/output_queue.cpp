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
  std::unique_ptr<kept_descriptors> along;
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
  if (first_ == nullptr) last_ = nullptr;
  bytes_ -= old->end - old->begin;
  file_bytes_ -= old->file_left;
  destroy(old);
}

void output_queue::insert(segment& added) noexcept {
  segment** place = &first_;
  if (last_ != nullptr && (last_->begun || last_->level >= added.level)) place = &last_->next;
  while (*place != nullptr && ((*place)->begun || (*place)->level >= added.level)) {
    place = &(*place)->next;
  }
  added.next = *place;
  *place = &added;
  if (added.next == nullptr) last_ = &added;
}

// Behind the last message of this priority if that has memory to spare, and nothing of a higher
// priority comes after it.
output_queue::segment& output_queue::room_for(std::size_t bytes, int level) {
  segment* last_equal = nullptr;
  if (last_ != nullptr && last_->level >= level) {
    if (last_->level == level) last_equal = last_;
  } else {
    for (segment* s = first_; s != nullptr; s = s->next) {
      if (s->level >= level) last_equal = s->level == level ? s : nullptr;
    }
  }
  if (last_equal != nullptr && last_equal->capacity - last_equal->end >= bytes) return *last_equal;
  segment* const added = make_segment(std::max(bytes, shared_segment - sizeof(segment)), level);
  insert(*added);
  return *added;
}

void output_queue::push(const std::string_view* parts, std::size_t count, int level,
                        std::size_t gone) {
  std::size_t size = 0;
  for (std::size_t i = 0; i < count; ++i) size += parts[i].size();
  size -= gone;
  if (size == 0) return;
  segment& to = room_for(size, level);
  if (gone != 0) to.begun = true;
  for (std::size_t i = 0; i < count; ++i) {
    const std::size_t skipped = std::min(gone, parts[i].size());
    gone -= skipped;
    to.end += parts[i].copy(to.data() + to.end, std::string_view::npos, skipped);
  }
  bytes_ += size;
}

void output_queue::push_front(std::string_view bytes) {
  segment* const added = make_segment(bytes.size(), 0);
  added->end = bytes.copy(added->data(), bytes.size());
  added->begun = true;
  added->next = std::exchange(first_, added);
  if (last_ == nullptr) last_ = added;
  bytes_ += bytes.size();
}

void output_queue::push_file(unique_fd file, std::uint64_t offset, std::uint64_t count, int level) {
  segment* const added = make_segment(0, level);
  added->file = std::move(file);
  added->file_offset = offset;
  added->file_left = count;
  file_bytes_ += count;
  insert(*added);
}

void output_queue::push_with(std::unique_ptr<kept_descriptors> along, std::string_view bytes,
                             int level) {
  segment* const added = make_segment(bytes.size(), level);
  added->along = std::move(along);
  added->end = bytes.copy(added->data(), bytes.size());
  bytes_ += bytes.size();
  insert(*added);
}

int output_queue::gather(iovec* parts, int most) const noexcept {
  int count = 0;
  for (segment* s = first_; s != nullptr && count < most && !s->file; s = s->next) {
    if (s->along && count != 0) break;
    parts[count++] = {s->data() + s->begin, s->end - s->begin};
    if (s->along) break;
  }
  return count;
}

std::span<const int> output_queue::descriptors() const noexcept {
  if (first_ == nullptr || !first_->along) return {};
  return first_->along->view();
}

void output_queue::drop_descriptors() noexcept { first_->along.reset(); }

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
  file_bytes_ -= count;
  if (first_->file_left == 0) pop();
}

void output_queue::drop_file() noexcept { pop(); }

void output_queue::cancel_wait(task_context& task) noexcept {
  writer = nullptr;
  task.loop->make_ready(task);
}

void output_queue::on_timer() noexcept { owner_.write_queue(); }

std::string output_queue::describe_wait() const { return "send to " + owner_.peer_text(); }

}  // namespace cetane::detail
