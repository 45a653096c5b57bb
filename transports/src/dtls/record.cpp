#include "dtls/record.hpp"

namespace agw::dtls {

namespace {

constexpr std::size_t handshake_header_bytes = 12;
constexpr unsigned client_hello = 1;

unsigned octet(bytes_view b, std::size_t at) noexcept { return std::to_integer<unsigned>(b[at]); }
std::size_t uint16(bytes_view b, std::size_t at) noexcept { return octet(b, at) << 8 | octet(b, at + 1); }
std::size_t uint24(bytes_view b, std::size_t at) noexcept { return octet(b, at) << 16 | uint16(b, at + 1); }

constexpr std::uint32_t set_of(std::initializer_list<unsigned> types) {
  std::uint32_t bits = 0;
  for (const auto t : types) bits |= std::uint32_t{1} << t;
  return bits;
}

// RFC 5246, 7.4, and RFC 6347, 4.3.2, without hello_request: ClientHello, Certificate, ClientKeyExchange, CertificateVerify,
// Finished …
constexpr auto sent_by_client = set_of({1, 11, 15, 16, 20});
// … ServerHello, HelloVerifyRequest, NewSessionTicket, Certificate, ServerKeyExchange, CertificateRequest, ServerHelloDone,
// Finished, CertificateStatus.
constexpr auto sent_by_server = set_of({2, 3, 4, 11, 12, 13, 14, 20, 22});

bool plausible_handshake(bytes_view body, role ours, progress so_far) noexcept {
  const auto allowed = so_far == progress::nothing && ours == role::passive ? set_of({client_hello})
                       : ours == role::passive                              ? sent_by_client
                                                                            : sent_by_server;
  do {
    if (body.size() < handshake_header_bytes) return false;
    const auto type = octet(body, 0);
    const auto message_bytes = uint24(body, 1);
    const auto offset = uint24(body, 6);
    const auto fragment_bytes = uint24(body, 9);
    if (type > 31 || (allowed >> type & 1) == 0) return false;
    if (message_bytes > max_handshake_message_bytes || offset + fragment_bytes > message_bytes) return false;
    if (fragment_bytes > body.size() - handshake_header_bytes) return false;
    body = body.subspan(handshake_header_bytes + fragment_bytes);
  } while (!body.empty());
  return true;
}

}  // namespace

bool take_record(bytes_view& datagram, record& out) noexcept {
  if (datagram.size() < record_header_bytes) return false;
  const auto type = octet(datagram, 0);
  const auto version = uint16(datagram, 1);
  const auto body_bytes = uint16(datagram, 11);
  if (type < 20 || type > 23) return false;
  if (version != 0xfeff && version != 0xfefd) return false;
  if (body_bytes == 0 || body_bytes > max_record_body_bytes || body_bytes > datagram.size() - record_header_bytes) return false;
  out.type = static_cast<content_type>(type);
  out.epoch = static_cast<std::uint16_t>(uint16(datagram, 3));
  out.bytes = datagram.first(record_header_bytes + body_bytes);
  out.body = out.bytes.subspan(record_header_bytes);
  datagram = datagram.subspan(out.bytes.size());
  return true;
}

bool plausible(const record& r, role ours, progress so_far, std::size_t least_protected_bytes) noexcept {
  if (r.epoch != 0 && r.body.size() < least_protected_bytes) return false;
  if (so_far == progress::done) return r.epoch == 1;
  // OpenSSL keeps what comes before its keys are there, and gives the handshake up when that turns out not to be authentic. So only
  // what reordering can bring: with full handshakes the client's Finished is the last that the server waits for.
  if (r.epoch != 0) {
    const bool early = ours == role::passive && r.type == content_type::application_data;
    return r.epoch == 1 && so_far == progress::begun && !early;
  }
  switch (r.type) {
    case content_type::change_cipher_spec: return r.body.size() == 1 && octet(r.body, 0) == 1;
    case content_type::alert: return r.body.size() == 2 && (octet(r.body, 0) == 1 || octet(r.body, 0) == 2);
    case content_type::handshake: return plausible_handshake(r.body, ours, so_far);
    case content_type::application_data: return false;
  }
  return false;
}

}  // namespace agw::dtls
