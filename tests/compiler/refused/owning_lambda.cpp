// says: g++ 12 destroys the captures of this lambda twice
// on: g++ 12
#include <cetane/coro/callable_guard.hpp>
#include <cetane/coro/task.hpp>

#include <string>
#include <type_traits>
#include <utility>

// As an entry of the library that takes a callable.
template <class Body>
cetane::task<> run(Body&& body) {
  cetane::detail::guard_callable<Body>();
  return
      [](std::decay_t<Body> kept) -> cetane::task<> { co_await kept(); }(std::forward<Body>(body));
}

cetane::task<> uses(std::string text) {
  int n = 0;
  co_await run([&]() -> cetane::task<> {
    ++n;
    co_return;
  });
#ifdef MISTAKE
  co_await run([text]() -> cetane::task<> { co_return; });
#else
  const auto body = [text]() -> cetane::task<> { co_return; };
  co_await run(body);
#endif
}
