// Cuts a byte stream into lines, without I/O and with bounded memory.
#pragma once

#include <cstddef>
#include <optional>
#include <string>

#include "agw/core/translator.hpp"

namespace agw {

/// Lines end with LF or CR LF, and may come in any pieces. Keeps at most one unfinished line, and nothing of it beyond the limit.
class line_splitter {
 public:
  using line = boost::system::result<std::optional<bytes_view>, malformed>;

  /// `max_line_bytes`: of a line without its end.
  explicit line_splitter(std::size_t max_line_bytes) : max_line_bytes_(max_line_bytes) {}

  std::size_t max_line_bytes() const noexcept { return max_line_bytes_; }
  /// The next line, without its end; takes its octets off the front of `in`. Nothing: all of `in` was taken and the line goes on.
  /// The view is good until the next call, and as long as the memory behind `in`. "too-large": the stream is lost.
  line next(bytes_view& in);
  /// The stream has ended: its last line, if that has octets and no end.
  line last();
  /// Nothing is kept of a line that goes on.
  bool between_lines() const noexcept { return kept_.empty() || handed_out_; }

 private:
  line whole(std::string_view text) const;

  std::size_t max_line_bytes_;
  std::string kept_;         // the beginning of a line whose end has not come
  bool handed_out_ = false;  // kept_ is a whole line that was returned
};

}  // namespace agw
