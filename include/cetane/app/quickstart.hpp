#pragma once

#include <cetane/app/application.hpp>
#include <cetane/base/config.hpp>

#include <type_traits>
#include <utility>

namespace cetane {

namespace detail {

template <class What>
void add_to(application& app, What&& what) {
  using plain = std::remove_cvref_t<What>;
  if constexpr (std::is_same_v<plain, service>) {
    static_assert(!std::is_lvalue_reference_v<What>,
                  "quickstart takes a service over: write std::move(service)");
    app.add_service(std::move(what));
  } else {
    static_assert(
        std::is_invocable_v<plain&>,
        "quickstart takes services, and coroutines without parameters to run as background tasks");
    app.add_task(std::forward<What>(what));
  }
}

}  // namespace detail

/// Makes an application of services and of functions for background tasks, adds them in their
/// order, and runs it.
///
/// `return cetane::quickstart(argc, argv, cetane::service(echo, 8013), tick);`
/// @return What application::run() returns.
template <class... What>
int quickstart(int argc, char** argv, What&&... what) {
  application app(argc, argv);
  (detail::add_to(app, std::forward<What>(what)), ...);
  return app.run();
}

/// Begins to stop the application that runs on this thread; see application::stop().
///
/// @throws std::logic_error  There is none.
CETANE_API void quickstop();

}  // namespace cetane
