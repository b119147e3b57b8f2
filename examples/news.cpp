// wait and fire: whoever waits at that moment hears the news; nothing is kept for later (for that,
// see fanout in room).
//
// Run:   ./dev run news                 it prints: listening on tcp://127.0.0.1:8016
//                                                  listening on tcp://127.0.0.1:8017
// Type:  nc 127.0.0.1 8016              in one terminal, to read
//        nc 127.0.0.1 8017              in another, to write: sunny
// See:   told 1 readers                 where you write
//        news: sunny                    where you read
// Ctrl-C ends the server.

#include <cetane/cetane.hpp>

cetane::task<> reader(cetane::connection& peer, cetane::topic<std::string>& news) {
  for (;;) {
    const std::string headline = co_await news.wait();
    co_await peer.send("news: ", headline);
  }
}

cetane::task<> writer(cetane::connection& peer, cetane::topic<std::string>& news) {
  for (;;) {
    const std::string line = co_await peer.until_eol();
    co_await peer.print("told {} readers\r\n", news.fire(line));
  }
}

int main(int argc, char** argv) {
  cetane::topic<std::string> news;
  cetane::application app(argc, argv);
  app.add_service(cetane::service(reader, 8016, std::ref(news)));
  app.add_service(cetane::service(writer, 8017, std::ref(news)));
  return app.run();
}
