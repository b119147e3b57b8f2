#pragma once

/// Everything for TLS. It belongs to the library cetane-tls, so that only who uses it links
/// OpenSSL.
#include <cetane/tls/tls_context.hpp>
#include <cetane/tls/tls_errc.hpp>
#include <cetane/tls/tls_facts.hpp>
