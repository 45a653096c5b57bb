// Chunks for the tests of this folder, and the events of a parser as one comparable value.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "agw/msrp/chunk_parser.hpp"
#include "agw/msrp/chunk_writer.hpp"

namespace agw::msrp::test {

inline constexpr std::string_view alice = "msrp://alice.example.com:7777/iau39soe2843z;tcp";
inline constexpr std::string_view bob = "msrps://bob.example.com:8888/9di4eae923wzd;dc";

struct send_options {
  std::string_view to = bob;
  std::string_view from = alice;
  std::string_view id = "d93kswow";
  std::string_view message_id = "12339sdqwer";
  std::optional<byte_range> range;
  failure_report failure = failure_report::yes;
  bool success_report = false;
  continuation flag = continuation::complete;
};

inline std::string make_chunk(std::string_view body, const send_options& o = {}) {
  send_fields fields;
  fields.to_path = o.to;
  fields.from_path = o.from;
  fields.message_id = o.message_id;
  fields.range = o.range;
  fields.failure = o.failure;
  fields.success_report = o.success_report;
  fields.content_type = "text/plain";
  return make_send(o.id, fields, as_bytes(body), o.flag);
}

// What a parser said about one chunk.
struct seen_chunk {
  std::string block;
  std::string transaction_id;
  chunk_kind kind = chunk_kind::send;
  std::optional<byte_range> range;
  bool has_body = false;
  boost::system::error_code flaw;
  std::string body;
  char flag = '?';

  bool operator==(const seen_chunk&) const = default;
};

struct seen_stream {
  std::vector<seen_chunk> chunks;  // the last one may be unfinished
  boost::system::error_code error;
  bool between = true;
  bool kept_alive = false;

  bool operator==(const seen_stream&) const = default;
};

class recorder {
 public:
  explicit recorder(parser_limits limits = {}) : parser_(limits) {}

  void feed(std::string_view text) {
    // A copy of its own, so that a view that is kept too long is seen by the sanitizers.
    const std::vector<char> copy(text.begin(), text.end());
    bytes_view in = as_bytes(std::string_view(copy.data(), copy.size()));
    while (!seen_.error) {
      const auto event = parser_.next(in);
      if (!event) {
        seen_.error = event.error();
      } else if (std::holds_alternative<need_more>(*event)) {
        break;
      } else if (std::holds_alternative<header_complete>(*event)) {
        const auto& header = parser_.header();
        seen_.chunks.emplace_back();
        auto& chunk = seen_.chunks.back();
        chunk.block = header.block;
        chunk.transaction_id = header.transaction_id;
        chunk.kind = header.kind;
        chunk.range = header.range;
        chunk.has_body = header.has_body;
        chunk.flaw = header.flaw;
      } else if (const auto* piece = std::get_if<body_piece>(&*event)) {
        seen_.chunks.back().body.append(as_text(piece->bytes));
      } else if (const auto* end = std::get_if<chunk_end>(&*event)) {
        seen_.chunks.back().flag = static_cast<char>(end->flag);
      } else {
        seen_.kept_alive = true;
      }
    }
    seen_.between = parser_.between_chunks();
  }

  const seen_stream& seen() const { return seen_; }

 private:
  chunk_parser parser_;
  seen_stream seen_;
};

inline seen_stream parse_whole(std::string_view text, parser_limits limits = {}) {
  recorder r(limits);
  r.feed(text);
  return r.seen();
}

}  // namespace agw::msrp::test
