// The frames of the cookbook's chat: pickles from a stranger.
#include <fuzz/fuzz.hpp>

#include "../../examples/cookbook/chat_frame.hpp"

#include <vector>

namespace cetane::fuzz::chat_frame_target {

// Everything that comes out of a stream which arrives in the given pieces; "!" at the end for a bad
// one.
std::vector<std::string> read_all(std::string_view stream, const std::vector<std::size_t>& cuts) {
  std::vector<std::string> texts;
  std::string arrived;
  std::size_t next_cut = 0;
  try {
    while (!stream.empty()) {
      const std::size_t piece = cuts.empty() ? stream.size() : cuts[next_cut++ % cuts.size()] + 1;
      arrived += stream.substr(0, piece);
      stream.remove_prefix(std::min(piece, stream.size()));
      while (auto text = chat_frame::next(arrived)) texts.push_back(std::move(*text));
    }
  } catch (const chat_frame::bad_frame&) {
    texts.emplace_back("!");
  }
  return texts;
}

void check_round_trip(std::string_view text) {
  std::string frame = chat_frame::encode(text);
  frame += "tail";
  require_equal(chat_frame::next(frame).value_or("nothing"), text, "a frame can be read back");
  require_equal(frame, "tail", "a frame takes its own bytes only");
}

void check_body(std::string_view body) {
  try {
    const std::string text = chat_frame::decode_body(std::string(body));
    require(text.size() <= body.size() * 4, "a text is not longer than its frame");
  } catch (const chat_frame::bad_frame&) {
  }
}

const target here("chat_frame", [](input in) {
  std::vector<std::size_t> cuts(in.number(7));
  for (std::size_t& cut : cuts) cut = in.number(40);
  const std::string_view bytes = in.rest();
  check_round_trip(bytes);
  check_body(bytes);
  require(read_all(bytes, cuts) == read_all(bytes, {}), "it does not matter how a stream is cut");
});

}  // namespace cetane::fuzz::chat_frame_target
