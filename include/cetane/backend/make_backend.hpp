#pragma once

#include <cetane/base/config.hpp>

#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace cetane {

namespace detail {
class backend;
}

/// Which system a loop talks to. `automatic` takes io_uring where it works, else epoll.
enum class backend_choice { automatic, epoll, io_uring };

/// Reads "auto", "epoll" or "io_uring".
CETANE_API std::optional<backend_choice> parse_backend(std::string_view name);

/// Makes a backend. Throws cetane::error when the one asked for by name does not work here, with the reason; under
/// `automatic` the reason goes to `fell_back`.
CETANE_API std::unique_ptr<detail::backend> make_backend(backend_choice choice = backend_choice::epoll,
                                                         std::string* fell_back = nullptr);

}  // namespace cetane
