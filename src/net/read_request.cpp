// Finding the end of what a reader wants. Each byte is looked at once, however the input is cut:
// `scanned` remembers how far the search has come. memchr for the mark's last byte and a comparison
// is many times faster than memmem in glibc 2.36.
#include <net/read_request.hpp>

#include <cstring>

namespace cetane::detail {

std::size_t find_mark(std::string_view input, std::string_view mark, std::size_t from) noexcept {
  const char last = mark.back();
  std::size_t at = std::max(from, mark.size() - 1);
  while (at < input.size()) {
    const void* const hit = std::memchr(input.data() + at, last, input.size() - at);
    if (hit == nullptr) return std::string_view::npos;
    const std::size_t end =
        static_cast<std::size_t>(static_cast<const char*>(hit) - input.data()) + 1;
    if (input.substr(end - mark.size(), mark.size()) == mark) return end;
    at = end;
  }
  return std::string_view::npos;
}

bool look_for_end(read_request& request, std::string_view input) noexcept {
  switch (request.want) {
    case read_request::shape::exactly:
      request.taken = request.size;
      return request.complete = input.size() >= request.size;
    case read_request::shape::to_end:
      return request.too_long = input.size() > request.size;
    case read_request::shape::some:
      return request.complete = !input.empty();
    case read_request::shape::line:
    case read_request::shape::mark:
      break;
  }
  const std::size_t end = find_mark(input, request.mark, request.taken);
  if (end != std::string_view::npos && end <= request.size) {
    request.taken = end;
    return request.complete = true;
  }
  if (end != std::string_view::npos || input.size() >= request.size) {
    // With a whole limit's worth of bytes and no end in sight, the end would lie beyond the limit.
    return request.too_long = true;
  }
  request.taken = input.size();
  return false;
}

}  // namespace cetane::detail
