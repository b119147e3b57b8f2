#pragma once

#include <cetane/base/config.hpp>
#include <cetane/conc/selectable.hpp>

#include <cstdint>
#include <memory>
#include <string>

namespace cetane {

namespace detail {
class descriptor_watch;

enum class readiness : std::uint8_t { to_read, to_write };
}  // namespace detail

class readiness_op;

/// The wait of a task for a descriptor that is not the library's.
class CETANE_API readiness_wait final : public selectable {
 public:
  explicit readiness_wait(const readiness_op& op) noexcept;
  ~readiness_wait();

  bool poll() const noexcept { return ready_; }
  void arm();
  void disarm() noexcept;
  void commit() noexcept { disarm(); }
  std::string describe_wait() const;

 private:
  friend detail::descriptor_watch;

  void become_ready() noexcept;

  const int descriptor_;
  const detail::readiness wanted_;
  bool ready_ = false;
  std::unique_ptr<detail::descriptor_watch> watch_;
};

/// Waits for a descriptor that is not the library's; made by readable() and writable().
class [[nodiscard("readable() and writable() do nothing until they are awaited")]] readiness_op {
 public:
  using select_type = readiness_wait;

  readiness_op(int descriptor, detail::readiness wanted) noexcept
      : descriptor_(descriptor), wanted_(wanted) {}

  sole_wait<readiness_wait> operator co_await() const noexcept {
    return sole_wait<readiness_wait>(*this);
  }

 private:
  friend readiness_wait;

  int descriptor_;
  detail::readiness wanted_;
};

/// Waits until a descriptor of the caller's can be read without waiting: there is input, or its
/// end, or an error to be told.
///
/// For descriptors that other libraries work with, and for pipes and terminals. Always suspends.
/// Nothing is remembered between two waits, any number of tasks may wait for one descriptor, and
/// its flags are left alone. Regular files are always ready.
/// @throws error             The descriptor is not open, or nothing can be watched any more.
/// @throws std::logic_error  The network is simulated: it has no descriptors of the system's.
/// @par Cancellation  The descriptor is forgotten.
/// @par Lifetime      The descriptor stays open until the await has ended.
inline readiness_op readable(int descriptor) noexcept {
  return readiness_op(descriptor, detail::readiness::to_read);
}

/// Waits until a descriptor of the caller's takes output without waiting, or has an error to tell.
/// Otherwise as readable().
inline readiness_op writable(int descriptor) noexcept {
  return readiness_op(descriptor, detail::readiness::to_write);
}

}  // namespace cetane
