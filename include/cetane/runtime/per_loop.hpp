#pragma once

#include <cetane/base/config.hpp>
#include <cetane/runtime/event_loop.hpp>

#include <concepts>
#include <cstdint>
#include <functional>
#include <memory>
#include <type_traits>
#include <utility>

namespace cetane {

namespace detail {

/// One of the objects that a loop keeps.
class CETANE_API kept_object {
 public:
  kept_object() = default;
  kept_object(const kept_object&) = delete;
  kept_object& operator=(const kept_object&) = delete;
  virtual ~kept_object();
};

template <class T>
class kept_object_of final : public kept_object {
 public:
  template <class Make>
  explicit kept_object_of(const Make& make) : object(make()) {}

  T object;
};

CETANE_API std::uint64_t new_per_loop_number() noexcept;
/// What the loop of this thread keeps by that number; null if nothing.
CETANE_API kept_object* find_kept(std::uint64_t number);
CETANE_API kept_object& keep(std::uint64_t number, std::unique_ptr<kept_object> object);

}  // namespace detail

/// An object for each event loop: what the tasks of one loop share, and no other loop touches.
///
///     cetane::per_loop<cache> answers;                       // or per_loop<cache>([] { ... })
///     cetane::task<> serve(cetane::connection& peer, cetane::per_loop<cache>& answers) {
///       cache& here = answers.here();
///
/// A loop's object is made when it is first asked for there, and destroyed on that loop's thread
/// with the loop, after its tasks. Copies stand for the same objects. May be used on all loops at
/// once.
template <class T>
class per_loop {
 public:
  static constexpr bool spans_loops = true;

  per_loop() requires std::default_initializable<T> : per_loop([] { return T(); }) {}

  /// Makes each object by `make()`, on the thread of its loop; several threads may do so at once.
  template <class Make>
  requires(!std::same_as<std::remove_cvref_t<Make>, per_loop> &&
           requires(const std::decay_t<Make>& from) { T(from()); }) explicit per_loop(Make&& make)
      : make_(std::make_shared<maker<std::decay_t<Make>>>(std::forward<Make>(make))) {}

  /// The object of the loop that runs on this thread. Does not suspend.
  ///
  /// @throws std::logic_error  There is no such loop. And whatever making the object throws.
  T& here() const {
    detail::kept_object* found = detail::find_kept(number_);
    if (found == nullptr) found = &detail::keep(number_, make_->make());
    return static_cast<detail::kept_object_of<T>&>(*found).object;
  }
  T& operator*() const { return here(); }
  T* operator->() const { return &here(); }

 private:
  struct any_maker {
    virtual ~any_maker() = default;
    virtual std::unique_ptr<detail::kept_object> make() const = 0;
  };
  template <class Make>
  struct maker final : any_maker {
    template <class M>
    explicit maker(M&& from) : function(std::forward<M>(from)) {}
    std::unique_ptr<detail::kept_object> make() const override {
      return std::make_unique<detail::kept_object_of<T>>(function);
    }
    Make function;
  };

  std::uint64_t number_ = detail::new_per_loop_number();
  std::shared_ptr<const any_maker> make_;
};

}  // namespace cetane
