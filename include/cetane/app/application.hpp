#pragma once

#include <cetane/app/service.hpp>
#include <cetane/base/config.hpp>

#include <memory>

namespace cetane {

namespace detail {
class application_core;
}

class CETANE_API application {
 public:
  application();
  application(int argc, char** argv);
  application(const application&) = delete;
  application& operator=(const application&) = delete;
  ~application();

  service& add_service(service added);
  void stop();
  int run();

 private:
  std::unique_ptr<detail::application_core> core_;
};

}  // namespace cetane
