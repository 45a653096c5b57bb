#include "header_reader.hpp"

#include <algorithm>
#include <utility>

#include "agw/msrp/error.hpp"
#include "text.hpp"

namespace agw::msrp {
namespace {

constexpr bool is_control(char c) noexcept { return static_cast<unsigned char>(c) < 0x20 || c == 0x7F; }

// utf8text of RFC 4975, 9. Whether the octets above 127 are UTF-8 is left to the endpoints.
constexpr char_class text_chars([](char c) noexcept { return !is_control(c) || c == '\t'; });
constexpr char_class id_chars([](char c) noexcept { return !is_control(c) && c != ' '; });

// A line within which some readers see the end of a line or of a string: where the chunk ends depends on the reader. LF is what ended the line.
bool has_hidden_end(std::string_view line) noexcept {
  return line.find('\r') != std::string_view::npos || line.find('\0') != std::string_view::npos;
}

std::string_view trim(std::string_view value) noexcept {
  const auto begin = value.find_first_not_of(" \t");
  if (begin == std::string_view::npos) return {};
  return value.substr(begin, value.find_last_not_of(" \t") - begin + 1);
}

// Takes one line off the front; `line` is without its CRLF. False when there is no CRLF.
bool take_line(std::string_view& block, std::string_view& line) noexcept {
  const auto end = block.find('\n');
  if (end == std::string_view::npos || end == 0 || block[end - 1] != '\r') return false;
  line = block.substr(0, end - 1);
  block.remove_prefix(end + 1);
  return true;
}

bool is_transaction_id(std::string_view text) noexcept {
  return !text.empty() && text.size() <= max_transaction_id_bytes && id_chars.all_of(text);
}

bool read_status(std::string_view text, chunk_header& out) {
  if (text.size() < 3 || !std::all_of(text.begin(), text.begin() + 3, is_digit) || text.front() == '0') return false;
  if (text.size() > 3 && text[3] != ' ') return false;
  out.kind = chunk_kind::response;
  out.status = static_cast<unsigned>((text[0] - '0') * 100 + (text[1] - '0') * 10 + (text[2] - '0'));
  out.comment = text.size() > 4 ? text.substr(4) : std::string_view{};
  return true;
}

bool read_start_line(std::string_view line, chunk_header& out) {
  if (line.substr(0, 5) != "MSRP " || has_hidden_end(line)) return false;
  line.remove_prefix(5);
  const auto id_end = line.find(' ');
  if (id_end == std::string_view::npos) return false;
  out.transaction_id = line.substr(0, id_end);
  if (!is_transaction_id(out.transaction_id)) return false;
  line.remove_prefix(id_end + 1);
  if (!text_chars.all_of(line)) out.flaw = errc::bad_start_line;
  if (!line.empty() && is_digit(line.front())) return read_status(line, out);
  out.method = line.substr(0, line.find(' '));
  if (!is_token(out.method)) return false;
  if (line.find_first_not_of(' ', out.method.size()) != std::string_view::npos) out.flaw = errc::bad_start_line;
  out.kind = out.method == "SEND" ? chunk_kind::send : out.method == "REPORT" ? chunk_kind::report : chunk_kind::other;
  return true;
}

header_field split_field(std::string_view line, std::string_view whole) noexcept {
  header_field out;
  out.line = whole;
  const auto colon = line.find(':');
  const auto name = line.substr(0, colon);
  const bool named = colon != std::string_view::npos && is_token(name) && is_alpha(name.front());
  if (named) out.name = name;
  out.value = trim(named ? line.substr(colon + 1) : line);
  return out;
}

enum class known : unsigned { to_path, from_path, message_id, byte_range, success_report, failure_report, status, content_type, none };

known which(std::string_view name) noexcept {
  static constexpr std::pair<std::string_view, known> names[] = {
      {"To-Path", known::to_path},       {"From-Path", known::from_path},           {"Message-ID", known::message_id},
      {"Byte-Range", known::byte_range}, {"Success-Report", known::success_report}, {"Failure-Report", known::failure_report},
      {"Status", known::status},         {"Content-Type", known::content_type}};
  for (const auto& [text, value] : names) {
    if (equal_nocase(name, text)) return value;
  }
  return known::none;
}

void set(chunk_header& out, known field, std::string_view value) {
  switch (field) {
    case known::to_path: out.to_path = value; break;
    case known::from_path: out.from_path = value; break;
    case known::message_id: out.message_id = value; break;
    case known::byte_range:
      if (const auto range = parse_byte_range(value)) out.range = *range;
      break;
    case known::success_report: out.success_report = equal_nocase(value, "yes"); break;
    case known::failure_report:
      if (equal_nocase(value, "no")) out.failure = failure_report::no;
      if (equal_nocase(value, "partial")) out.failure = failure_report::partial;
      break;
    case known::status: out.status_field = value; break;
    case known::content_type: out.content_type = value; break;
    case known::none: break;
  }
}

// What is wrong with the field at `place`, the first of its name unless `again`.
boost::system::error_code flaw_of(const header_field& field, known what, std::size_t place, bool again, const chunk_header& header) {
  const bool is_path = what == known::to_path || what == known::from_path;
  if (is_path != (place < 2) || (is_path && (place != static_cast<std::size_t>(what) || field.value.empty()))) return errc::bad_path;
  if (what == known::byte_range && (again || !header.range)) return errc::bad_byte_range;
  if (field.name.empty() || !text_chars.all_of(field.value) || again) return errc::bad_header;
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
  unsigned seen = 0;
  const auto note = [&out](boost::system::error_code flaw) {
    if (!out.flaw) out.flaw = flaw;
  };
  while (!block.empty()) {
    if (fields.size() == max_fields) return errc::header_too_large;
    const auto before = block;
    if (!take_line(block, line) || has_hidden_end(line)) return errc::bad_header;
    const auto& field = fields.emplace_back(split_field(line, before.substr(0, line.size() + 2)));
    const auto what = which(field.name);
    const bool again = what != known::none && (seen & 1u << static_cast<unsigned>(what)) != 0;
    if (what != known::none) seen |= 1u << static_cast<unsigned>(what);
    if (!again) set(out, what, field.value);
    note(flaw_of(field, what, fields.size() - 1, again, out));
  }
  if (fields.size() < 2) note(errc::bad_path);
  if (has_body && !out.request()) note(errc::unexpected_body);
  out.fields = fields;
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
