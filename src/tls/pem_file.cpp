#include <tls/pem_file.hpp>

#include <cetane/base/errors.hpp>
#include <cetane/base/text.hpp>
#include <cetane/tls/tls_errc.hpp>

#include <fmt/format.h>
#include <openssl/err.h>
#include <openssl/pem.h>

#include <cerrno>

namespace cetane::detail {
namespace {

[[noreturn]] void throw_unusable(const std::string& file, const std::string& why) {
  ERR_clear_error();
  throw tls_error(error::whole_text(fmt::format("use {} for TLS: {}", escape(file), why)),
                  tls_errc::bad_settings);
}

bio_ptr open(const std::string& file) {
  ERR_clear_error();
  errno = 0;
  bio_ptr opened(BIO_new_file(file.c_str(), "r"));
  if (opened) return opened;
  if (errno == 0) throw_unusable(file, openssl_reason());
  throw_unusable(file, reason_text(system_code(errno)));
}

// OpenSSL's own would ask at the terminal, and the loop would wait for an answer.
int refuse_passphrase(char*, int, int, void* asked) {
  *static_cast<bool*>(asked) = true;
  return -1;
}

bool is_at_end_of_file() {
  const unsigned long code = ERR_peek_last_error();
  return ERR_GET_LIB(code) == ERR_LIB_PEM && ERR_GET_REASON(code) == PEM_R_NO_START_LINE;
}

}  // namespace

std::vector<x509_ptr> read_certificates(const std::string& file) {
  const bio_ptr in = open(file);
  std::vector<x509_ptr> found;
  while (x509_ptr next{PEM_read_bio_X509(in.get(), nullptr, nullptr, nullptr)})
    found.push_back(std::move(next));
  if (!is_at_end_of_file()) throw_unusable(file, openssl_reason());
  if (found.empty()) throw_unusable(file, "there is no PEM certificate in it");
  ERR_clear_error();
  return found;
}

pkey_ptr read_private_key(const std::string& file) {
  const bio_ptr in = open(file);
  bool asked = false;
  pkey_ptr key(PEM_read_bio_PrivateKey(in.get(), nullptr, refuse_passphrase, &asked));
  if (asked) {
    throw_unusable(file,
                   "the key has a passphrase, and there is nobody to ask for it; "
                   "`openssl pkey -in FILE -out PLAIN_FILE` removes it");
  }
  if (!key) throw_unusable(file, "there is no PEM private key in it, or one of an unknown kind");
  return key;
}

}  // namespace cetane::detail
