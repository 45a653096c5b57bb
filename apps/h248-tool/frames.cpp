#include "frames.hpp"

#include <stdexcept>
#include <vector>

namespace agw::h248_tool {
namespace {

void read_pcap(bytes file, bool big, bool nanoseconds, const std::function<void(const frame&)>& each) {
  const std::uint32_t link_type = file.u32(20, big) & 0xFFFFu;
  for (bytes rest = file.from(24); rest.has(16);) {
    const std::uint32_t fraction = rest.u32(4, big), kept = rest.u32(8, big), length = rest.u32(12, big);
    frame f;
    f.time_us = static_cast<std::int64_t>(rest.u32(0, big)) * 1000000 + (nanoseconds ? fraction / 1000 : fraction);
    f.link_type = link_type;
    f.data = rest.from(16).first(kept);
    f.cut = kept < length || f.data.size() < kept;
    each(f);
    rest = rest.from(16).from(kept);
  }
}

struct interface {
  std::uint32_t link_type = 1;
  std::uint64_t units_per_second = 1000000;
};

// if_tsresol: a power of ten, or of two with the high bit set.
std::uint64_t resolution(bytes options, bool big) {
  while (options.has(4)) {
    const std::uint32_t code = options.u16(0, big), length = options.u16(2, big);
    if (code == 0) break;
    if (code == 9 && length == 1) {
      const std::uint32_t n = options.u8(4) & 0x7Fu;
      if ((options.u8(4) & 0x80u) != 0) return n < 63 ? std::uint64_t{1} << n : 1;
      std::uint64_t units = 1;
      for (std::uint32_t i = 0; i < n && i < 18; ++i) units *= 10;
      return units;
    }
    options = options.from(4 + (length + 3) / 4 * 4);
  }
  return 1000000;
}

void read_pcapng(bytes file, const std::function<void(const frame&)>& each) {
  bool big = false;
  std::vector<interface> interfaces;
  for (bytes rest = file; rest.has(12);) {
    const std::uint32_t type = rest.be32(0) == 0x0A0D0D0Au ? 0x0A0D0D0Au : rest.u32(0, big);
    if (type == 0x0A0D0D0Au) {  // a new section
      big = rest.be32(8) == 0x1A2B3C4Du;
      interfaces.clear();
    }
    const std::uint32_t length = rest.u32(4, big);
    if (length < 12 || length % 4 != 0) return;
    const bool whole = rest.has(length);  // else the file has been cut off
    const bytes body = whole ? rest.first(length - 4).from(8) : rest.from(8);
    if (type == 1) {
      interfaces.push_back({body.u16(0, big), resolution(body.from(8), big)});
    } else if (type == 6 && body.u32(0, big) < interfaces.size()) {
      const interface& on = interfaces[body.u32(0, big)];
      const std::uint64_t ticks = static_cast<std::uint64_t>(body.u32(4, big)) << 32 | body.u32(8, big);
      frame f;
      f.time_us = static_cast<std::int64_t>(ticks / on.units_per_second * 1000000 +
                                            ticks % on.units_per_second * 1000000 / on.units_per_second);
      f.link_type = on.link_type;
      f.data = body.from(20).first(body.u32(12, big));
      f.cut = body.u32(12, big) < body.u32(16, big) || f.data.size() < body.u32(12, big);
      each(f);
    } else if (type == 3 && !interfaces.empty()) {
      frame f;
      f.link_type = interfaces.front().link_type;
      f.data = body.from(4).first(body.u32(0, big));
      f.cut = f.data.size() < body.u32(0, big);
      each(f);
    }
    rest = rest.from(length);
  }
}

}  // namespace

void for_each_frame(std::string_view text, const std::function<void(const frame&)>& each) {
  const bytes file(text);
  if (!file.has(24)) throw std::runtime_error("not a capture: too short");
  switch (file.be32(0)) {
    case 0xA1B2C3D4u: return read_pcap(file, true, false, each);
    case 0xD4C3B2A1u: return read_pcap(file, false, false, each);
    case 0xA1B23C4Du: return read_pcap(file, true, true, each);
    case 0x4D3CB2A1u: return read_pcap(file, false, true, each);
    case 0x0A0D0D0Au: return read_pcapng(file, each);
    default: throw std::runtime_error("not a capture: neither pcap nor pcapng");
  }
}

}  // namespace agw::h248_tool
