// Any stream in any pieces (the first octet gives their size): the same messages as in one piece, memory bounded by one message.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <vector>

#include <agw/h248/link_tpkt.hpp>

using namespace agw::h248;

namespace {

std::vector<std::string> messages(std::string_view stream, std::size_t piece) {
  tpkt_reader reader;
  std::vector<std::string> found;
  for (std::size_t at = 0; at < stream.size(); at += piece) {
    reader.push(stream.substr(at, piece));
    for (;;) {
      const auto next = reader.next();
      if (!next) return found;
      if (next->empty()) break;
      found.emplace_back(*next);
    }
    if (reader.buffered_bytes() > 65535) std::abort();
  }
  return found;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view stream(reinterpret_cast<const char*>(data) + 1, size - 1);
  if (messages(stream, data[0] + 1u) != messages(stream, stream.size() + 1)) std::abort();
  return 0;
}
