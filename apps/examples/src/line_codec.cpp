#include "agw/examples/line_codec.hpp"

#include "agw/msrp/bytes.hpp"

namespace agw::examples {

using boost::system::result;

namespace {

class category_of_lines final : public boost::system::error_category {
 public:
  const char* name() const noexcept override { return "lines"; }
  std::string message(int value) const override {
    switch (static_cast<line_errc>(value)) {
      case line_errc::too_long: return "line exceeds the limit";
      case line_errc::end_inside: return "message with a line end inside";
      case line_errc::not_text: return "not UTF-8 text";
    }
    return "unknown error of lines";
  }
};

// RFC 3629, 4: no overlong forms, no surrogates, nothing above U+10FFFF.
bool is_utf8(std::string_view text) noexcept {
  for (std::size_t i = 0; i < text.size();) {
    const auto at = [&](std::size_t n) { return i + n < text.size() ? static_cast<unsigned char>(text[i + n]) : 0u; };
    const unsigned first = at(0);
    const std::size_t more = first < 0x80 ? 0 : first < 0xC2 ? 4 : first < 0xE0 ? 1 : first < 0xF0 ? 2 : first < 0xF5 ? 3 : 4;
    if (more == 4) return false;
    for (std::size_t n = 1; n <= more; ++n) {
      if ((at(n) & 0xC0u) != 0x80) return false;
    }
    const unsigned second = at(1);
    if ((first == 0xE0 && second < 0xA0) || (first == 0xED && second > 0x9F)) return false;
    if ((first == 0xF0 && second < 0x90) || (first == 0xF4 && second > 0x8F)) return false;
    i += 1 + more;
  }
  return true;
}

result<std::string_view> checked(std::string_view line, std::size_t max_line_bytes) {
  if (line.size() > max_line_bytes) return line_errc::too_long;
  if (!is_utf8(line)) return line_errc::not_text;
  return line;
}

result<std::optional<std::string_view>> whole(std::string_view line, std::size_t max_line_bytes) {
  if (line.ends_with('\r')) line.remove_suffix(1);
  const auto good = checked(line, max_line_bytes);
  if (!good) return good.error();
  return std::optional<std::string_view>(*good);
}

}  // namespace

const boost::system::error_category& line_category() noexcept {
  static const category_of_lines instance;
  return instance;
}

std::string_view reason(boost::system::error_code code) noexcept { return code == line_errc::too_long ? "too-large" : "syntax"; }

result<std::optional<std::string_view>> line_splitter::next(std::string_view& in) {
  if (handed_out_) kept_.clear();
  handed_out_ = false;
  const auto end = in.find('\n');
  const auto piece = in.substr(0, end);
  // Checked before anything is kept, so that a line without end does not grow. One octet more may be the CR of its end.
  if (kept_.size() + piece.size() > max_line_bytes_ + 1) return line_errc::too_long;
  in.remove_prefix(end == in.npos ? in.size() : end + 1);
  if (end == in.npos) {
    kept_ += piece;
    return std::optional<std::string_view>();
  }
  if (kept_.empty()) return whole(piece, max_line_bytes_);  // the usual case copies nothing
  kept_ += piece;
  handed_out_ = true;
  return whole(kept_, max_line_bytes_);
}

result<std::optional<std::string_view>> line_splitter::last() {
  if (handed_out_ || kept_.empty()) return std::optional<std::string_view>();
  handed_out_ = true;
  return whole(kept_, max_line_bytes_);
}

result<std::string_view> line_of(const message& m, std::size_t max_line_bytes) {
  const auto text = msrp::as_text(m.bytes);
  if (m.kind != message_kind::text) return line_errc::not_text;
  if (text.find_first_of("\r\n") != text.npos) return line_errc::end_inside;
  return checked(text, max_line_bytes);
}

}  // namespace agw::examples
