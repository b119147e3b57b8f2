// What a stranger can put between the bytes of a stream: nothing of it holds up the rest.

#include <net/net_fixture.hpp>
#include <os/temporary_folder.hpp>

#include <cetane/base/errors.hpp>
#include <cetane/os/unique_fd.hpp>

#include <cstring>

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

namespace urgent_test {

using namespace cetane;
using namespace cetane::test;

namespace {

void send_urgent(int socket, std::string_view text) {
  REQUIRE(::send(socket, text.data(), text.size(), MSG_OOB | MSG_NOSIGNAL) ==
          static_cast<ssize_t>(text.size()));
}

// Sends one byte, and a descriptor with it.
void send_descriptor(int socket, int descriptor) {
  char byte = 'd';
  iovec part{&byte, 1};
  alignas(cmsghdr) char room[CMSG_SPACE(sizeof descriptor)] = {};
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  message.msg_control = room;
  message.msg_controllen = sizeof room;
  cmsghdr* const header = CMSG_FIRSTHDR(&message);
  header->cmsg_level = SOL_SOCKET;
  header->cmsg_type = SCM_RIGHTS;
  header->cmsg_len = CMSG_LEN(sizeof descriptor);
  std::memcpy(CMSG_DATA(header), &descriptor, sizeof descriptor);
  REQUIRE(::sendmsg(socket, &message, MSG_NOSIGNAL) == 1);
}

int lowest_free_descriptor() {
  const unique_fd probe(::open("/dev/null", O_RDONLY | O_CLOEXEC));
  return probe.get();
}

}  // namespace

TEST_CASE_METHOD(net_fixture, "urgent data is part of the stream", "[net][urgent][not-sim]") {
  auto reader = begin(read_line);
  settle();
  send_urgent(pair.socket_there(), "!");
  settle();
  REQUIRE(there.try_send("a line\n"));
  REQUIRE(result(reader) == "!a line\n");
}

TEST_CASE_METHOD(net_fixture, "urgent data between two parts cuts nothing off",
                 "[net][urgent][not-sim]") {
  // All of it is there before it is read; the kernel stops a read at the mark.
  auto reader = begin(read_line);
  settle();
  const int peer = pair.socket_there();
  for (int i = 0; i < 20; ++i) {
    REQUIRE(::send(peer, "part ", 5, MSG_NOSIGNAL) == 5);
    send_urgent(peer, "!");
  }
  REQUIRE(::send(peer, "end\n", 4, MSG_NOSIGNAL) == 4);

  const std::string line = result(reader);

  std::string expected;
  for (int i = 0; i < 20; ++i) expected += "part !";
  REQUIRE(line == expected + "end\n");
}

TEST_CASE_METHOD(net_fixture, "after urgent data the loop sleeps as before",
                 "[net][urgent][not-sim]") {
  auto reader = begin(read_line);
  settle();
  send_urgent(pair.socket_there(), "!");
  settle();
  const std::uint64_t passes = stats().passes;
  loop.loop().run_once(loop.loop().now() + 20ms);
  loop.loop().run_once(loop.loop().now() + 20ms);
  REQUIRE(stats().passes - passes == 2);
  reader.cancel();
  REQUIRE_THROWS_AS(result(reader), cancelled);
}

TEST_CASE("descriptors that a peer passes are closed, and hold up nothing",
          "[net][urgent][not-sim]") {
  test_loop loop;
  const temporary_folder folder;
  connected_pair pair(loop, address::unix_path(folder.path_of("socket")));
  auto reader = loop.spawn(read_line, std::ref(pair.here));
  settle(loop);
  const int lowest = lowest_free_descriptor();

  for (int i = 0; i < 10; ++i) {
    REQUIRE(::send(pair.socket_there(), "part ", 5, MSG_NOSIGNAL) == 5);
    send_descriptor(pair.socket_there(), STDERR_FILENO);
  }
  REQUIRE(::send(pair.socket_there(), "end\n", 4, MSG_NOSIGNAL) == 4);

  run_until(loop, [&] { return reader.done(); });
  const std::string line = loop.run(
      [](join_handle<std::string>& of) -> task<std::string> { co_return co_await of; }, reader);
  REQUIRE(line.size() == 64);
  REQUIRE(line.ends_with("dend\n"));
  REQUIRE(lowest_free_descriptor() == lowest);
}

}  // namespace urgent_test
