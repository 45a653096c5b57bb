#include <catch2/catch.hpp>

#include <vector>

// The record layer is not public: the test sees it the way the sources do.
#include "../../../transports/src/dtls/record.hpp"

using namespace agw;
using namespace agw::dtls;

namespace {

using bytes = std::vector<std::byte>;

bytes octets(std::initializer_list<unsigned> values) {
  bytes out;
  for (const auto v : values) out.push_back(static_cast<std::byte>(v));
  return out;
}

bytes make_record(unsigned type, unsigned epoch, const bytes& body, unsigned version = 0xfefd) {
  const auto size = static_cast<unsigned>(body.size());
  auto out = octets({type, version >> 8, version & 255, epoch >> 8, epoch & 255, 0, 0, 0, 0, 0, 7, size >> 8, size & 255});
  out.insert(out.end(), body.begin(), body.end());
  return out;
}

bytes make_message(unsigned type, unsigned length, unsigned offset, unsigned fragment) {
  auto out = octets({type, length >> 16, length >> 8 & 255, length & 255, 0, 0, offset >> 16, offset >> 8 & 255, offset & 255,
                     fragment >> 16, fragment >> 8 & 255, fragment & 255});
  out.resize(out.size() + fragment);
  return out;
}

bool plausible_body(unsigned type, const bytes& body, role ours = role::passive, progress p = progress::begun,
                    unsigned epoch = 0) {
  const auto whole = make_record(type, epoch, body);
  bytes_view rest(whole);
  record r;
  REQUIRE(take_record(rest, r));
  REQUIRE(rest.empty());
  return plausible(r, ours, p);
}

}  // namespace

TEST_CASE("records are taken off a datagram one by one") {
  auto datagram = make_record(22, 0, make_message(1, 5, 0, 5), 0xfeff);
  const auto second = make_record(23, 1, bytes(20));
  datagram.insert(datagram.end(), second.begin(), second.end());
  bytes_view rest(datagram);
  record r;
  REQUIRE(take_record(rest, r));
  REQUIRE(r.type == content_type::handshake);
  REQUIRE(r.epoch == 0);
  REQUIRE(r.body.size() == 17);
  REQUIRE(take_record(rest, r));
  REQUIRE(r.type == content_type::application_data);
  REQUIRE(r.epoch == 1);
  REQUIRE(r.bytes.size() == second.size());
  REQUIRE(rest.empty());
}

TEST_CASE("what cannot be a record is not taken") {
  const auto good = make_record(23, 1, bytes(20));
  record r;
  for (std::size_t size = 0; size < good.size(); ++size) {
    auto rest = bytes_view(good).first(size);
    REQUIRE_FALSE(take_record(rest, r));
    REQUIRE(rest.size() == size);
  }
  for (unsigned type = 0; type < 256; ++type) {
    const auto d = make_record(type, 1, bytes(20));
    bytes_view rest(d);
    REQUIRE(take_record(rest, r) == (type >= 20 && type <= 23));
  }
  for (const unsigned version : {0x0303u, 0xfefcu, 0xfefeu, 0xfffdu, 0u}) {
    const auto d = make_record(23, 1, bytes(20), version);
    bytes_view rest(d);
    REQUIRE_FALSE(take_record(rest, r));
  }
  for (const std::size_t size : {std::size_t{0}, max_record_body_bytes + 1}) {
    const auto d = make_record(23, 1, bytes(size));
    bytes_view rest(d);
    REQUIRE_FALSE(take_record(rest, r));
  }
}

TEST_CASE("plaintext is believed only where OpenSSL would not give up over it") {
  REQUIRE(plausible_body(20, octets({1})));
  REQUIRE_FALSE(plausible_body(20, octets({2})));
  REQUIRE_FALSE(plausible_body(20, octets({1, 1})));
  REQUIRE(plausible_body(21, octets({2, 40})));
  REQUIRE(plausible_body(21, octets({1, 0})));
  REQUIRE_FALSE(plausible_body(21, octets({3, 40})));
  REQUIRE_FALSE(plausible_body(21, octets({2})));
  REQUIRE_FALSE(plausible_body(21, octets({2, 40, 2, 40})));
  REQUIRE_FALSE(plausible_body(23, bytes(30)));
}

TEST_CASE("encrypted records are believed only when reordering can have brought them") {
  const auto encrypted = bytes(40);
  for (const auto ours : {role::active, role::passive}) {
    for (const unsigned type : {20u, 21u, 22u, 23u}) {
      REQUIRE_FALSE(plausible_body(type, encrypted, ours, progress::nothing, 1));
      REQUIRE(plausible_body(type, encrypted, ours, progress::begun, 1) == (ours == role::active || type != 23));
      REQUIRE(plausible_body(type, encrypted, ours, progress::done, 1));
      REQUIRE_FALSE(plausible_body(type, encrypted, ours, progress::begun, 2));
    }
  }
}

TEST_CASE("an encrypted record has what its protection puts around a plaintext at least") {
  const auto protects = [](std::size_t body_bytes, std::size_t least) {
    record r;
    const bytes body(body_bytes);
    r.body = body;
    r.type = content_type::alert;
    r.epoch = 1;
    return plausible(r, role::passive, progress::done, least);
  };
  REQUIRE_FALSE(protects(23, least_gcm_bytes));
  REQUIRE(protects(24, least_gcm_bytes));
  REQUIRE(protects(18, least_chacha_bytes));  // an alert
  REQUIRE_FALSE(protects(15, least_chacha_bytes));
}

TEST_CASE("handshake fragments must lie within their message and their record") {
  REQUIRE(plausible_body(22, make_message(11, 100, 0, 100)));
  REQUIRE(plausible_body(22, make_message(11, 100, 40, 60)));
  REQUIRE_FALSE(plausible_body(22, make_message(11, 100, 41, 60)));
  REQUIRE_FALSE(plausible_body(22, make_message(11, 16385, 0, 60)));
  auto two = make_message(11, 10, 0, 10);
  const auto more = make_message(16, 4, 0, 4);
  two.insert(two.end(), more.begin(), more.end());
  REQUIRE(plausible_body(22, two));
  for (std::size_t cut = 1; cut < more.size(); ++cut) {
    REQUIRE_FALSE(plausible_body(22, bytes(two.begin(), two.end() - static_cast<std::ptrdiff_t>(cut))));
  }
}

TEST_CASE("each side is believed to send only its own messages, and a client first of all ClientHello") {
  for (unsigned type = 0; type < 256; ++type) {
    const auto m = make_message(type, 8, 0, 8);
    const bool client = type == 1 || type == 11 || type == 15 || type == 16 || type == 20;
    const bool server = type == 2 || type == 3 || type == 4 || (type >= 11 && type <= 14) || type == 20 || type == 22;
    REQUIRE(plausible_body(22, m, role::passive, progress::nothing) == (type == 1));
    REQUIRE(plausible_body(22, m, role::passive, progress::begun) == client);
    REQUIRE(plausible_body(22, m, role::active, progress::begun) == server);
  }
}

TEST_CASE("only epoch 1 counts once the handshake is done, and there is no epoch 2") {
  REQUIRE(plausible_body(23, bytes(30), role::passive, progress::done, 1));
  REQUIRE_FALSE(plausible_body(21, octets({2, 40}), role::passive, progress::done, 0));
  REQUIRE_FALSE(plausible_body(23, bytes(30), role::passive, progress::done, 2));
  REQUIRE(plausible_body(22, bytes(30), role::passive, progress::begun, 1));
  REQUIRE_FALSE(plausible_body(22, bytes(30), role::passive, progress::begun, 2));
}
