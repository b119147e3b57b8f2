#include <cetane/runtime/loop_ref.hpp>

#include <cetane/runtime/loop_part.hpp>

#include <stdexcept>
#include <thread>

namespace cetane {
namespace detail {
namespace {

/// Closes the door when the loop ends.
class door_of_loop final : public loop_part {
 public:
  explicit door_of_loop(event_loop& loop) : door(std::make_shared<loop_door>(loop)) {}
  ~door_of_loop() override { door->close(); }

  const std::shared_ptr<loop_door> door;
};

}  // namespace

// Who comes in first says so, then looks; the loop's end does it the other way round. One of the
// two sees the other.
class loop_door::visit {
 public:
  explicit visit(loop_door& at) noexcept : at_(at) {
    at_.inside_.fetch_add(1, std::memory_order_seq_cst);
  }
  visit(const visit&) = delete;
  visit& operator=(const visit&) = delete;
  ~visit() { at_.inside_.fetch_sub(1, std::memory_order_release); }

  event_loop* loop() const noexcept { return at_.loop_.load(std::memory_order_seq_cst); }

 private:
  loop_door& at_;
};

delivery loop_door::send(std::unique_ptr<message> message) {
  const visit here(*this);
  event_loop* const loop = here.loop();
  if (loop == nullptr) return delivery::loop_ended;
  return loop->post_message(std::move(message)) ? delivery::sent : delivery::mailbox_full;
}

bool loop_door::send_answer(std::unique_ptr<message> message) noexcept {
  const visit here(*this);
  event_loop* const loop = here.loop();
  if (loop == nullptr) return false;
  loop->post_answer(std::move(message));
  return true;
}

void loop_door::close() noexcept {
  loop_.store(nullptr, std::memory_order_seq_cst);
  while (inside_.load(std::memory_order_acquire) != 0) std::this_thread::yield();
}

}  // namespace detail

loop_ref::loop_ref(event_loop& loop) : door_(loop.part<detail::door_of_loop>().door) {}

loop_ref loop_ref::here() {
  event_loop* const loop = event_loop::current();
  if (loop == nullptr) throw std::logic_error("loop_ref::here: no event loop runs on this thread");
  return loop_ref(*loop);
}

}  // namespace cetane
