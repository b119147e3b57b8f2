#pragma once

#include <app/service_base.hpp>

#include <cetane/app/service.hpp>

namespace cetane::detail {

/// Makes the object that a user has of a service.
struct service_of_core {
  static service make(service_base* core) { return service(*core); }
};

}  // namespace cetane::detail
