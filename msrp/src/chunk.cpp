#include "agw/msrp/chunk.hpp"

#include <charconv>

#include "agw/msrp/error.hpp"
#include "text.hpp"

namespace agw::msrp {
namespace {

// 1*DIGIT, at most 2^63.
std::optional<std::uint64_t> read_number(std::string_view text) {
  std::uint64_t value = 0;
  if (text.empty() || !std::all_of(text.begin(), text.end(), is_digit)) return std::nullopt;
  const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (failed != std::errc{} || value > std::uint64_t{1} << 63) return std::nullopt;
  return value;
}

// The same or "*"; false when it is neither.
bool read_number_or_star(std::string_view text, std::optional<std::uint64_t>& out) {
  if (text == "*") return true;
  out = read_number(text);
  return out.has_value();
}

}  // namespace

boost::system::result<byte_range> parse_byte_range(std::string_view value) {
  const auto hyphen = value.find('-');
  const auto slash = value.find('/');
  if (hyphen == std::string_view::npos || slash == std::string_view::npos || slash < hyphen) {
    return make_error_code(errc::bad_byte_range);
  }
  byte_range out;
  const auto start = read_number(value.substr(0, hyphen));
  if (!start) return make_error_code(errc::bad_byte_range);
  out.start = *start;
  if (!read_number_or_star(value.substr(hyphen + 1, slash - hyphen - 1), out.end) ||
      !read_number_or_star(value.substr(slash + 1), out.total)) {
    return make_error_code(errc::bad_byte_range);
  }
  if (out.end && *out.end + 1 < out.start) return make_error_code(errc::bad_byte_range);
  return out;
}

std::string to_string(const byte_range& range) {
  std::string out = std::to_string(range.start);
  out.push_back('-');
  out.append(range.end ? std::to_string(*range.end) : "*").push_back('/');
  return out.append(range.total ? std::to_string(*range.total) : "*");
}

const header_field* chunk_header::find(std::string_view name) const noexcept {
  for (const auto& field : fields) {
    if (equal_nocase(field.name, name)) return &field;
  }
  return nullptr;
}

unsigned refusal_status(const chunk_header& request) noexcept {
  if (request.flaw) return 400;
  if (!request.has_body || request.kind != chunk_kind::send) return 0;
  if (request.find("Content-Type") == nullptr) return 400;
  const auto type = request.content_type.substr(0, request.content_type.find(';'));
  const auto slash = type.find('/');
  if (slash == std::string_view::npos || !is_token(type.substr(0, slash))) return 415;
  const auto subtype = type.substr(slash + 1);
  return is_token(subtype.substr(0, subtype.find(' '))) ? 0 : 415;
}

unsigned status_code(const chunk_header& report) noexcept {
  const auto value = report.status_field;
  if (value.size() < 7 || value.substr(0, 4) != "000 " || (value.size() > 7 && value[7] != ' ')) return 0;
  unsigned code = 0;
  for (const char c : value.substr(4, 3)) {
    if (!is_digit(c)) return 0;
    code = code * 10 + static_cast<unsigned>(c - '0');
  }
  return code;
}

}  // namespace agw::msrp
