#pragma once

#include <cetane/base/config.hpp>

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace cetane {

namespace detail {
class backend;
}

/// Which system a loop talks to. `automatic` takes io_uring where it works, else epoll.
enum class backend_choice { automatic, epoll, io_uring };

/// What a program takes that says nothing.
inline constexpr backend_choice default_backend = backend_choice::epoll;

/// Reads "auto", "epoll" or "io_uring".
CETANE_API std::optional<backend_choice> parse_backend(std::string_view name);

/// Gives the name that parse_backend() reads.
CETANE_API std::string_view to_string(backend_choice choice) noexcept;

/// Makes a backend. Throws cetane::error when the one asked for by name does not work here, with
/// the reason; under `automatic` the reason goes to `fell_back`.
CETANE_API std::unique_ptr<detail::backend> make_backend(backend_choice choice = default_backend,
                                                         std::string* fell_back = nullptr);

/// A backend that is compiled in.
struct backend_facts {
  std::string name;
  std::string trouble;  ///< why it does not work here; empty if it does
};

/// Tries each backend that is compiled in.
CETANE_API std::vector<backend_facts> look_at_backends();

}  // namespace cetane
