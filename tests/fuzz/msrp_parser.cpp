// The parser says the same of a stream however it is fed: at once, or in portions that the input's first octet chooses.
#include <cstdint>
#include <cstdlib>
#include <string>

#include "agw/msrp/chunk_parser.hpp"

using namespace agw::msrp;

static std::string describe(std::string_view input, std::size_t portion) {
  chunk_parser parser;
  std::string out;
  for (std::size_t at = 0; at < input.size(); at += portion) {
    const std::string copy(input.substr(at, portion));
    for (bytes_view in = as_bytes(copy);;) {
      const auto event = parser.next(in);
      if (!event) return out.append("E").append(reason(event.error()));
      if (std::holds_alternative<need_more>(*event)) break;
      if (std::holds_alternative<header_complete>(*event)) out.append("H").append(parser.header().block);
      if (const auto* piece = std::get_if<body_piece>(&*event)) out.append(as_text(piece->bytes));
      if (const auto* end = std::get_if<chunk_end>(&*event)) out.append("F").push_back(static_cast<char>(end->flag));
    }
  }
  return out.append(parser.between_chunks() ? "." : "?");
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) return 0;
  const std::string_view input(reinterpret_cast<const char*>(data) + 1, size - 1);
  if (describe(input, input.size()) != describe(input, 1 + data[0] % 64)) std::abort();
  return 0;
}
