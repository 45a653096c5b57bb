// a=fingerprint: the hash of a certificate, by which signalling authenticates the peer of a DTLS handshake.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include <boost/system/result.hpp>
#include <openssl/types.h>

namespace agw::dtls {

/// The hash functions of RFC 8122, clause 5, that agw takes. SHA-1 and the MD family are refused.
enum class hash_function : std::uint8_t { sha_224, sha_256, sha_384, sha_512 };

/// One value of a=fingerprint. A plain value.
class fingerprint {
 public:
  /// Parses "sha-256 AB:CD:…" (hash name and hex digits in either case, as RFC 8122 has it; what stands before "fingerprint:" is
  /// already gone). Errors: transport_error::hash_refused for another hash function, bad_fingerprint for anything else: too few
  /// or too many bytes for the hash, other characters, a missing colon.
  static boost::system::result<fingerprint> parse(std::string_view value);
  /// The fingerprint of a certificate. Throws system_error when OpenSSL cannot encode it.
  static fingerprint of(const X509& certificate, hash_function hash = hash_function::sha_256);

  hash_function hash() const noexcept { return hash_; }
  std::span<const std::uint8_t> bytes() const noexcept { return {bytes_.data(), size_}; }
  /// "sha-256 AB:CD:…", in capitals.
  std::string str() const;

  /// Whether `certificate` has this fingerprint. The time taken does not depend on where they differ.
  bool matches(const X509& certificate) const noexcept;

  /// Not in constant time: for tests and for values that both come from configuration.
  friend bool operator==(const fingerprint& a, const fingerprint& b) noexcept {
    return a.hash_ == b.hash_ && a.size_ == b.size_ && a.bytes_ == b.bytes_;
  }

 private:
  fingerprint() = default;
  hash_function hash_ = hash_function::sha_256;
  std::size_t size_ = 0;
  std::array<std::uint8_t, 64> bytes_{};
};

/// Whether one of `accepted` is the fingerprint of `certificate`. Where several hash functions occur, only the values of the
/// strongest one count, as RFC 8122, clause 5, asks; several values of one function are alternatives (several certificates).
/// False for none.
bool matches_any(std::span<const fingerprint> accepted, const X509& certificate) noexcept;

}  // namespace agw::dtls
