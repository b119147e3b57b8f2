#pragma once

#include <tls/openssl.hpp>

#include <string>
#include <vector>

namespace cetane::detail {

/// The subject of a certificate: "CN=anna,O=Example".
std::string subject_of(X509* certificate);

/// The names of hosts, addresses and mailboxes for which a certificate is.
std::vector<std::string> names_of(X509* certificate);

}  // namespace cetane::detail
