// A DTLS machine under whatever datagrams: the first byte chooses the role, then each datagram has its length in two bytes before
// it; a length of zero lets time pass.
#include <cstdint>

#include "agw/transports/dtls_machine.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace agw;
  using namespace agw::dtls;
  static const auto ours = std::make_shared<context>(certificate::self_signed());
  if (size < 1) return 0;
  const auto role = data[0] % 2 == 0 ? dtls::role::passive : dtls::role::active;
  machine m(handshake_config(ours, role, {ours->own().fingerprint()}));
  auto now = clock::time_point(std::chrono::hours(1));
  datagram_batch out, payload;
  m.start(now, out);
  auto rest = std::as_bytes(std::span(data + 1, size - 1));
  while (rest.size() >= 2) {
    const auto length = std::to_integer<std::size_t>(rest[0]) << 8 | std::to_integer<std::size_t>(rest[1]);
    rest = rest.subspan(2);
    const auto datagram = rest.first(std::min(length, rest.size()));
    rest = rest.subspan(datagram.size());
    if (datagram.empty()) {
      now = std::max(now, m.next_deadline() == no_deadline ? now : m.next_deadline());
      m.timeout(now, out);
    } else {
      m.receive(datagram, now, out, payload);
    }
    if (!payload.empty() || m.state() == machine::status::established) __builtin_trap();  // the fuzzer has no key
  }
  return 0;
}
