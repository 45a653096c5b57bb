#include "udp/source_filter.hpp"

namespace agw::udp {

namespace {

// Offset 0 is the UDP header, which begins with the source port.
constexpr std::uint32_t payload = 8, network_header = static_cast<std::uint32_t>(SKF_NET_OFF);
constexpr std::uint32_t source_of_ip4 = network_header + 12, source_of_ip6 = network_header + 8;
constexpr std::uint32_t magic_cookie = 0x2112A442;
constexpr std::uint16_t load_octet = BPF_LD | BPF_B | BPF_ABS, load_short = BPF_LD | BPF_H | BPF_ABS, load_word = BPF_LD | BPF_W | BPF_ABS;
constexpr std::uint16_t if_equal = BPF_JMP | BPF_JEQ | BPF_K, if_greater = BPF_JMP | BPF_JGT | BPF_K, give = BPF_RET | BPF_K;

sock_filter step(std::uint16_t code, std::uint32_t value, std::uint8_t on_true = 0, std::uint8_t on_false = 0) noexcept {
  sock_filter out{};
  out.code = code;
  out.jt = on_true;
  out.jf = on_false;
  out.k = value;
  return out;
}

std::uint32_t word(const unsigned char* at) noexcept {
  return std::uint32_t{at[0]} << 24 | std::uint32_t{at[1]} << 16 | std::uint32_t{at[2]} << 8 | at[3];
}

// Loads and compares word by word; each comparison that fails jumps behind the source's block.
void match(std::vector<sock_filter>& program, const endpoint& source) {
  std::vector<std::uint32_t> words;
  const bool v6 = source.address().is_v6();
  if (v6) {
    const auto bytes = source.address().to_v6().to_bytes();
    for (std::size_t i = 0; i < bytes.size(); i += 4) words.push_back(word(bytes.data() + i));
  } else {
    words.push_back(source.address().to_v4().to_uint());
  }
  const auto block = 2 * words.size() + 3;  // the words, the port, and the acceptance
  std::size_t at = 0;
  const auto from = v6 ? source_of_ip6 : source_of_ip4;
  const auto compare = [&](std::uint16_t load, std::uint32_t offset, std::uint32_t value) {
    program.push_back(step(load, offset));
    at += 2;
    program.push_back(step(if_equal, value, 0, static_cast<std::uint8_t>(block - at)));
  };
  for (std::size_t i = 0; i < words.size(); ++i) compare(load_word, from + static_cast<std::uint32_t>(4 * i), words[i]);
  compare(load_short, 0, source.port());
  program.push_back(step(give, 0xFFFFFFFF));
}

}  // namespace

std::vector<sock_filter> stun_or_sources(std::span<const endpoint> sources) {
  std::vector<sock_filter> out{
      step(load_octet, payload),
      step(if_greater, 3, 4, 0),
      step(load_word, payload + 4),
      step(if_equal, magic_cookie, 0, 1),
      step(give, 0xFFFFFFFF),
      step(give, 0),
  };
  for (const auto& s : sources) match(out, s);
  out.push_back(step(give, 0));
  return out;
}

}  // namespace agw::udp
