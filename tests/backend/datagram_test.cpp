// What a backend says of datagrams that are sent together.
#include "fake_io.hpp"

#include <os/datagram_outbox.hpp>
#include <support/test_loop.hpp>

#include <cerrno>
#include <memory>
#include <string>

#include <sys/socket.h>

namespace datagram_test {

using namespace cetane;
using namespace cetane::test;

namespace {

class open_port final : public detail::datagram_io {
 public:
  explicit open_port(event_loop& loop) : loop_(loop) {
    const address anywhere = *address::parse_ip("127.0.0.1", 0);
    REQUIRE(loop.io().open_datagram(anywhere, {}, descriptor, where) == 0);
    REQUIRE(loop.io().watch(*this) == 0);
  }
  ~open_port() {
    loop_.io().unwatch(*this);
    loop_.io().close(descriptor, false);
  }

  void on_ready() noexcept override {}

  std::vector<std::string> received() {
    std::vector<std::string> all;
    readable = true;
    while (readable) {
      for (const auto& one : loop_.io().receive(*this, 65536, 32)) all.emplace_back(one.bytes);
    }
    return all;
  }

  address where;

 private:
  event_loop& loop_;
};

void add(os::datagram_outbox& to, const address& where, std::string_view text) {
  to.add(os::ip_place(where), &text, 1, text.size());
}

}  // namespace

TEST_CASE("as many datagrams leave as can, and the first that cannot says why",
          "[backend][datagram]") {
  test_loop loop;
  open_port from(loop);
  open_port to(loop);
  const auto box = std::make_unique<os::datagram_outbox>();
  for (const char* text : {"a", "b"}) add(*box, to.where, text);
  add(*box, to.where.with_port(0), "nowhere");
  add(*box, to.where, "c");

  REQUIRE(loop.loop().io().send_several(from, *box, 0) == 2);
  REQUIRE(loop.loop().io().send_several(from, *box, 2) == -EINVAL);
  REQUIRE(loop.loop().io().send_several(from, *box, 3) == 1);
  settle(loop);
  REQUIRE(to.received() == std::vector<std::string>{"a", "b", "c"});
}

TEST_CASE("where datagrams cannot leave as one message they leave all the same",
          "[backend][datagram][not-sim]") {
  test_loop loop;
  open_port from(loop);
  open_port to(loop);
  const int on = 1;
  REQUIRE(::setsockopt(from.descriptor, SOL_SOCKET, SO_NO_CHECK, &on, sizeof on) == 0);
  const auto box = std::make_unique<os::datagram_outbox>();
  for (const char* text : {"one", "two", "six"}) add(*box, to.where, text);

  REQUIRE(loop.loop().io().send_several(from, *box, 0) == 3);
  REQUIRE_FALSE(from.segments);
  REQUIRE(to.received() == std::vector<std::string>{"one", "two", "six"});
}

}  // namespace datagram_test
