#pragma once

#include <cetane/base/intrusive_list.hpp>

namespace cetane::detail {

/// Something that goes on by itself for a while after its owner has let go of it: a connection that still has to send, say.
/// The loop knows them all, so that it can end what is left when its own end has come.
class orphan : public list_hook<orphan> {
 public:
  /// Ends it now; it is destroyed by this.
  virtual void end_now() noexcept = 0;

 protected:
  orphan() = default;
  ~orphan() = default;
};

}  // namespace cetane::detail
