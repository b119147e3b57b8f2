#pragma once

#include <cetane/base/config.hpp>

#include <cstdint>
#include <system_error>
#include <type_traits>

namespace cetane {

/// What a tls_error is about, as its code() says; its what() says more.
enum class tls_errc : std::uint8_t {
  handshake_failed = 1,  ///< the two sides came to no agreement, or what came was no TLS
  certificate_refused,   ///< the peer's certificate is not to be trusted, or not of the right name
  bad_settings,          ///< a certificate, a key or a list of ours cannot be used
};

CETANE_API const std::error_category& tls_category() noexcept;

[[nodiscard]] inline std::error_code make_error_code(tls_errc code) noexcept {
  return {static_cast<int>(code), tls_category()};
}

}  // namespace cetane

template <>
struct std::is_error_code_enum<cetane::tls_errc> : std::true_type {};
