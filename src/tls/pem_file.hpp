#pragma once

#include <tls/openssl.hpp>

#include <string>
#include <vector>

namespace cetane::detail {

/// The certificates and keys in PEM files. What cannot be read or used throws tls_error, which
/// names the file and says what is wrong with it.

/// All certificates of a file, one at least.
std::vector<x509_ptr> read_certificates(const std::string& file);

/// The private key of a file. One with a passphrase is refused: nobody could be asked for it.
pkey_ptr read_private_key(const std::string& file);

}  // namespace cetane::detail
