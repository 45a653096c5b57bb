// The algorithms of OpenSSL that DTLS handshakes look through.
#pragma once

#include <openssl/types.h>

namespace agw::dtls {

/// A library context that offers what our policy (context.cpp) takes from OpenSSL's default provider, and nothing else. OpenSSL 3.0 looks through all
/// decoders and key types of a library context for each public key in a peer's certificate; of the default one these are more than a hundred, and the
/// search took a fifth of a handshake. Lives as long as the process. Throws system_error when OpenSSL lacks its default provider.
OSSL_LIB_CTX* library();

}  // namespace agw::dtls
