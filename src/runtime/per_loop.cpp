#include <cetane/runtime/per_loop.hpp>

#include <cetane/runtime/loop_part.hpp>

#include <algorithm>
#include <atomic>
#include <stdexcept>
#include <vector>

namespace cetane::detail {
namespace {

/// The objects of one loop. There are few.
class kept_objects final : public loop_part {
 public:
  explicit kept_objects(event_loop&) {}
  ~kept_objects() override {
    while (!kept_.empty()) kept_.pop_back();  // the latest first: it may use those before it
  }

  kept_object* find(std::uint64_t number) const noexcept {
    const auto found = std::find_if(kept_.begin(), kept_.end(),
                                    [number](const kept& each) { return each.number == number; });
    return found == kept_.end() ? nullptr : found->object.get();
  }
  kept_object& add(std::uint64_t number, std::unique_ptr<kept_object> object) {
    return *kept_.emplace_back(kept{number, std::move(object)}).object;
  }

 private:
  struct kept {
    std::uint64_t number;
    std::unique_ptr<kept_object> object;
  };

  std::vector<kept> kept_;
};

kept_objects& objects_here() {
  event_loop* const loop = event_loop::current();
  if (loop == nullptr)
    throw std::logic_error("per_loop: no event loop runs on this thread, so there is no object");
  return loop->part<kept_objects>();
}

}  // namespace

kept_object::~kept_object() = default;

std::uint64_t new_per_loop_number() noexcept {
  static constinit std::atomic<std::uint64_t> last = 0;
  return last.fetch_add(1, std::memory_order_relaxed) + 1;
}

kept_object* find_kept(std::uint64_t number) { return objects_here().find(number); }

kept_object& keep(std::uint64_t number, std::unique_ptr<kept_object> object) {
  return objects_here().add(number, std::move(object));
}

}  // namespace cetane::detail
