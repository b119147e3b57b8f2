// Datagrams that the system brings together: each comes as it was sent, with its sender.
#include <os/datagram.hpp>
#include <os/datagram_outbox.hpp>
#include <os/socket.hpp>

#include <cetane/os/address.hpp>
#include <cetane/os/unique_fd.hpp>

#include <catch2/catch_test_macros.hpp>

#include <cerrno>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace datagram_batch_test {

using namespace cetane;

namespace {

struct end {
  explicit end(bool merged) {
    os::datagram_options options;
    options.merged = merged;
    const address anywhere = *address::parse_ip("127.0.0.1", 0);
    REQUIRE(os::open_datagram_socket(anywhere, nullptr, options, fd) == 0);
    REQUIRE(os::local_address(fd.get(), where) == 0);
  }

  void send(const end& to, const std::vector<std::string>& texts) const {
    const auto box = std::make_unique<os::datagram_outbox>();
    for (const std::string_view text : texts)
      box->add(os::ip_place(to.where), &text, 1, text.size());
    std::size_t first = 0;
    while (first != box->size()) {
      const int sent = box->send(fd.get(), first, true);
      REQUIRE(sent > 0);
      first += static_cast<std::size_t>(sent);
    }
  }

  unique_fd fd;
  address where;
};

struct arrivals {
  std::vector<std::string> texts;
  std::vector<address> senders;
  std::vector<bool> cut;
  int messages = 0;
};

arrivals receive_all(const end& at, std::size_t limit) {
  os::datagram_batch batch;
  arrivals all;
  int got = 0;
  while ((got = batch.receive(at.fd.get(), limit, 32)) > 0) {
    all.messages += got;
    for (const os::arrived_datagram& one : batch.arrived()) {
      all.texts.emplace_back(one.bytes);
      all.senders.push_back(one.from);
      all.cut.push_back(one.truncated);
    }
  }
  REQUIRE(got == -EAGAIN);
  REQUIRE(batch.arrived().empty());
  return all;
}

}  // namespace

TEST_CASE("datagrams that come as one message are taken apart", "[os][datagram]") {
  const std::vector<std::string> texts{"one", "two", "six", "1",  "12", "12",
                                       "",    "",    "a",   "bb", "cc", std::string(4000, 'l')};
  for (const bool merged : {false, true}) {
    const end from(false);
    const end to(merged);
    from.send(to, texts);
    const arrivals got = receive_all(to, 65536);
    REQUIRE(got.texts == texts);
    for (const address& sender : got.senders) REQUIRE(sender == from.where);
  }
}

TEST_CASE("what comes as one message counts as one", "[os][datagram]") {
  const end from(false);
  const end to(true);
  const std::vector<std::string> texts(60, "hello");
  from.send(to, texts);
  const arrivals got = receive_all(to, 65536);
  REQUIRE(got.texts == texts);
  REQUIRE(got.messages == 1);
}

TEST_CASE("the limit is one of each datagram", "[os][datagram]") {
  const end from(false);
  const end to(true);
  from.send(to, {"12345", "23456", "345", "4", "12345"});
  const arrivals got = receive_all(to, 4);
  REQUIRE(got.texts == std::vector<std::string>{"1234", "2345", "345", "4", "1234"});
  REQUIRE(got.cut == std::vector<bool>{true, true, false, false, true});
}

TEST_CASE("several senders are told from each other", "[os][datagram]") {
  const end one(false);
  const end other(false);
  const end to(true);
  one.send(to, {"a", "b"});
  other.send(to, {"c", "d"});
  one.send(to, {"e"});
  const arrivals got = receive_all(to, 100);
  REQUIRE(got.texts == std::vector<std::string>{"a", "b", "c", "d", "e"});
  const std::vector<address> wanted{one.where, one.where, other.where, other.where, one.where};
  REQUIRE(got.senders == wanted);
}

}  // namespace datagram_batch_test
