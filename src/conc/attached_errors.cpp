#include <cetane/conc/attached_errors.hpp>

#include <array>
#include <cstddef>
#include <new>
#include <utility>

namespace cetane {
namespace {

struct attachment {
  std::exception_ptr to;
  std::vector<std::exception_ptr> others;
};

// An exception has no room for others, and its type is the thrower's. So they lie beside it, for as
// long as they may be asked for: that is soon, or not at all.
class recent_attachments {
 public:
  void add(const std::exception_ptr& to, std::vector<std::exception_ptr> others) noexcept {
    if (std::vector<std::exception_ptr>* const known = find(to)) return append(*known, others);
    attachment& oldest = kept_[next_];
    next_ = (next_ + 1) % kept_.size();
    oldest.to = to;
    oldest.others = std::move(others);
  }

  std::vector<std::exception_ptr>* find(const std::exception_ptr& to) noexcept {
    for (attachment& each : kept_) {
      if (each.to == to) return &each.others;
    }
    return nullptr;
  }

 private:
  static constexpr std::size_t most_attached = 64;

  // An error that passes through several groups on its way takes along those of each.
  static void append(std::vector<std::exception_ptr>& known,
                     const std::vector<std::exception_ptr>& others) noexcept try {
    for (const std::exception_ptr& each : others) {
      if (known.size() < most_attached) known.push_back(each);
    }
  } catch (const std::bad_alloc&) {
    // they are in the log
  }

  std::array<attachment, 8> kept_;
  std::size_t next_ = 0;
};

recent_attachments& of_this_thread() {
  static thread_local recent_attachments recent;
  return recent;
}

}  // namespace

void detail::attach_errors(const std::exception_ptr& to,
                           std::vector<std::exception_ptr> others) noexcept {
  if (others.empty()) return;
  of_this_thread().add(to, std::move(others));
}

std::vector<std::exception_ptr> attached_errors(const std::exception_ptr& to) {
  if (!to) return {};
  const std::vector<std::exception_ptr>* const others = of_this_thread().find(to);
  return others != nullptr ? *others : std::vector<std::exception_ptr>();
}

}  // namespace cetane
