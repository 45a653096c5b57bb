#include <catch2/catch.hpp>

#include <openssl/evp.h>
#include <openssl/x509.h>

#include "agw/transports/certificate.hpp"
#include "agw/transports/error.hpp"
#include "agw/transports/fingerprint.hpp"

using namespace agw;
using namespace agw::dtls;

namespace {

std::string colons(std::size_t bytes) {
  std::string out = "0a";
  for (std::size_t i = 1; i < bytes; ++i) out += ":F" + std::to_string(i % 10);
  return out;
}

transport_error error_of(std::string_view value) {
  const auto r = fingerprint::parse(value);
  REQUIRE(r.has_error());
  REQUIRE(r.error().category() == transport_category());
  return static_cast<transport_error>(r.error().value());
}

}  // namespace

TEST_CASE("the four hash functions are taken, in either case") {
  struct sample {
    std::string name;
    std::size_t bytes;
    hash_function hash;
  };
  const sample samples[] = {{"sha-224", 28, hash_function::sha_224},
                            {"SHA-256", 32, hash_function::sha_256},
                            {"Sha-384", 48, hash_function::sha_384},
                            {"sha-512", 64, hash_function::sha_512}};
  for (const auto& s : samples) {
    const auto r = fingerprint::parse(s.name + " " + colons(s.bytes));
    REQUIRE(r.has_value());
    REQUIRE(r->hash() == s.hash);
    REQUIRE(r->bytes().size() == s.bytes);
    REQUIRE(r->bytes()[0] == 0x0a);
    REQUIRE(r->bytes()[1] == 0xf1);
    REQUIRE(fingerprint::parse(r->str()).value() == *r);
  }
}

TEST_CASE("weak and unknown hash functions are refused by a code of their own") {
  REQUIRE(error_of("sha-1 " + colons(20)) == transport_error::hash_refused);
  REQUIRE(error_of("md5 " + colons(16)) == transport_error::hash_refused);
  REQUIRE(error_of("sha-257 " + colons(32)) == transport_error::hash_refused);
}

TEST_CASE("a fingerprint is refused at every truncation and with every byte spoilt") {
  const auto good = "sha-256 " + colons(32);
  REQUIRE(fingerprint::parse(good).has_value());
  for (std::size_t i = 0; i < good.size(); ++i) {
    REQUIRE(fingerprint::parse(good.substr(0, i)).has_error());
    auto bad = good;
    bad[i] = '~';
    REQUIRE(fingerprint::parse(bad).has_error());
  }
  REQUIRE(error_of("") == transport_error::bad_fingerprint);
  REQUIRE(error_of("sha-256") == transport_error::bad_fingerprint);
  REQUIRE(error_of(" " + colons(32)) == transport_error::bad_fingerprint);
  REQUIRE(error_of("sha-256  " + colons(32)) == transport_error::bad_fingerprint);
  REQUIRE(error_of("sha-256 " + colons(32) + " ") == transport_error::bad_fingerprint);
  REQUIRE(error_of("sha-256 " + colons(33)) == transport_error::bad_fingerprint);
  REQUIRE(error_of("sha-512 " + colons(32)) == transport_error::bad_fingerprint);
}

TEST_CASE("a certificate matches its own fingerprints and nobody else's") {
  const auto ours = certificate::self_signed();
  const auto theirs = certificate::self_signed();
  for (const auto hash : {hash_function::sha_224, hash_function::sha_256, hash_function::sha_384, hash_function::sha_512}) {
    const auto f = fingerprint::of(*ours.x509(), hash);
    REQUIRE(f.matches(*ours.x509()));
    REQUIRE_FALSE(f.matches(*theirs.x509()));
    auto text = f.str();
    text.back() = text.back() == '0' ? '1' : '0';
    REQUIRE_FALSE(fingerprint::parse(text).value().matches(*ours.x509()));
  }
}

TEST_CASE("of several fingerprints those of the strongest hash are alternatives, and weaker ones do not count") {
  const auto ours = certificate::self_signed();
  const auto theirs = certificate::self_signed();
  const auto& x = *ours.x509();
  const auto ours_256 = fingerprint::of(x, hash_function::sha_256);
  const auto ours_512 = fingerprint::of(x, hash_function::sha_512);
  const auto theirs_256 = fingerprint::of(*theirs.x509(), hash_function::sha_256);
  const auto theirs_512 = fingerprint::of(*theirs.x509(), hash_function::sha_512);
  REQUIRE_FALSE(matches_any({}, x));
  REQUIRE(matches_any(std::vector{theirs_256, ours_256}, x));
  REQUIRE(matches_any(std::vector{theirs_256, ours_512}, x));
  REQUIRE_FALSE(matches_any(std::vector{ours_256, theirs_512}, x));
  REQUIRE_FALSE(matches_any(std::vector{theirs_256}, x));
}
