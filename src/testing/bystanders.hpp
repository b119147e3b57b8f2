#pragma once

#include <cetane/net/connection.hpp>
#include <cetane/testing/served.hpp>
#include <cetane/testing/world.hpp>

namespace cetane::testing {

/// Two who are connected in a world, and silent, while something else fails there.
class bystanders {
 public:
  explicit bystanders(world& w);

  /// They still hear each other. Throws unfinished if not, unless the network has cut them off.
  void check();

 private:
  world& world_;
  served server_;
  connection client_;
};

}  // namespace cetane::testing
