#pragma once

#include <cetane/base/config.hpp>
#include <cetane/net/connection.hpp>

#include <optional>
#include <string>
#include <vector>

namespace cetane {

/// What the two sides of a TLS connection have agreed on.
struct CETANE_API tls_facts {
  std::string version;      ///< "TLSv1.3"
  std::string cipher;       ///< "TLS_AES_256_GCM_SHA384"
  std::string protocol;     ///< by ALPN, or empty
  std::string server_name;  ///< whom the client has asked for (SNI), or empty
  std::string peer;  ///< the subject of the peer's certificate: "CN=anna,O=Example", or empty
  std::vector<std::string> peer_names;  ///< the names of hosts, addresses and mailboxes in it
  bool resumed = false;                 ///< without a full handshake, by what an earlier one left
};

/// Looks up what was agreed on for a connection; empty where it is not secure.
[[nodiscard]] CETANE_API std::optional<tls_facts> tls_facts_of(const connection& peer);

}  // namespace cetane
