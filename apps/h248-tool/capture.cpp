#include "capture.hpp"

#include <arpa/inet.h>

#include <algorithm>
#include <map>
#include <optional>
#include <utility>

#include <agw/h248/link_address.hpp>

#include "fragments.hpp"
#include "frames.hpp"

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
  return starts("!/") || starts("MEGACO/") || starts("AU=") || starts("AUTHENTICATION") || starts(";");
}

// What goes one way over a TCP connection, put into order, cut at TPKT frames (RFC 1006).
class tcp_half {
 public:
  template <class F>
  void segment(std::uint32_t sequence, bool syn, std::string_view data, F&& message) {
    if (syn) {
      next_ = sequence + 1;
      buffer_.clear();
      later_.clear();
      return;
    }
    if (data.empty()) return;
    if (!next_) {  // the capture starts in the middle: wait for something that looks like a frame
      if (data.size() < 4 || data[0] != 3 || data[1] != 0) return;
      next_ = sequence;
    }
    later_.emplace(sequence, data);
    for (bool found = true; found && !later_.empty();) {
      found = false;
      for (auto at = later_.begin(); at != later_.end(); ++at) {
        const auto behind = static_cast<std::int32_t>(*next_ - at->first);
        if (behind < 0) continue;
        if (static_cast<std::size_t>(behind) < at->second.size()) {
          buffer_ += at->second.substr(static_cast<std::size_t>(behind));
          *next_ = at->first + static_cast<std::uint32_t>(at->second.size());
        }
        later_.erase(at);
        found = true;
        break;
      }
    }
    if (later_.size() > 1000) later_.clear();
    for (bytes all(buffer_); all.has(4); all = bytes(buffer_)) {
      const std::size_t length = all.be16(2);
      if (all.u8(0) != 3 || length < 4) {  // lost: begin again at the next segment
        buffer_.clear();
        next_.reset();
        return;
      }
      if (!all.has(length)) return;
      message(buffer_.substr(4, length - 4));
      buffer_.erase(0, length);
    }
  }

 private:
  std::optional<std::uint32_t> next_;
  std::map<std::uint32_t, std::string> later_;
  std::string buffer_;
};

class dissector {
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
      default: break;
    }
    if (f.cut) ++out_.unread;
  }

  void end() { out_.unread += fragments_.unfinished(); }

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
    if (next == 44) {
      ++out_.unread;
      return;
    }
    transport(next, address(AF_INET6, data.from(8)), address(AF_INET6, data.from(24)), payload);
  }

  void transport(std::uint32_t protocol, std::string from, std::string to, bytes data) {
    if (!data.has(8) || (protocol != 6 && protocol != 17 && protocol != 132)) return;
    from += ':' + std::to_string(data.be16(0));
    to += ':' + std::to_string(data.be16(2));
    if (protocol == 17) {
      const bytes payload = data.first(data.be16(4)).from(8);
      const bool sctp = data.be16(0) == h248::sctp_over_udp_port || data.be16(2) == h248::sctp_over_udp_port;
      if (sctp && !looks_like_message(payload.view())) return chunks(from, to, payload.from(12));  // RFC 6951
      message(from, to, std::string(payload.view()));
    } else if (protocol == 6) {
      const std::size_t header = (data.u8(12) >> 4) * 4;
      const bool syn = (data.u8(13) & 2u) != 0;
      halves_[from + ' ' + to].segment(data.be32(4), syn, data.from(header).view(),
                                       [&](std::string text) { message(from, to, std::move(text)); });
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
    if (looks_like_message(text)) out_.messages.push_back({out_.frames, now_us_, from, to, std::move(text)});
  }

  capture& out_;
  std::int64_t start_us_ = 0;
  std::int64_t now_us_ = 0;
  fragments fragments_;
  std::map<std::string, tcp_half> halves_;
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

}  // namespace agw::h248_tool
