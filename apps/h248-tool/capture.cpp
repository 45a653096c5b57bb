#include "capture.hpp"

#include <arpa/inet.h>

#include <algorithm>
#include <map>
#include <optional>
#include <utility>

#include <agw/h248/link_address.hpp>

#include "fragments.hpp"
#include "frames.hpp"
#include "tcp_half.hpp"

namespace agw::h248_tool {
namespace {

bool looks_like_message(std::string_view text) {
  text.remove_prefix(std::min(text.find_first_not_of(" \t\r\n"), text.size()));
  const auto starts = [&](std::string_view word) {
    if (text.size() < word.size()) return false;
    for (std::size_t i = 0; i < word.size(); ++i) {
      const char c = text[i] >= 'a' && text[i] <= 'z' ? static_cast<char>(text[i] - 'a' + 'A') : text[i];
      if (c != word[i]) return false;
    }
    return true;
  };
  const bool header = starts("AU=") || starts("AU ") || starts("AU\t") || starts("AUTHENTICATION");
  return header || starts("!/") || starts("MEGACO/") || starts(";");
}

class dissector {
  auto over_tcp(const std::pair<std::string, std::string>& half) {
    const auto port = ':' + std::to_string(h248::text_port);
    const bool of_ours = half.first.ends_with(port) || half.second.ends_with(port);
    return [this, half, of_ours](std::string text, place_in_capture at) { message(at, half.first, half.second, std::move(text), of_ours); };
  }

 public:
  explicit dissector(capture& out) : out_(out) {}

  void operator()(const frame& f) {
    ++out_.frames;
    if (out_.frames == 1) start_us_ = f.time_us;
    now_us_ = f.time_us - start_us_;
    switch (f.link_type) {
      case 0: link(f.data.from(4), 0); break;                      // loopback
      case 1: ethernet(f.data.from(14), f.data.be16(12)); break;
      case 12: case 14: case 101: case 228: case 229: link(f.data, 0); break;  // raw IP
      case 113: ethernet(f.data.from(16), f.data.be16(14)); break;  // Linux cooked
      case 276: ethernet(f.data.from(20), f.data.be16(0)); break;   // the same, version 2
      default: ++out_.unknown; break;
    }
    if (f.cut) ++out_.unread;
  }

  void end() {
    out_.unread += fragments_.unfinished();
    for (auto& [name, half] : halves_) {
      half.flush(over_tcp(name));
      out_.unread += half.lost();
    }
    std::ranges::stable_sort(out_.messages, {}, &captured_message::frame);
  }

 private:
  void ethernet(bytes data, std::uint32_t type) {
    while (type == 0x8100 || type == 0x88A8) {  // VLAN tags
      type = data.be16(2);
      data = data.from(4);
    }
    if (type == 0x0800 || type == 0x86DD) link(data, type);
  }

  void link(bytes data, std::uint32_t) {
    const std::uint32_t version = data.u8(0) >> 4;
    if (version == 4) ip4(data);
    if (version == 6) ip6(data);
  }

  static std::string address(int family, bytes at) {
    char text[INET6_ADDRSTRLEN] = "";
    const std::size_t size = family == AF_INET ? 4 : 16;
    if (at.has(size)) inet_ntop(family, at.view().data(), text, sizeof text);
    return family == AF_INET6 ? "[" + std::string(text) + "]" : text;
  }

  void ip4(bytes data) {
    const std::size_t header = (data.u8(0) & 15u) * 4, length = data.be16(2);
    const bytes payload = (length >= header && length != 0 ? data.first(length) : data).from(header);
    const auto from = address(AF_INET, data.from(12)), to = address(AF_INET, data.from(16));
    const std::uint32_t place = data.be16(6);
    if ((place & 0x3FFFu) == 0) return transport(data.u8(9), from, to, payload);
    const auto key = from + ' ' + to + ' ' + std::to_string(data.u8(9)) + ' ' + std::to_string(data.be16(4));
    const auto whole = fragments_.add(key, (place & 0x1FFFu) * 8, (place & 0x2000u) != 0, payload.view());
    if (whole) transport(data.u8(9), from, to, bytes(*whole));
  }

  void ip6(bytes data) {
    std::uint32_t next = data.u8(6);
    bytes payload = data.first(40 + data.be16(4)).from(40);
    for (int i = 0; i < 8 && (next == 0 || next == 43 || next == 60); ++i) {  // options and routing
      const std::size_t length = (payload.u8(1) + 1) * 8;
      next = payload.u8(0);
      payload = payload.from(length);
    }
    const auto from = address(AF_INET6, data.from(8)), to = address(AF_INET6, data.from(24));
    if (next != 44) return transport(next, from, to, payload);
    const std::uint32_t place = payload.be16(2);  // RFC 8200, 4.5
    next = payload.u8(0);
    const auto key = from + ' ' + to + ' ' + std::to_string(payload.be32(4));
    const auto whole = fragments_.add(key, place & 0xFFF8u, (place & 1u) != 0, payload.from(8).view());
    if (whole) transport(next, from, to, bytes(*whole));
  }

  void transport(std::uint32_t protocol, std::string from, std::string to, bytes data) {
    if (!data.has(8) || (protocol != 6 && protocol != 17 && protocol != 132)) return;
    from += ':' + std::to_string(data.be16(0));
    to += ':' + std::to_string(data.be16(2));
    of_ours_ = data.be16(0) == h248::text_port || data.be16(2) == h248::text_port;
    if (protocol == 17) {
      const bytes payload = data.first(data.be16(4)).from(8);
      const bool sctp = data.be16(0) == h248::sctp_over_udp_port || data.be16(2) == h248::sctp_over_udp_port;
      if (sctp && !looks_like_message(payload.view())) return chunks(from, to, payload.from(12));  // RFC 6951
      message(from, to, std::string(payload.view()));
    } else if (protocol == 6) {
      const std::size_t header = (data.u8(12) >> 4) * 4;
      const bool syn = (data.u8(13) & 2u) != 0;
      const auto name = std::pair(from, to);
      halves_[name].segment({out_.frames, now_us_}, data.be32(4), syn, data.from(header).view(), over_tcp(name));
    } else {
      chunks(from, to, data.from(12));
    }
  }

  // SCTP: DATA and I-DATA chunks with payload protocol 7, pieces put together.
  void chunks(const std::string& from, const std::string& to, bytes data) {
    while (data.has(4)) {
      const std::size_t length = data.be16(2);
      if (length < 4) return;
      const bool interleaved = data.u8(0) == 64;
      if (data.u8(0) == 0 || interleaved) {
        const bool first = (data.u8(1) & 2u) != 0, last = (data.u8(1) & 1u) != 0;
        const std::size_t header = interleaved ? 20 : 16;
        std::string& text = pieces_[from + ' ' + to + ' ' + std::to_string(data.be16(8))];
        const bool ours = interleaved ? !first || data.be32(16) == 7 : data.be32(12) == 7;
        if (first) text.clear();
        if (ours && text.size() < (1u << 20)) text += data.first(length).from(header).view();
        if (last && ours) message(from, to, std::exchange(text, {}));
      }
      data = data.from((length + 3) / 4 * 4);
    }
  }

  void message(const std::string& from, const std::string& to, std::string text) {
    message({out_.frames, now_us_}, from, to, std::move(text), of_ours_);
  }
  // At the port of the text encoding whatever is not the binary one (a BER sequence) is meant to be a message.
  void message(place_in_capture at, const std::string& from, const std::string& to, std::string text, bool of_ours) {
    const bool meant = of_ours && !text.empty() && text.front() > ' ' && text.front() <= '~' && text.front() != '\x30';
    if (meant || looks_like_message(text)) out_.messages.push_back({at.frame, at.time_us, from, to, std::move(text)});
  }
  capture& out_;
  std::int64_t start_us_ = 0;
  std::int64_t now_us_ = 0;
  bool of_ours_ = false;
  fragments fragments_;
  std::map<std::pair<std::string, std::string>, tcp_half> halves_;
  std::map<std::string, std::string> pieces_;
};

}  // namespace

capture read_capture(const std::string& file) {
  capture out;
  dissector each(out);
  for_each_frame(file, [&each](const frame& f) { each(f); });
  each.end();
  return out;
}

std::string what_is_missing(const capture& c) {
  std::string out;
  if (c.unread != 0) out += std::to_string(c.unread) + " frames were cut short, or pieces of datagrams or streams that are not all there\n";
  if (c.unknown != 0) out += std::to_string(c.unknown) + " frames of a link type that is not known\n";
  if (c.messages.empty()) out += "no H.248 in " + std::to_string(c.frames) + " frames\n";
  return out;
}

}  // namespace agw::h248_tool
