// A server that makes every system call that the library makes: each line of a client's is the name
// of one thing to do, and is answered by one line, `done: ...`, or `failed: ...` with the reason.
// syscall_faults.py lets the calls fail, one after the other.
//
// Run: build/tests/integration/syscall_tour --port 8013 --socket /some/path, and type: resolve
#include <cetane/cetane.hpp>
#include <cetane/os/process.hpp>

#include <csignal>
#include <cstdint>
#include <string>

#include <sys/prctl.h>
#include <unistd.h>

using namespace std::chrono_literals;

namespace syscall_tour {

// Without SA_RESTART: what waits comes back with EINTR.
void be_interrupted_by(int number) {
  struct sigaction action {};
  action.sa_handler = [](int) {};
  ::sigaction(number, &action, nullptr);
}

struct places {
  std::string socket;  // of the second service
  std::string file;    // to send
  std::string name;    // to look up
};

cetane::task<> echo(cetane::connection& peer) {
  while (auto chunk = co_await peer.next_chunk()) co_await peer.send(*chunk);
}

// Says something to an echo, and takes the answer apart in all the ways that there are.
cetane::task<std::string> converse(cetane::connection there) {
  co_await there.send("echo\r\n");
  co_await there.send("line\r\nword,exactly", std::string(100'000, 'x'), "some");
  std::string heard = co_await there.until_eol();
  heard = co_await there.until(",");
  heard = co_await there.receive(7);
  heard = co_await there.receive(100'000);
  co_await there.send_eof();
  co_return co_await there.until_eof();
}

cetane::task<std::string> call_tcp(std::uint16_t port) {
  cetane::connection there = co_await cetane::connect("127.0.0.1", port);
  co_return co_await converse(std::move(there));
}

cetane::task<std::string> call_unix(std::string path) {
  cetane::connection there = co_await cetane::connect_unix(path);
  co_return co_await converse(std::move(there));
}

// A question, its answer, and the system's word that nobody is there any more.
cetane::task<std::string> call_udp() {
  cetane::udp_socket server = cetane::udp_socket::bind("127.0.0.1", 0);
  cetane::udp_peer client = co_await cetane::connect_udp(server.local());
  co_await client.send("a ", "question");
  const cetane::datagram question = co_await cetane::with_timeout(2s, server.receive());
  co_await server.send(question.from, "an answer");
  const cetane::datagram answer = co_await cetane::with_timeout(2s, client.receive());
  server.close();
  co_await client.send("is anybody there?");
  try {
    co_await cetane::with_timeout(2s, client.receive());
  } catch (const cetane::connection_error& refused) {
    co_return fmt::format("heard {}, then: {}", answer, refused.what());
  }
  co_return "heard somebody who is not there";
}

cetane::task<std::string> look_up(std::string name) {
  const auto found = co_await cetane::resolve(name, 80);
  co_return fmt::format("{} is at {}", name, found.front());
}

cetane::task<std::string> ask_thread() {
  co_return co_await cetane::thread([] { return std::string("a thread was here"); });
}

cetane::task<std::string> ask_child() {
  cetane::child_process child = cetane::fork_process([] { return 7; });
  co_await cetane::readable(child.pidfd());
  co_return child.wait().to_string();
}

cetane::task<std::string> hear_signal() {
  cetane::signal_set signals(SIGHUP);
  ::kill(::getpid(), SIGHUP);
  co_return fmt::format("heard signal {}", co_await signals.wait());
}

cetane::task<std::string> nap() {
  co_await cetane::sleep(1ms);
  const bool in_time = co_await cetane::move_on_after(1ms, cetane::sleep(1h));
  co_return in_time ? "overslept" : "slept";
}

cetane::task<std::string> send_file(cetane::connection& peer, std::string path) {
  co_await peer.send_file(path);
  co_return "sent the file";
}

cetane::task<std::string> act(std::string wish, cetane::connection& peer, const places& here) {
  if (wish == "tcp") co_return co_await call_tcp(peer.local().port());
  if (wish == "unix") co_return co_await call_unix(here.socket);
  if (wish == "udp") co_return co_await call_udp();
  if (wish == "resolve") co_return co_await look_up(here.name);
  if (wish == "thread") co_return co_await ask_thread();
  if (wish == "child") co_return co_await ask_child();
  if (wish == "signal") co_return co_await hear_signal();
  if (wish == "nap") co_return co_await nap();
  if (wish == "log") cetane::log::warning("somebody wished for a line in the log");
  if (wish == "file") co_return co_await send_file(peer, here.file);
  co_return "said " + wish;
}

cetane::task<> tour(cetane::connection& peer, places here) {
  while (auto wish = co_await peer.next_line()) {
    if (*wish == "echo") co_return co_await echo(peer);
    const auto outcome = co_await cetane::attempt(act(*wish, peer, here));
    if (outcome) {
      co_await peer.print("done: {}\r\n", *outcome);
    } else {
      co_await peer.print("failed: {}\r\n", outcome.error());
    }
  }
}

}  // namespace syscall_tour

int main(int argc, char** argv) {
  ::prctl(PR_GET_DUMPABLE);  // for a trace: what comes before this is not ours
  syscall_tour::be_interrupted_by(SIGALRM);
  cetane::application app(argc, argv);
  syscall_tour::places here;
  here.socket = app.add_option("socket", "", "where the Unix service listens").text();
  here.file = app.add_option("file", "", "what `file` sends").text();
  here.name = app.add_option("name", "127.1", "what `resolve` looks up").text();
  app.add_service(cetane::service(syscall_tour::tour, 8013, here));
  app.add_service(cetane::unix_service(syscall_tour::tour, here.socket, here));
  return app.run();
}
