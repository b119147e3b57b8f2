#pragma once

#include <cetane/base/config.hpp>
#include <cetane/conc/selectable.hpp>
#include <cetane/sync/topic.hpp>

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <type_traits>
#include <typeinfo>
#include <utility>

namespace cetane {

namespace detail {

/// A topic that goes by a name; it exists while a wait for it does.
class CETANE_API named_topic {
 public:
  explicit named_topic(const std::type_info& values) noexcept : type(values) {}
  named_topic(const named_topic&) = delete;
  named_topic& operator=(const named_topic&) = delete;
  virtual ~named_topic();

  const std::type_info& type;
  const std::string* name = nullptr;
  std::size_t uses = 0;
};

template <class T>
class named_topic_of final : public named_topic {
 public:
  named_topic_of() noexcept : named_topic(typeid(T)) {}

  topic<T> values;
};

/// The names of an application that somebody waits for.
class named_topics;

/// Keeps one of them.
class CETANE_API named_topic_use {
 public:
  using maker = std::unique_ptr<named_topic> (*)();

  /// Finds the name in the application that runs, or makes it.
  named_topic_use(std::string_view name, const std::type_info& type, maker make);
  named_topic_use(const named_topic_use& other) noexcept;
  named_topic_use& operator=(const named_topic_use&) = delete;
  ~named_topic_use();

  named_topic& get() const noexcept { return *topic_; }

 private:
  std::shared_ptr<named_topics> names_;
  named_topic* topic_;
};

/// The topic that goes by `name` in the application that runs; null when nobody waits for it.
CETANE_API named_topic* find_named_topic(std::string_view name, const std::type_info& type);

template <class T>
std::unique_ptr<named_topic> make_named_topic() {
  return std::make_unique<named_topic_of<T>>();
}

// Texts of all kinds are fired, and waited for, as std::string.
template <class T>
using fired_t =
    std::conditional_t<std::is_convertible_v<T, std::string_view>, std::string, std::decay_t<T>>;

}  // namespace detail

/// Waits for a name; see wait().
template <class T>
class [[nodiscard("wait() does nothing until it is awaited")]] named_wait_op {
 public:
  explicit named_wait_op(std::string_view name)
      : use_(name, typeid(T), &detail::make_named_topic<T>) {}

  class select_type final : public selectable {
   public:
    explicit select_type(const named_wait_op& op) noexcept
        : use_(op.use_), wait_(static_cast<detail::named_topic_of<T>&>(use_.get()).values) {}

    void set_task(detail::task_context& task) noexcept {
      selectable::set_task(task);
      wait_.set_task(task);
    }
    bool poll() const noexcept { return wait_.poll(); }
    void arm() noexcept { wait_.arm(); }
    void disarm() noexcept { wait_.disarm(); }
    T commit() { return wait_.commit(); }
    std::string describe_wait() const { return "wait for \"" + *use_.get().name + '"'; }

   private:
    detail::named_topic_use use_;
    detail::topic_wait<T> wait_;
  };

  sole_wait<select_type> operator co_await() const noexcept {
    return sole_wait<select_type>(*this);
  }

 private:
  detail::named_topic_use use_;
};

/// Suspends until somebody fires `name` in this application, and gives what was fired: diesel's
/// wait. Where both sides share an object, use a topic.
///
/// @throws std::logic_error  No application runs on this thread, or others wait for this name and
///                           for another type.
template <class T = std::string>
named_wait_op<T> wait(std::string_view name) {
  return named_wait_op<T>(name);
}

/// Gives `value` to all who wait for `name` now, first come, first served: diesel's fire. Text is
/// fired as std::string. A name that nobody waits for leaves nothing behind. Does not suspend.
///
/// @return How many there were.
/// @throws std::logic_error  No application runs on this thread, or they wait for another type.
template <class T>
std::size_t fire(std::string_view name, const T& value) {
  using fired = detail::fired_t<const T&>;
  detail::named_topic* const found = detail::find_named_topic(name, typeid(fired));
  if (found == nullptr) return 0;
  topic<fired>& values = static_cast<detail::named_topic_of<fired>&>(*found).values;
  if constexpr (std::is_same_v<fired, T>) {
    return values.fire(value);
  } else {
    return values.fire(fired(value));
  }
}

}  // namespace cetane
