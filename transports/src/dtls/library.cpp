#include "dtls/library.hpp"

#include <algorithm>
#include <span>
#include <string_view>
#include <vector>

#include <openssl/core_dispatch.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/provider.h>

#include <boost/system/system_error.hpp>

#include "agw/transports/error.hpp"
#include "dtls/openssl_ptr.hpp"

namespace agw::dtls {

namespace {

using names = std::span<const std::string_view>;

// What the policy (context.cpp) needs, each by the first of its names. SHA-1 is how OpenSSL tells certificates apart, SHA-224 for fingerprints only.
constexpr std::string_view signing_keys[] = {"EC", "RSA", "RSA-PSS", "ED25519"};
constexpr std::string_view exchanged_keys[] = {"EC", "X25519"};
constexpr std::string_view ciphers[] = {"AES-128-GCM", "AES-256-GCM", "ChaCha20-Poly1305"};
constexpr std::string_view digests[] = {"SHA1", "SHA2-224", "SHA2-256", "SHA2-384", "SHA2-512"};
constexpr std::string_view derivations[] = {"TLS1-PRF"};
constexpr std::string_view macs[] = {"HMAC"};

bool is_one_of(names wanted, const OSSL_ALGORITHM& a) {
  const std::string_view all(a.algorithm_names);
  return std::ranges::find(wanted, all.substr(0, all.find(':'))) != wanted.end();
}

// A certificate's key is a SubjectPublicKeyInfo, and DER when it comes in a handshake.
bool reads_peer_key(const OSSL_ALGORITHM& a) {
  const std::string_view properties(a.property_definition);
  return is_one_of(signing_keys, a) && properties.find("input=der") != std::string_view::npos &&
         properties.find("structure=SubjectPublicKeyInfo") != std::string_view::npos;
}

bool is_needed(int operation, const OSSL_ALGORITHM& a) {
  switch (operation) {
    case OSSL_OP_KEYMGMT: return is_one_of(signing_keys, a) || is_one_of(exchanged_keys, a);
    case OSSL_OP_DECODER: return reads_peer_key(a);
    case OSSL_OP_CIPHER: return is_one_of(ciphers, a);
    case OSSL_OP_DIGEST: return is_one_of(digests, a);
    case OSSL_OP_KDF: return is_one_of(derivations, a);
    case OSSL_OP_MAC: return is_one_of(macs, a);
    case OSSL_OP_RAND:
    case OSSL_OP_KEYEXCH:
    case OSSL_OP_SIGNATURE: return true;
    default: return false;
  }
}

/// Stands before the default provider: the same implementations, with its context, but fewer of them.
class selection {
 public:
  selection() {
    ERR_clear_error();
    whole_ = OSSL_PROVIDER_load(require(OSSL_LIB_CTX_new()), "default");
    require(whole_);
    for (int operation = 0; operation <= OSSL_OP__HIGHEST; ++operation) offered_[operation] = taken(operation);
  }

  const OSSL_ALGORITHM* offered(int operation) const noexcept {
    return operation >= 0 && operation <= OSSL_OP__HIGHEST ? offered_[operation].data() : nullptr;
  }
  OSSL_PROVIDER* whole() const noexcept { return whole_; }

  template <class T>
  static T* require(T* made) {
    if (made) return made;
    throw boost::system::system_error(make_error_code(transport_error::handshake_failed), "OpenSSL's provider: " + take_openssl_error());
  }

 private:
  std::vector<OSSL_ALGORITHM> taken(int operation) const {
    std::vector<OSSL_ALGORITHM> out;
    int no_cache = 0;
    const auto* a = OSSL_PROVIDER_query_operation(whole_, operation, &no_cache);
    for (; a && a->algorithm_names; ++a) {
      if (is_needed(operation, *a)) out.push_back(*a);
    }
    out.push_back(OSSL_ALGORITHM{});
    return out;
  }

  OSSL_PROVIDER* whole_;
  std::vector<OSSL_ALGORITHM> offered_[OSSL_OP__HIGHEST + 1];
};

// Never destroyed: sessions and keys that refer to it may be as old as the process.
const selection& selected() {
  static const auto* const it = new selection;
  return *it;
}

extern "C" {
static const OSSL_ALGORITHM* query(void*, int operation, int* no_cache) {
  *no_cache = 0;
  return selected().offered(operation);
}

static int capabilities(void*, const char* capability, OSSL_CALLBACK* each, void* argument) {
  return OSSL_PROVIDER_get_capabilities(selected().whole(), capability, each, argument);
}

static int start(const OSSL_CORE_HANDLE*, const OSSL_DISPATCH*, const OSSL_DISPATCH** functions, void** context) {
  static const OSSL_DISPATCH ours[] = {
      {OSSL_FUNC_PROVIDER_QUERY_OPERATION, reinterpret_cast<void (*)()>(query)},
      {OSSL_FUNC_PROVIDER_GET_CAPABILITIES, reinterpret_cast<void (*)()>(capabilities)},
      {0, nullptr},
  };
  *functions = ours;
  *context = OSSL_PROVIDER_get0_provider_ctx(selected().whole());  // what the implementations expect as theirs
  return 1;
}
}

OSSL_LIB_CTX* make() {
  selected();  // it throws, which must not pass through OpenSSL
  auto* made = selection::require(OSSL_LIB_CTX_new());
  if (OSSL_PROVIDER_add_builtin(made, "agw", start) != 1) selection::require(static_cast<OSSL_LIB_CTX*>(nullptr));
  selection::require(OSSL_PROVIDER_load(made, "agw"));
  return made;
}

}  // namespace

OSSL_LIB_CTX* library() {
  static OSSL_LIB_CTX* const made = make();
  return made;
}

}  // namespace agw::dtls
