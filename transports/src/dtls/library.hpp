// The algorithms of OpenSSL that DTLS handshakes look through.
#pragma once

#include <openssl/types.h>

namespace agw::dtls {

/// A library context that offers what our policy (context.cpp) takes from OpenSSL's default provider, and nothing else. For each public key in a peer's
/// certificate OpenSSL 3.0 looks through all decoders and key types of a library context, and copies the list of all algorithms of any kind that it has
/// seen: with the default one that took a quarter of a handshake. Lives as long as the process. Throws system_error when OpenSSL lacks its default provider.
OSSL_LIB_CTX* library();

}  // namespace agw::dtls
