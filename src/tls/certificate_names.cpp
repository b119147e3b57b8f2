#include <tls/certificate_names.hpp>

#include <openssl/x509v3.h>

#include <array>
#include <new>

#include <arpa/inet.h>

namespace cetane::detail {
namespace {

using names_ptr = std::unique_ptr<GENERAL_NAMES, freed_by<GENERAL_NAMES_free>>;

std::string text_of(const ASN1_STRING* from) {
  return {reinterpret_cast<const char*>(ASN1_STRING_get0_data(from)),
          static_cast<std::size_t>(ASN1_STRING_length(from))};
}

std::string ip_text(const ASN1_STRING* from) {
  std::array<char, INET6_ADDRSTRLEN> text{};
  const int family = ASN1_STRING_length(from) == 4 ? AF_INET : AF_INET6;
  if (family == AF_INET6 && ASN1_STRING_length(from) != 16) return {};
  ::inet_ntop(family, ASN1_STRING_get0_data(from), text.data(), text.size());
  return text.data();
}

}  // namespace

std::string subject_of(X509* certificate) {
  const bio_ptr out(made(BIO_new(BIO_s_mem())));
  X509_NAME_print_ex(out.get(), X509_get_subject_name(certificate), 0, XN_FLAG_RFC2253);
  char* text = nullptr;
  const long length = BIO_get_mem_data(out.get(), &text);
  return length <= 0 ? std::string() : std::string(text, static_cast<std::size_t>(length));
}

std::vector<std::string> names_of(X509* certificate) {
  std::vector<std::string> found;
  const names_ptr names(static_cast<GENERAL_NAMES*>(
      X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr)));
  for (int i = 0; i < sk_GENERAL_NAME_num(names.get()); ++i) {
    const GENERAL_NAME* const name = sk_GENERAL_NAME_value(names.get(), i);
    if (name->type == GEN_DNS) found.push_back(text_of(name->d.dNSName));
    if (name->type == GEN_EMAIL) found.push_back(text_of(name->d.rfc822Name));
    if (name->type == GEN_URI) found.push_back(text_of(name->d.uniformResourceIdentifier));
    if (name->type == GEN_IPADD) found.push_back(ip_text(name->d.iPAddress));
  }
  return found;
}

}  // namespace cetane::detail
