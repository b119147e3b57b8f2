// Output that the system had no memory for: our side of the connection has a gap, though the
// connection is well. Both who uses it and the peer get to know.

#include <net/net_fixture.hpp>

#include <support/forwarding_backend.hpp>

#include <cetane/base/errors.hpp>
#include <cetane/conc/first.hpp>

#include <cerrno>
#include <tuple>

namespace gap_test {

using namespace cetane;
using namespace cetane::test;

namespace {

// Fails every write of one socket once it is told to.
class failing_write final : public forwarding_backend {
 public:
  using forwarding_backend::forwarding_backend;

  ssize_t write(detail::stream_io& stream, const iovec* parts, int count) noexcept override {
    return fails(stream) ? -ENOBUFS : forwarding_backend::write(stream, parts, count);
  }
  ssize_t write_soon(detail::stream_io& stream, std::string_view bytes) noexcept override {
    return fails(stream) ? -ENOBUFS : forwarding_backend::write_soon(stream, bytes);
  }

  int failing = -1;

 private:
  bool fails(const detail::stream_io& stream) const noexcept {
    return stream.descriptor == failing;
  }
};

struct gap_fixture : net_fixture {
  gap_fixture() : net_fixture(std::make_unique<failing_write>(make_test_backend())) {}

  // Sends something that is lost.
  void lose() {
    static_cast<failing_write&>(loop.loop().io()).failing = pair.socket_here();
    REQUIRE(here.try_send("lost"));
    settle();
  }

  template <class Read>
  std::error_code error_of(Read&& reading) {
    try {
      result(reading);
    } catch (const connection_closed& e) {
      return e.code();
    }
    return {};
  }
};

}  // namespace

TEST_CASE_METHOD(gap_fixture, "a reader that waits learns that output was lost", "[net][gap]") {
  auto reader = begin(read_line);
  settle();

  lose();

  REQUIRE(reader.done());
  REQUIRE(error_of(reader) == std::errc::no_buffer_space);
}

TEST_CASE_METHOD(gap_fixture, "an arm of first() learns that output was lost", "[net][gap]") {
  auto reader = begin([](connection& from) -> task<std::string> {
    auto turn = co_await first(from.until_eol(), sleep(1h));
    co_return std::get<0>(turn).value_or("slept");
  });
  settle();

  lose();

  REQUIRE(error_of(reader) == std::errc::no_buffer_space);
}

TEST_CASE_METHOD(gap_fixture, "what came before output was lost can be read, no more after it",
                 "[net][gap]") {
  arrives("before\n");

  lose();
  REQUIRE(there.try_send("after\n"));
  settle();

  REQUIRE(result(begin(read_line)) == "before\n");
  REQUIRE(error_of(begin(read_line)) == std::errc::no_buffer_space);
  REQUIRE(error_of(begin(read_to_end)) == std::errc::no_buffer_space);
}

TEST_CASE_METHOD(gap_fixture, "after output was lost the peer sees no orderly end", "[net][gap]") {
  auto closed = begin(wait_closed);
  lose();
  REQUIRE(result(closed) == closed_by_peer::reset);

  here.close();

  try {
    loop.run(read_to_end, there);
    FAIL("something is missing");
  } catch (const connection_closed& e) {
    REQUIRE(e.code() == std::errc::connection_reset);
  }
}

}  // namespace gap_test
