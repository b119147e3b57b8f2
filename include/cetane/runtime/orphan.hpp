#pragma once

#include <cetane/base/intrusive_list.hpp>

namespace cetane::detail {

/// Something that goes on by itself for a while after its owner has let go of it: a connection that
/// still has to send, say. The loop knows them all, so that it can end what is left when its own
/// end has come.
class orphan : public list_hook<orphan> {
 public:
  /// Ends it now; it is destroyed by this.
  virtual void end_now() noexcept = 0;

  /// Ends it, and destroys it by that, if all that it still does is to wait whether its peer takes
  /// what it has been sent, and the peer has. False: it may soon, ask again.
  virtual bool end_if_delivered() noexcept = 0;

 protected:
  orphan() = default;
  ~orphan() = default;
};

}  // namespace cetane::detail
