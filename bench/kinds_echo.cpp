// The same echo in each way to serve: kinds_echo KIND [--host ADDRESS --port PORT ...]
#include <cetane/app/application.hpp>
#include <cetane/app/run_in.hpp>
#include <cetane/socketserver/socketserver.hpp>

#include <fmt/format.h>

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <string_view>

namespace {

constexpr std::size_t at_a_time = 1000;

cetane::task<> echo(cetane::connection& peer) {
  while (true) co_await peer.send(co_await peer.receive_some());
}

struct echo_handler : cetane::socketserver::base_request_handler {
  void handle() override {
    std::string bytes;
    while (!(bytes = request().socket().recv(65536)).empty()) request().socket().sendall(bytes);
  }
};

struct forking_echo : cetane::socketserver::forking<cetane::socketserver::tcp_server> {
  forking_echo(cetane::socketserver::endpoint where, cetane::socketserver::handler_factory make)
      : forking(std::move(where), std::move(make)) {
    max_children = at_a_time;
    request_queue_size = 500;
  }
};

struct threading_echo : cetane::socketserver::threading<cetane::socketserver::tcp_server> {
  threading_echo(cetane::socketserver::endpoint where, cetane::socketserver::handler_factory make)
      : threading(std::move(where), std::move(make)) {
    request_queue_size = 500;
  }
};

cetane::socketserver::base_server* to_stop = nullptr;

template <class Server>
int serve_blocking() {
  namespace ss = cetane::socketserver;
  ss::live<Server> server({"127.0.0.1", 0}, ss::handler<echo_handler>);
  to_stop = &server;
  std::signal(SIGTERM, [](int) { to_stop->request_shutdown(); });
  fmt::print("listening on tcp://{}\n", server.server_address().to_string());
  std::fflush(stdout);
  server.serve_forever();
  return 0;
}

int serve_tasks(std::string_view kind, int argc, char** argv) {
  cetane::application app(argc, argv);
  cetane::service echoing(echo, 0);
  if (kind == "process") echoing.run_in(cetane::process_per_connection(at_a_time));
  if (kind == "thread") echoing.run_in(cetane::thread_per_connection(at_a_time));
  if (kind == "prefork") app.prefork(cetane::prefork_options());
  app.add_service(std::move(echoing));
  return app.run();
}

}  // namespace

int main(int argc, char** argv) {
  const std::string_view kind = argc > 1 ? argv[1] : "";
  if (kind == "forking") return serve_blocking<forking_echo>();
  if (kind == "threading") return serve_blocking<threading_echo>();
  return serve_tasks(kind, argc - 1, argv + 1);
}
