#include "dtls/library.hpp"

#include <algorithm>
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

// Of the peers' keys and signatures, and of the exchange (context.cpp). Each is the first of an algorithm's names.
constexpr std::string_view key_types[] = {"EC", "RSA", "RSA-PSS", "ED25519", "X25519"};

bool of_key_types(const OSSL_ALGORITHM& a) {
  const std::string_view names(a.algorithm_names);
  return std::find(std::begin(key_types), std::end(key_types), names.substr(0, names.find(':'))) != std::end(key_types);
}

// A certificate's key is a SubjectPublicKeyInfo, and DER when it comes in a handshake.
bool reads_peer_key(const OSSL_ALGORITHM& a) {
  const std::string_view properties(a.property_definition);
  return of_key_types(a) && properties.find("input=der") != std::string_view::npos &&
         properties.find("structure=SubjectPublicKeyInfo") != std::string_view::npos;
}

/// Stands before the default provider: the same implementations, with its context, but fewer of them.
class selection {
 public:
  selection() {
    ERR_clear_error();
    whole_ = OSSL_PROVIDER_load(require(OSSL_LIB_CTX_new()), "default");
    require(whole_);
    key_types_ = taken(OSSL_OP_KEYMGMT, of_key_types);
    decoders_ = taken(OSSL_OP_DECODER, reads_peer_key);
  }

  const OSSL_ALGORITHM* offered(int operation, int* no_cache) const {
    *no_cache = 0;
    switch (operation) {
      case OSSL_OP_KEYMGMT: return key_types_.data();
      case OSSL_OP_DECODER: return decoders_.data();
      case OSSL_OP_ENCODER:
      case OSSL_OP_STORE: return nullptr;
      default: return OSSL_PROVIDER_query_operation(whole_, operation, no_cache);
    }
  }
  OSSL_PROVIDER* whole() const noexcept { return whole_; }

  template <class T>
  static T* require(T* made) {
    if (made) return made;
    throw boost::system::system_error(make_error_code(transport_error::handshake_failed), "OpenSSL's provider: " + take_openssl_error());
  }

 private:
  template <class Predicate>
  std::vector<OSSL_ALGORITHM> taken(int operation, Predicate wanted) const {
    std::vector<OSSL_ALGORITHM> out;
    int no_cache = 0;
    const auto* a = OSSL_PROVIDER_query_operation(whole_, operation, &no_cache);
    for (; a && a->algorithm_names; ++a) {
      if (wanted(*a)) out.push_back(*a);
    }
    out.push_back(OSSL_ALGORITHM{});
    return out;
  }

  OSSL_PROVIDER* whole_;
  std::vector<OSSL_ALGORITHM> key_types_;
  std::vector<OSSL_ALGORITHM> decoders_;
};

// Never destroyed: sessions and keys that refer to it may be as old as the process.
const selection& selected() {
  static const auto* const it = new selection;
  return *it;
}

extern "C" {
static const OSSL_ALGORITHM* query(void*, int operation, int* no_cache) { return selected().offered(operation, no_cache); }

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
