// Datagrams that leave together: each comes as it was, in its order, whether or not the system cuts
// them out of one message.
#include <os/datagram_outbox.hpp>

#include <cetane/os/address.hpp>
#include <cetane/os/unique_fd.hpp>

#include <catch2/catch_test_macros.hpp>

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include <sys/socket.h>

namespace datagram_outbox_test {

using namespace cetane;

namespace {

class socket_here {
 public:
  socket_here() : fd_(::socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)) {
    sockaddr_storage raw;
    socklen_t length = address::parse_ip("127.0.0.1", 0)->to_sockaddr(raw);
    auto* const at = reinterpret_cast<sockaddr*>(&raw);
    REQUIRE(::bind(fd_.get(), at, length) == 0);
    length = sizeof raw;
    REQUIRE(::getsockname(fd_.get(), at, &length) == 0);
    where_ = address::from_sockaddr(at, length);
  }

  int fd() const { return fd_.get(); }
  os::ip_place place() const { return os::ip_place(where_); }

  // All that has come.
  std::vector<std::string> received() const {
    std::vector<std::string> all;
    std::string one(70'000, '\0');
    for (;;) {
      const ssize_t size = ::recv(fd_.get(), one.data(), one.size(), 0);
      if (size < 0) return all;
      all.push_back(one.substr(0, static_cast<std::size_t>(size)));
    }
  }

 private:
  unique_fd fd_;
  address where_;
};

std::string text(std::size_t number, std::size_t size) {
  return std::string(size, static_cast<char>('a' + number % 26));
}

void add(os::datagram_outbox& to, const os::ip_place& place, const std::string& bytes) {
  const std::string_view all = bytes;
  const std::string_view parts[] = {all.substr(0, all.size() / 3), all.substr(all.size() / 3)};
  REQUIRE(to.has_room_for(bytes.size()));
  to.add(place, parts, 2, bytes.size());
}

// Sends datagrams of these sizes to one place, and says what has come.
std::vector<std::string> pass_on(const std::vector<std::size_t>& sizes, bool segments) {
  const socket_here from;
  const socket_here to;
  const auto box = std::make_unique<os::datagram_outbox>();
  for (std::size_t i = 0; i < sizes.size(); ++i) add(*box, to.place(), text(i, sizes[i]));
  std::size_t first = 0;
  while (first < box->size()) {
    const int sent = box->send(from.fd(), first, segments);
    REQUIRE(sent > 0);
    first += static_cast<std::size_t>(sent);
  }
  REQUIRE(first == sizes.size());
  return to.received();
}

}  // namespace

TEST_CASE("datagrams that leave together come one by one", "[os][datagram]") {
  const std::vector<std::size_t> sizes{10, 10, 10, 4,    0,    0,    7, 7, 9,   9,
                                       1,  1,  1,  1400, 1400, 1400, 1, 0, 4096};
  for (const bool segments : {false, true}) {
    const std::vector<std::string> got = pass_on(sizes, segments);
    REQUIRE(got.size() == sizes.size());
    for (std::size_t i = 0; i < sizes.size(); ++i) REQUIRE(got[i] == text(i, sizes[i]));
  }
}

TEST_CASE("a run is of one place and one size, and the last may be shorter", "[os][datagram]") {
  const socket_here to;
  const socket_here elsewhere;
  const auto box = std::make_unique<os::datagram_outbox>();
  for (const std::size_t size : {8, 8, 8, 3, 3, 9, 0, 5}) add(*box, to.place(), text(0, size));
  add(*box, elsewhere.place(), text(0, 5));
  add(*box, elsewhere.place(), text(0, 5));

  REQUIRE(box->run_at(0) == 4);
  REQUIRE(box->run_at(1) == 3);
  REQUIRE(box->run_at(4) == 1);  // a longer one follows
  REQUIRE(box->run_at(5) == 1);  // an empty one follows
  REQUIRE(box->run_at(6) == 1);
  REQUIRE(box->run_at(7) == 1);  // another place follows
  REQUIRE(box->run_at(8) == 2);
}

TEST_CASE("a run is no longer than a datagram can be", "[os][datagram]") {
  const socket_here to;
  const auto box = std::make_unique<os::datagram_outbox>();
  for (int i = 0; i < 16; ++i) add(*box, to.place(), text(0, 4096));
  REQUIRE(box->run_at(0) == 15);
  REQUIRE_FALSE(box->has_room_for(1));
  box->clear();
  REQUIRE(box->empty());
  while (box->has_room_for(3)) add(*box, to.place(), "abc");
  REQUIRE(box->size() == os::datagram_outbox::most);
  REQUIRE(box->run_at(0) == os::datagram_outbox::most);
}

TEST_CASE("where the system cuts no messages they leave one by one", "[os][datagram]") {
  const socket_here from;
  const socket_here to;
  const int on = 1;
  REQUIRE(::setsockopt(from.fd(), SOL_SOCKET, SO_NO_CHECK, &on, sizeof on) == 0);
  const auto box = std::make_unique<os::datagram_outbox>();
  for (std::size_t i = 0; i < 5; ++i) add(*box, to.place(), text(i, 10));

  REQUIRE(box->send(from.fd(), 0, true) < 0);
  REQUIRE(to.received().empty());
  REQUIRE(box->send(from.fd(), 0, false) == 5);
  REQUIRE(to.received().size() == 5);
}

TEST_CASE("to no place at all is to the only peer", "[os][datagram]") {
  const socket_here from;
  const socket_here to;
  const os::ip_place there = to.place();
  REQUIRE(::connect(from.fd(), there.get(), there.length()) == 0);
  const auto box = std::make_unique<os::datagram_outbox>();
  add(*box, os::ip_place(), "hello");
  add(*box, os::ip_place(), "world");
  REQUIRE(box->run_at(0) == 2);
  REQUIRE(box->send(from.fd(), 0, true) == 2);
  REQUIRE(to.received() == std::vector<std::string>{"hello", "world"});
}

}  // namespace datagram_outbox_test
