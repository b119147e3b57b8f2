#pragma once

#include <cetane/base/config.hpp>

namespace cetane::detail {

/// What a component keeps for each loop; see event_loop::part().
class CETANE_API loop_part {
 public:
  loop_part(const loop_part&) = delete;
  loop_part& operator=(const loop_part&) = delete;
  virtual ~loop_part();

 protected:
  loop_part() noexcept = default;
};

/// Its address stands for the class.
template <class Part>
inline char part_key = 0;

}  // namespace cetane::detail
