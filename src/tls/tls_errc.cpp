#include <cetane/tls/tls_errc.hpp>

#include <fmt/format.h>

#include <string>

namespace cetane {
namespace {

class own_category final : public std::error_category {
 public:
  const char* name() const noexcept override { return "tls"; }

  std::string message(int code) const override {
    switch (static_cast<tls_errc>(code)) {
      case tls_errc::handshake_failed:
        return "the TLS handshake failed";
      case tls_errc::certificate_refused:
        return "the certificate is refused";
      case tls_errc::bad_settings:
        return "the TLS settings cannot be used";
    }
    return fmt::format("unknown code {}", code);
  }
};

}  // namespace

// Never destroyed: an exception may be looked at while the program's static objects go.
const std::error_category& tls_category() noexcept {
  static const auto& category = *new own_category;
  return category;
}

}  // namespace cetane
