// Lines and messages, without I/O: octets in, lines or errors out. Hostile input is refused here, where a test needs no socket.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>

#include <boost/system/error_code.hpp>
#include <boost/system/result.hpp>

#include "agw/core/pipe.hpp"

namespace agw::examples {

/// What can be wrong with what a peer sends. Each value is exact, for the log; reason() has the word for metrics and controller.
enum class line_errc {
  too_long = 1,  ///< more octets than the limit, the line's end not counted
  end_inside,    ///< CR or LF inside a message: it would be two lines for the other side
  not_text,      ///< a binary message, or octets that are not UTF-8 (RFC 8831, 6.6 wants it of a text message)
};
/// One category, declared once: its codes compare equal wherever they are made.
const boost::system::error_category& line_category() noexcept;
inline boost::system::error_code make_error_code(line_errc e) noexcept { return {static_cast<int>(e), line_category()}; }
/// "too-large" or "syntax", a string literal as stage_error wants it.
std::string_view reason(boost::system::error_code code) noexcept;

/// Cuts what a byte stream yields into lines, wherever its reads begin and end. Keeps at most one unfinished line.
class line_splitter {
 public:
  explicit line_splitter(std::size_t max_line_bytes) : max_line_bytes_(max_line_bytes) {}

  /// The next line, without its end; takes its octets off the front of `in`. Nothing: all of `in` was taken and the line goes on.
  /// The view is good until the next call, and as long as the memory behind `in`. After an error the stream is lost.
  boost::system::result<std::optional<std::string_view>> next(std::string_view& in);
  /// The stream has ended: its last line, if that has octets and no end.
  boost::system::result<std::optional<std::string_view>> last();
  /// Nothing is kept of a line that goes on.
  bool between_lines() const noexcept { return kept_.empty() || handed_out_; }

 private:
  std::size_t max_line_bytes_;
  std::string kept_;         // the beginning of a line whose end has not come
  bool handed_out_ = false;  // kept_ is a whole line that was returned
};

/// The text of a message that is to become a line.
boost::system::result<std::string_view> line_of(const message& m, std::size_t max_line_bytes);

}  // namespace agw::examples

template <>
struct boost::system::is_error_code_enum<agw::examples::line_errc> : std::true_type {};
