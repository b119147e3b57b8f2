#include "test_certificates.hpp"

#include <tls/openssl.hpp>

#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <catch2/catch_test_macros.hpp>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <map>
#include <memory>

#include <unistd.h>

namespace cetane::test::certificates {
namespace {

using detail::pkey_ptr;
using detail::x509_ptr;
using extension_ptr = std::unique_ptr<X509_EXTENSION, detail::freed_by<X509_EXTENSION_free>>;

struct issued {
  x509_ptr certificate;
  pkey_ptr key;
  files at;
};

class folder {
 public:
  folder() {
    std::string pattern = std::filesystem::temp_directory_path() / "cetane-tls-XXXXXX";
    REQUIRE(::mkdtemp(pattern.data()) != nullptr);
    path_ = pattern;
  }
  folder(const folder&) = delete;
  folder& operator=(const folder&) = delete;
  ~folder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  std::string next(const std::string& ending) {
    return path_ / (std::to_string(++count_) + ending);
  }

 private:
  std::filesystem::path path_;
  int count_ = 0;
};

folder& here() {
  static folder one;
  return one;
}

void add(X509* to, X509* issuer, int kind, const std::string& value) {
  X509V3_CTX context;
  X509V3_set_ctx_nodb(&context);
  X509V3_set_ctx(&context, issuer, to, nullptr, nullptr, 0);
  const extension_ptr made(X509V3_EXT_conf_nid(nullptr, &context, kind, value.c_str()));
  REQUIRE(made);
  REQUIRE(X509_add_ext(to, made.get(), -1) == 1);
}

void add_raw_name(X509* to, const std::string& name) {
  const std::unique_ptr<GENERAL_NAMES, detail::freed_by<GENERAL_NAMES_free>> names(
      GENERAL_NAMES_new());
  GENERAL_NAME* const one = GENERAL_NAME_new();
  ASN1_IA5STRING* const text = ASN1_IA5STRING_new();
  REQUIRE(ASN1_STRING_set(text, name.data(), static_cast<int>(name.size())) == 1);
  GENERAL_NAME_set0_value(one, GEN_DNS, text);
  REQUIRE(sk_GENERAL_NAME_push(names.get(), one) == 1);
  REQUIRE(X509_add1_ext_i2d(to, NID_subject_alt_name, names.get(), 0, 0) == 1);
}

void write(issued& one) {
  one.at = {here().next(".pem"), here().next(".key")};
  std::FILE* const certificate = std::fopen(one.at.certificate.c_str(), "w");
  REQUIRE(PEM_write_X509(certificate, one.certificate.get()) == 1);
  std::fclose(certificate);
  std::FILE* const key = std::fopen(one.at.key.c_str(), "w");
  REQUIRE(PEM_write_PrivateKey(key, one.key.get(), nullptr, nullptr, 0, nullptr, nullptr) == 1);
  std::fclose(key);
}

issued issue(const wanted& as, bool is_authority, const issued* by) {
  static long serial = 0;
  char curve[] = "P-256";  // OpenSSL's macro takes no constant without a warning
  issued one{x509_ptr(X509_new()), pkey_ptr(EVP_EC_gen(curve)), {}};
  X509* const certificate = one.certificate.get();
  REQUIRE(X509_set_version(certificate, X509_VERSION_3) == 1);
  ASN1_INTEGER_set(X509_get_serialNumber(certificate), ++serial);
  X509_gmtime_adj(X509_getm_notBefore(certificate), std::chrono::seconds(as.begins).count());
  X509_gmtime_adj(X509_getm_notAfter(certificate), std::chrono::seconds(as.ends).count());
  X509_set_pubkey(certificate, one.key.get());
  X509_NAME_add_entry_by_txt(X509_get_subject_name(certificate), "CN", MBSTRING_UTF8,
                             reinterpret_cast<const unsigned char*>(as.name.data()),
                             static_cast<int>(as.name.size()), -1, 0);
  X509* const issuer = by == nullptr ? certificate : by->certificate.get();
  X509_set_issuer_name(certificate, X509_get_subject_name(issuer));
  add(certificate, issuer, NID_subject_key_identifier, "hash");
  add(certificate, issuer, NID_basic_constraints,
      is_authority ? "critical,CA:TRUE" : "critical,CA:FALSE");
  if (as.raw_name) {
    add_raw_name(certificate, as.names);
  } else if (!is_authority && !as.names.empty()) {
    add(certificate, issuer, NID_subject_alt_name, as.names);
  }
  EVP_PKEY* const signer = by == nullptr ? one.key.get() : by->key.get();
  REQUIRE(X509_sign(certificate, signer, EVP_sha256()) > 0);
  write(one);
  return one;
}

const issued& kept_authority(const std::string& name) {
  static std::map<std::string, issued> all;
  auto known = all.find(name);
  if (known == all.end()) {
    wanted as;
    as.name = name;
    known = all.emplace(name, issue(as, true, nullptr)).first;
  }
  return known->second;
}

}  // namespace

const files& authority(const std::string& name) { return kept_authority(name).at; }

files make(const wanted& as) {
  const issued* const by = as.authority.empty() ? nullptr : &kept_authority(as.authority);
  return issue(as, false, by).at;
}

const files& localhost() {
  static const files usual = make({});
  return usual;
}

}  // namespace cetane::test::certificates
