// What the rechunker emits carries the bodies and flags that it was fed, in whole chunks within the limit.
#include <cstdint>
#include <cstdlib>
#include <string>

#include "agw/msrp/rechunker.hpp"

using namespace agw::msrp;

// Appends bodies, and the flag behind each chunk that ends or gives up its message ("+" marks pieces, too). False on an error.
static bool flatten(chunk_parser& parser, std::string_view input, std::string& out) {
  for (bytes_view in = as_bytes(input);;) {
    const auto event = parser.next(in);
    if (!event) return false;
    if (std::holds_alternative<need_more>(*event)) return true;
    if (const auto* piece = std::get_if<body_piece>(&*event)) out.append(as_text(piece->bytes));
    const auto* end = std::get_if<chunk_end>(&*event);
    if (end != nullptr && end->flag != continuation::more) out.append("\n").push_back(static_cast<char>(end->flag));
  }
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 3) return 0;
  const std::string_view input(reinterpret_cast<const char*>(data) + 2, size - 2);
  const std::size_t portion = 1 + data[0], limit = 400 + std::size_t{data[1]} * 4;
  id_source ids;
  split_transactions splits(ids);
  direction_counters counters;
  const relay_paths paths;
  rechunker chunker(rechunker_config{limit, 16, {}}, paths, splits, counters);
  chunk_parser reference;
  std::string expected, got;
  for (std::size_t at = 0; at < input.size(); at += portion) {
    const std::string copy(input.substr(at, portion));
    for (bytes_view in = as_bytes(copy);;) {
      const auto out = chunker.next(in);
      if (!out) return 0;
      if (!*out) break;
      chunk_parser one;
      if ((*out)->head.size() > limit || !flatten(one, as_text((*out)->head), got) || !one.between_chunks()) std::abort();
    }
    if (chunker.buffered_bytes() > limit || !flatten(reference, copy, expected)) std::abort();
    if (chunker.between_chunks() ? got != expected : expected.compare(0, got.size(), got) != 0) std::abort();
  }
  return 0;
}
