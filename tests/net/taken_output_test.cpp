// Output that a backend has taken for its next poll and gives back, because there is no room.

#include <net/net_fixture.hpp>

#include <support/forwarding_backend.hpp>

#include <memory>
#include <string>

namespace taken_output_test {

using namespace cetane;
using namespace cetane::test;

namespace {

// Takes the first output of one socket, and gives it back when it is asked for it.
class taking_backend final : public forwarding_backend {
 public:
  using forwarding_backend::forwarding_backend;

  ssize_t write_soon(detail::stream_io& stream, std::string_view bytes) noexcept override {
    if (stream.descriptor != taking) return forwarding_backend::write_soon(stream, bytes);
    taking = -1;
    taken = bytes;
    stream.output_taken = true;
    return static_cast<ssize_t>(bytes.size());
  }
  unsent send_taken(detail::stream_io& stream) noexcept override {
    if (taken.empty()) return forwarding_backend::send_taken(stream);
    stream.output_taken = false;
    given_back = std::exchange(taken, {});
    return {given_back, 0};
  }

  int taking = -1;
  std::string taken;
  std::string given_back;
};

struct taken_fixture : net_fixture {
  taken_fixture() : net_fixture(std::make_unique<taking_backend>(make_test_backend())) {}
  taking_backend& io() { return static_cast<taking_backend&>(loop.loop().io()); }
};

}  // namespace

TEST_CASE_METHOD(taken_fixture, "what comes back from the backend goes before what is sent now",
                 "[net][send][plain]") {
  const std::string text(20'000, 'x');
  io().taking = pair.socket_here();
  loop.run(send_text, here, "first;");
  REQUIRE(io().taken == "first;");

  auto sender = begin(
      [](connection& peer, const std::string& all) -> task<> {
        co_await peer.send(all);
        co_await peer.send_eof();
      },
      std::cref(text));

  REQUIRE(loop.run(read_to_end, there) == "first;" + text);
  REQUIRE(io().given_back == "first;");
  result(sender);
}

}  // namespace taken_output_test
