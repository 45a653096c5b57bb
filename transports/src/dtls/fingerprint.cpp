#include "agw/transports/fingerprint.hpp"

#include <algorithm>
#include <cctype>
#include <memory>

#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/x509.h>

#include <boost/system/system_error.hpp>

#include "agw/transports/error.hpp"

namespace agw::dtls {

namespace {

struct hash_info {
  std::string_view name;
  hash_function function;
  std::size_t size;
  const EVP_MD* (*digest)();
};

// In the order of hash_function, which is also that of strength.
constexpr hash_info hashes[] = {
    {"sha-224", hash_function::sha_224, 28, EVP_sha224},
    {"sha-256", hash_function::sha_256, 32, EVP_sha256},
    {"sha-384", hash_function::sha_384, 48, EVP_sha384},
    {"sha-512", hash_function::sha_512, 64, EVP_sha512},
};

const hash_info& info(hash_function hash) noexcept { return hashes[static_cast<std::size_t>(hash)]; }

bool equal_ignoring_case(std::string_view a, std::string_view b) noexcept {
  auto same = [](unsigned char x, unsigned char y) { return std::tolower(x) == std::tolower(y); };
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), same);
}

int hex_digit(char c) noexcept {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  return -1;
}

}  // namespace

boost::system::result<fingerprint> fingerprint::parse(std::string_view value) {
  const auto space = value.find(' ');
  if (space == 0 || space == std::string_view::npos) return make_error_code(transport_error::bad_fingerprint);
  const auto name = value.substr(0, space);
  const auto known = std::find_if(std::begin(hashes), std::end(hashes),
                                  [&](const hash_info& h) { return equal_ignoring_case(h.name, name); });
  if (known == std::end(hashes)) return make_error_code(transport_error::hash_refused);

  const auto digits = value.substr(space + 1);
  if (digits.size() != known->size * 3 - 1) return make_error_code(transport_error::bad_fingerprint);
  fingerprint out;
  out.hash_ = known->function;
  out.size_ = known->size;
  for (std::size_t i = 0; i < out.size_; ++i) {
    const int high = hex_digit(digits[3 * i]);
    const int low = hex_digit(digits[3 * i + 1]);
    const bool separated = i + 1 == out.size_ || digits[3 * i + 2] == ':';
    if (high < 0 || low < 0 || !separated) return make_error_code(transport_error::bad_fingerprint);
    out.bytes_[i] = static_cast<std::uint8_t>(high * 16 + low);
  }
  return out;
}

fingerprint fingerprint::of(const X509& certificate, hash_function hash) {
  fingerprint out;
  out.hash_ = hash;
  unsigned int size = 0;
  if (X509_digest(&certificate, info(hash).digest(), out.bytes_.data(), &size) != 1) {
    ERR_clear_error();
    throw boost::system::system_error(make_error_code(transport_error::handshake_failed), "certificate digest");
  }
  out.size_ = size;
  return out;
}

std::string fingerprint::str() const {
  static constexpr char hex[] = "0123456789ABCDEF";
  std::string out(info(hash_).name);
  for (std::size_t i = 0; i < size_; ++i) {
    out += i == 0 ? ' ' : ':';
    out += hex[bytes_[i] >> 4];
    out += hex[bytes_[i] & 15];
  }
  return out;
}

bool fingerprint::matches(const X509& certificate) const noexcept {
  std::array<std::uint8_t, EVP_MAX_MD_SIZE> seen{};
  unsigned int size = 0;
  if (X509_digest(&certificate, info(hash_).digest(), seen.data(), &size) != 1) {
    ERR_clear_error();
    return false;
  }
  return size == size_ && CRYPTO_memcmp(seen.data(), bytes_.data(), size) == 0;
}

bool matches_any(std::span<const fingerprint> accepted, const X509& certificate) noexcept {
  if (accepted.empty()) return false;
  const auto strongest = std::max_element(accepted.begin(), accepted.end(), [](const fingerprint& a, const fingerprint& b) {
                           return a.hash() < b.hash();
                         })->hash();
  bool found = false;
  for (const auto& f : accepted) {
    if (f.hash() == strongest && f.matches(certificate)) found = true;
  }
  return found;
}

}  // namespace agw::dtls
