// The search for the end of a message, in input that comes in pieces of any size: the window that
// keeps it, the search that goes on where it stopped, and the message that was too long.
#include <fuzz/fuzz.hpp>

#include <net/input_window.hpp>
#include <net/read_request.hpp>
#include <net/skipped_message.hpp>

#include <algorithm>
#include <vector>

namespace cetane::fuzz::search_target {

using detail::read_request;

constexpr std::size_t nowhere = std::string_view::npos;

// Where the first mark ends; the plain way.
std::size_t end_of_first(std::string_view text, std::string_view mark) {
  const std::size_t at = text.find(mark);
  return at == nowhere ? nowhere : at + mark.size();
}

// A request names the stream that it is for; the search never looks at it.
detail::stream& nobody() {
  alignas(std::max_align_t) static char place[1];
  return reinterpret_cast<detail::stream&>(place);
}

struct outcome {
  bool complete = false;
  bool too_long = false;
  std::size_t taken = 0;
  std::size_t seen = 0;  // how much had come when it was known

  bool operator==(const outcome&) const = default;
};

// What the piece tells with which the end, or the passing of the limit, arrives.
outcome expected(std::string_view text, std::string_view mark, std::size_t limit,
                 const std::vector<std::size_t>& ends) {
  const std::size_t end = end_of_first(text, mark);
  for (const std::size_t seen : ends) {
    if (end <= seen && end <= limit) return {true, false, end, seen};
    if (end <= seen || seen >= limit) return {false, true, 0, seen};
  }
  return {};
}

outcome found(std::string_view text, std::string_view mark, std::size_t limit,
              const std::vector<std::size_t>& ends) {
  read_request request(nobody(), read_request::shape::mark, limit, mark);
  detail::input_window window;
  std::size_t begin = 0;
  for (const std::size_t seen : ends) {
    window.append(text.substr(begin, seen - begin));
    begin = seen;
    require_equal(window.view(), text.substr(0, seen), "the window has what was put in");
    if (!detail::look_for_end(request, window.view())) continue;
    return {request.complete, request.too_long, request.complete ? request.taken : 0, seen};
  }
  return {};
}

void check_search(std::string_view text, std::string_view mark, std::size_t limit,
                  const std::vector<std::size_t>& ends) {
  require(found(text, mark, limit, ends) == expected(text, mark, limit, ends),
          "a message ends where a plain search finds its mark, however it is cut");
}

// Bytes of the message that is skipped, and whether its end came.
void check_skip(std::string_view text, std::string_view mark,
                const std::vector<std::size_t>& ends) {
  detail::skipped_message skipped(mark);
  const std::size_t end = end_of_first(text, mark);
  std::size_t dropped = 0;
  std::size_t begin = 0;
  for (const std::size_t seen : ends) {
    dropped += skipped.drop(text.substr(begin, seen - begin));
    begin = seen;
    require_equal(skipped.ended(), end <= seen, "a skipped message ends at its mark");
    require_equal(dropped, std::min(end, seen), "a skipped message is dropped up to its mark");
    if (skipped.ended()) return;
  }
}

// A window against a string, with a search that is left and taken up again.
void check_window(std::string_view text, std::string_view mark,
                  const std::vector<std::size_t>& ends, input& in) {
  detail::input_window window;
  std::string plain;
  std::size_t begin = 0;
  for (const std::size_t seen : ends) {
    window.append(text.substr(begin, seen - begin), in.byte());
    plain += text.substr(begin, seen - begin);
    begin = seen;
    const std::size_t gone = in.number(plain.size());
    window.consume(gone);
    plain.erase(0, gone);
    require_equal(window.view(), plain, "a window keeps what was not consumed");
    require_equal(window.size(), plain.size(), "a window knows its size");
    require_equal(window.empty(), plain.empty(), "a window knows when it is empty");
    const std::size_t from = window.searched_for(mark);
    require(from <= plain.size(), "no more was searched than is there");
    require_equal(detail::find_mark(window.view(), mark, from), end_of_first(plain, mark),
                  "a search that goes on finds what one from the beginning does");
    const std::size_t end = end_of_first(plain, mark);
    window.note_searched(mark, end == nowhere ? plain.size() : end - 1);
  }
}

const target here("search", [](input in) {
  const std::size_t limit = in.number(300) + 1;
  std::string mark(in.text(in.number(4) + 1));
  if (mark.empty()) mark = "\n";
  std::vector<std::size_t> cuts(in.number(15));
  for (std::size_t& cut : cuts) cut = in.number(40);
  std::string consumed;
  for (int i = 0; i < 32 && in.yes(); ++i) consumed += static_cast<char>(in.byte());
  const std::string_view text = in.rest();

  std::vector<std::size_t> ends;  // of the pieces; the last ends with the text
  for (std::size_t at = 0, i = 0; at < text.size(); ++i) {
    at = cuts.empty() ? text.size() : std::min(text.size(), at + cuts[i % cuts.size()] + 1);
    ends.push_back(at);
  }
  check_search(text, mark, limit, ends);
  check_skip(text, mark, ends);
  input decisions(consumed);
  check_window(text, mark, ends, decisions);
});

}  // namespace cetane::fuzz::search_target
