#include "agw/core/line_splitter.hpp"

#include "agw/core/bytes.hpp"

namespace agw {

namespace {

malformed too_long(std::size_t limit) { return malformed::too_large("a line of more than " + std::to_string(limit) + " octets"); }

}  // namespace

line_splitter::line line_splitter::whole(std::string_view text) const {
  if (text.ends_with('\r')) text.remove_suffix(1);
  if (text.size() > max_line_bytes_) return too_long(max_line_bytes_);
  return std::optional<bytes_view>(as_bytes(text));
}

line_splitter::line line_splitter::next(bytes_view& in) {
  if (handed_out_) kept_.clear();
  handed_out_ = false;
  const auto text = as_text(in);
  const auto end = text.find('\n');
  const auto piece = text.substr(0, end);
  // Checked before anything is kept, so that a line without end does not grow. One octet more may be the CR of its end.
  if (kept_.size() + piece.size() > max_line_bytes_ + 1) return too_long(max_line_bytes_);
  in = in.subspan(end == text.npos ? in.size() : end + 1);
  if (end == text.npos) {
    kept_ += piece;
    return std::optional<bytes_view>();
  }
  if (kept_.empty()) return whole(piece);  // the usual case copies nothing
  kept_ += piece;
  handed_out_ = true;
  return whole(kept_);
}

line_splitter::line line_splitter::last() {
  if (handed_out_ || kept_.empty()) return std::optional<bytes_view>();
  handed_out_ = true;
  return whole(kept_);
}

}  // namespace agw
