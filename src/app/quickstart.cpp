#include <cetane/app/quickstart.hpp>

#include <app/application_core.hpp>

#include <stdexcept>

namespace cetane {

void quickstop() {
  detail::application_core* const running = detail::application_core::current();
  if (running == nullptr) throw std::logic_error("quickstop: no application runs on this thread");
  running->stop();
}

}  // namespace cetane
