#include "header_reader.hpp"

#include <algorithm>

#include "agw/msrp/error.hpp"
#include "text.hpp"

namespace agw::msrp {
namespace {

// utf8text of RFC 4975, 9. Whether the octets above 127 are UTF-8 is left to the endpoints.
bool is_text(std::string_view value) noexcept {
  return std::none_of(value.begin(), value.end(), [](char c) {
    const auto octet = static_cast<unsigned char>(c);
    return (octet < 0x20 && octet != '\t') || octet == 0x7F;
  });
}

std::string_view trim(std::string_view value) noexcept {
  const auto begin = value.find_first_not_of(" \t");
  if (begin == std::string_view::npos) return {};
  return value.substr(begin, value.find_last_not_of(" \t") - begin + 1);
}

// Takes one CRLF-terminated line off the front; false when its end is something else.
bool take_line(std::string_view& block, std::string_view& line) noexcept {
  const auto end = block.find('\n');
  if (end == std::string_view::npos || end == 0 || block[end - 1] != '\r') return false;
  line = block.substr(0, end + 1);
  block.remove_prefix(end + 1);
  return true;
}

bool read_start_line(std::string_view line, chunk_header& out) {
  line.remove_suffix(2);
  if (line.substr(0, 5) != "MSRP " || !is_text(line)) return false;
  line.remove_prefix(5);
  const auto space = line.find(' ');
  if (space == std::string_view::npos) return false;
  out.transaction_id = line.substr(0, space);
  if (!is_ident(out.transaction_id)) return false;
  line.remove_prefix(space + 1);
  if (line.empty()) return false;
  if (is_digit(line.front())) {
    if (line.size() < 3 || !std::all_of(line.begin(), line.begin() + 3, is_digit)) return false;
    if (line.front() == '0' || (line.size() > 3 && line[3] != ' ')) return false;
    out.kind = chunk_kind::response;
    out.status = static_cast<unsigned>((line[0] - '0') * 100 + (line[1] - '0') * 10 + (line[2] - '0'));
    out.comment = line.size() > 4 ? line.substr(4) : std::string_view{};
    return true;
  }
  if (!std::all_of(line.begin(), line.end(), is_upper)) return false;
  out.method = line;
  out.kind = line == "SEND" ? chunk_kind::send : line == "REPORT" ? chunk_kind::report : chunk_kind::other;
  return true;
}

// A field that may stand once only: two of them would let two readers see two different chunks.
bool set_once(std::string_view& slot, std::string_view value) noexcept {
  if (slot.data() != nullptr || value.empty()) return false;
  slot = value;
  return true;
}

boost::system::error_code read_field(const header_field& field, chunk_header& out, bool& success_seen, bool& failure_seen) {
  const auto name = field.name;
  if (equal_nocase(name, "Message-ID")) {
    if (!is_ident(field.value) || !set_once(out.message_id, field.value)) return errc::bad_header;
  } else if (equal_nocase(name, "Byte-Range")) {
    const auto range = parse_byte_range(field.value);
    if (!range || out.range) return errc::bad_byte_range;
    out.range = *range;
  } else if (equal_nocase(name, "Success-Report")) {
    const bool yes = equal_nocase(field.value, "yes");
    if (std::exchange(success_seen, true) || (!yes && !equal_nocase(field.value, "no"))) return errc::bad_header;
    out.success_report = yes;
  } else if (equal_nocase(name, "Failure-Report")) {
    if (std::exchange(failure_seen, true)) return errc::bad_header;
    if (equal_nocase(field.value, "no")) {
      out.failure = failure_report::no;
    } else if (equal_nocase(field.value, "partial")) {
      out.failure = failure_report::partial;
    } else if (!equal_nocase(field.value, "yes")) {
      return errc::bad_header;
    }
  } else if (equal_nocase(name, "Status")) {
    if (!set_once(out.status_field, field.value)) return errc::bad_header;
  } else if (equal_nocase(name, "Content-Type")) {
    if (!set_once(out.content_type, field.value)) return errc::bad_header;
  } else if (equal_nocase(name, "To-Path") || equal_nocase(name, "From-Path")) {
    return errc::bad_path;
  }
  return {};
}

}  // namespace

boost::system::error_code read_header(std::string_view block, std::size_t max_fields, std::vector<header_field>& fields,
                                      chunk_header& out) {
  const bool has_body = out.has_body;
  out = chunk_header{};
  out.has_body = has_body;
  out.block = block;
  fields.clear();
  std::string_view line;
  if (!take_line(block, line) || !read_start_line(line, out)) return errc::bad_start_line;
  while (!block.empty()) {
    if (fields.size() == max_fields) return errc::header_too_large;
    if (!take_line(block, line)) return errc::bad_header;
    const auto colon = line.find(':');
    if (colon == std::string_view::npos) return errc::bad_header;
    header_field field;
    field.line = line;
    field.name = line.substr(0, colon);
    field.value = trim(line.substr(colon + 1, line.size() - colon - 3));
    if (!is_token(field.name) || !is_alpha(field.name.front()) || !is_text(field.value)) return errc::bad_header;
    fields.push_back(field);
  }
  out.fields = fields;
  if (fields.size() < 2 || !equal_nocase(fields[0].name, "To-Path") || !equal_nocase(fields[1].name, "From-Path")) {
    return errc::bad_path;
  }
  out.to_path = fields[0].value;
  out.from_path = fields[1].value;
  if (out.to_path.empty() || out.from_path.empty()) return errc::bad_path;
  bool success_seen = false;
  bool failure_seen = false;
  for (std::size_t i = 2; i < fields.size(); ++i) {
    if (const auto error = read_field(fields[i], out, success_seen, failure_seen)) return error;
  }
  return {};
}

bool read_end_line(std::string_view line, std::string_view transaction_id, continuation& flag) {
  const std::size_t id_end = 7 + transaction_id.size();
  if (line.size() != id_end + 3 || line.substr(7, transaction_id.size()) != transaction_id) return false;
  if (!is_flag(line[id_end]) || line.substr(id_end + 1) != "\r\n") return false;
  flag = static_cast<continuation>(line[id_end]);
  return true;
}

}  // namespace agw::msrp
