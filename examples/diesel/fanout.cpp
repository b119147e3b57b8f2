// diesel's fanout: what one task publishes, ten others hear, each of them all of it.
//
// Run:   ./dev run diesel/fanout
// See:   listener 0 heard message 0           (fifty such lines)
//        all have heard everything            (and that is the end)
//
// It shows fanout, from one to many, and countdown, which is over when it was ticked fifty times.

#include <cetane/cetane.hpp>

constexpr int listeners = 10;
constexpr int messages = 5;

cetane::task<> listener(int number, cetane::fanout<int>& news, cetane::countdown& to_hear) {
  auto own = news.subscribe();
  for (;;) {
    const int message = co_await own.get();
    fmt::print("listener {} heard message {}\n", number, message);
    to_hear.tick();
  }
}

cetane::task<> publisher(cetane::fanout<int>& news, cetane::countdown& to_hear) {
  for (int message = 0; message < messages; ++message) news.publish(message);
  co_await to_hear.wait();
  fmt::print("all have heard everything\n");
  cetane::quickstop();
}

int main(int argc, char** argv) {
  cetane::fanout<int> news;
  cetane::countdown to_hear(listeners * messages);
  cetane::application app(argc, argv);
  for (int number = 0; number < listeners; ++number) {
    app.add_task(listener, number, std::ref(news), std::ref(to_hear));
  }
  // Tasks begin in this order: all have subscribed when the first message goes out.
  app.add_task(publisher, std::ref(news), std::ref(to_hear));
  return app.run();
}
