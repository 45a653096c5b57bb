// A user message of the channel passes unchanged in agnostic mode, unless it answers a piece. In aware mode it becomes one whole chunk
// for the stream, or a response for the channel within its limit.
#include <cstdint>
#include <cstdlib>
#include <string>

#include "agw/msrp/message_checker.hpp"

using namespace agw::msrp;

static bool is_one_chunk(std::string_view text) {
  chunk_parser parser;
  bool ended = false;
  for (bytes_view in = as_bytes(text);;) {
    const auto event = parser.next(in);
    if (!event) return false;
    if (std::holds_alternative<need_more>(*event)) return ended && parser.between_chunks();
    if (std::holds_alternative<chunk_end>(*event)) ended = true;
  }
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) return 0;
  const std::string input(reinterpret_cast<const char*>(data) + 1, size - 1);
  relay_paths paths;
  paths.mode = (data[0] & 1) != 0 ? relay_mode::aware : relay_mode::agnostic;
  paths.match = (data[0] & 2) != 0 ? uri_match::sessmatch : uri_match::exact;
  paths.wic.own = paths.core.own = "msrp://b:1/s;tcp";
  paths.wic.peer = paths.core.peer = "msrp://r:1/x;tcp msrp://a:1/s;tcp";
  const std::size_t limit = 100 + std::size_t{data[0]} * 4;
  id_source ids;
  split_transactions splits(ids);
  direction_counters counters;
  message_checker checker(parser_limits{}, paths, splits, counters, limit);
  const auto out = checker.check(as_bytes(input));
  if (!out || !*out) return 0;
  const auto text = std::string(as_text((*out)->head)).append(as_text((*out)->rest));
  if ((*out)->to == side::wic && (text.size() > limit || !is_one_chunk(text))) std::abort();
  if (paths.mode == relay_mode::agnostic && text != input) std::abort();
  if (paths.mode == relay_mode::aware && is_one_chunk(input) && !is_one_chunk(text)) std::abort();
  return 0;
}
