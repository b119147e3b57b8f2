#pragma once

#include <cetane/conc/selectable.hpp>

#include <memory>
#include <string>
#include <type_traits>
#include <utility>

namespace cetane::test {

/// An operation of any kind, and what becomes of its result: so what a task waits for can be drawn
/// at random. Awaited by itself, or an arm of first().
class any_arm {
 public:
  /// `take(result)`, or `take()` if there is none, is called when the operation happens.
  template <class Op, class Take>
  any_arm(Op op, Take take)
      : wait_(std::make_unique<wait_of<Op, Take>>(std::move(op), std::move(take))) {}
  any_arm(any_arm&&) noexcept = default;
  any_arm& operator=(any_arm&&) noexcept = default;

  class select_type;

  inline sole_wait<select_type> operator co_await() &&;

 private:
  struct erased {
    virtual ~erased() = default;
    virtual void set_task(detail::task_context& task) noexcept = 0;
    virtual bool poll() noexcept = 0;
    virtual bool had_turn() const noexcept = 0;
    virtual void arm() = 0;
    virtual void disarm() noexcept = 0;
    virtual void commit() = 0;
    virtual std::string describe_wait() const = 0;
  };

  template <class Op, class Take>
  class wait_of final : public erased {
   public:
    wait_of(Op op, Take take) : op_(std::move(op)), wait_(std::move(op_)), take_(std::move(take)) {}

    void set_task(detail::task_context& task) noexcept override { wait_.set_task(task); }
    bool poll() noexcept override { return wait_.poll(); }
    bool had_turn() const noexcept override { return detail::gives_way(wait_); }
    void arm() override { wait_.arm(); }
    void disarm() noexcept override { wait_.disarm(); }
    void commit() override {
      if constexpr (std::is_void_v<decltype(wait_.commit())>) {
        wait_.commit();
        take_();
      } else {
        take_(wait_.commit());
      }
    }
    std::string describe_wait() const override { return wait_.describe_wait(); }

   private:
    Op op_;
    detail::select_type_t<Op> wait_;
    Take take_;
  };

  std::unique_ptr<erased> wait_;
};

class any_arm::select_type final : public selectable {
 public:
  explicit select_type(any_arm&& op) noexcept : wait_(std::move(op.wait_)) {}

  void set_task(detail::task_context& task) noexcept {
    selectable::set_task(task);
    wait_->set_task(task);
  }
  bool poll() const noexcept { return wait_->poll(); }
  bool had_turn() const noexcept { return wait_->had_turn(); }
  void arm() { wait_->arm(); }
  void disarm() noexcept { wait_->disarm(); }
  void commit() { wait_->commit(); }
  std::string describe_wait() const { return wait_->describe_wait(); }

 private:
  std::unique_ptr<erased> wait_;
};

inline sole_wait<any_arm::select_type> any_arm::operator co_await() && {
  return sole_wait<select_type>(std::move(*this));
}

}  // namespace cetane::test
