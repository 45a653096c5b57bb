// The lexical level: a cursor over the text that takes numbers, names, values and punctuation, counts braces, and keeps the first
// error. Every function that can fail returns false (or an empty view) after noting what was expected and where.
//
// A NUL follows the text. It is in no class and is no punctuation, so that a search for either of them stops there.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include <agw/h248/error_code.hpp>
#include <agw/h248/ids.hpp>
#include <agw/h248/value.hpp>

#include "text/chars.hpp"
#include "text/deviations.hpp"

namespace agw::h248::text {

struct noted_error {
  error_code code{};
  std::string_view expected;
  std::size_t offset = 0;
};

class reader {
 public:
  // text.data()[text.size()] is NUL.
  explicit reader(std::string_view text) noexcept : at_(text.data()), begin_(text.data()), end_(text.data() + text.size()) {}

  // The code of errors that have no better one: 400 to 442, by the level of the grammar.
  error_code level = error_code::syntax_error_in_message;

  bool at_end() const noexcept { return at_ == end_; }
  // NUL at the end.
  char peek() const noexcept { return *at_; }
  std::size_t offset() const noexcept { return static_cast<std::size_t>(at_ - begin_); }
  int depth() const noexcept { return depth_; }
  const std::optional<noted_error>& error() const noexcept { return error_; }
  void clear_error() noexcept { error_.reset(); }

  bool fail(std::string_view expected) { return fail(level, expected, offset()); }
  bool fail(error_code code, std::string_view expected) { return fail(code, expected, offset()); }
  bool fail(error_code code, std::string_view expected, std::size_t where) {
    if (!error_) error_ = noted_error{code, expected, where};
    return false;
  }
  // An error after which nothing more is read.
  bool give_up(error_code code, std::string_view expected) {
    fail(code, expected);
    at_ = end_;
    return false;
  }

  // Something that the grammar does not have has been read, at `where`, and is accepted.
  void deviate(deviation d, std::size_t where) noexcept { deviations_.note(d, where); }
  const noted_deviations& deviations() const noexcept { return deviations_; }

  // LWSP: white space and comments, possibly none.
  void skip() {
    if (is(*at_, gap)) skip_gap();
  }
  // SEP: the same, but at least one.
  bool separator();
  // The end of the text behind LWSP; NULs in front of it count as white space.
  bool take_end();

  // `c` with LWSP around it.
  bool punctuation(char c, std::string_view expected) {
    skip();
    if (*at_ != c) return fail(expected);
    ++at_;
    skip();
    return true;
  }
  // The same, where it may be missing: nothing is noted then, and only LWSP is taken.
  bool take(char c) {
    skip();
    if (*at_ != c) return false;
    ++at_;
    skip();
    return true;
  }
  // `c`, which is not NUL, right here.
  bool take_glued(char c) {
    if (*at_ != c) return false;
    ++at_;
    return true;
  }
  bool equals() { return punctuation('=', "'='"); }
  bool comma() { return take(','); }
  bool open() {
    if (!punctuation('{', "'{'")) return false;
    ++depth_;
    return true;
  }
  bool take_open() {
    if (!take('{')) return false;
    ++depth_;
    return true;
  }
  bool close() {
    skip();
    if (*at_ != '}') return fail("',' or '}'");
    ++at_;
    --depth_;
    skip();
    return true;
  }
  bool next_is(char c) {
    skip();
    return *at_ == c;
  }

  // The longest run of letters, digits and underscores here; may be empty.
  std::string_view word() {
    word_ = at_;
    return run(name_part);
  }
  // Where that was.
  std::size_t last_word() const noexcept { return static_cast<std::size_t>(word_ - begin_); }
  // Goes back to the start of what word() gave.
  void back_to(std::string_view earlier) noexcept { at_ = earlier.data(); }

  bool name(std::string_view& out, std::string_view expected);
  // NAME "/" NAME, NAME "/" "*", "*" "/" "*".
  bool item(item_name& out);
  // The rest of an item name whose package has been read as a word; the slash is next.
  bool item_after(std::string_view package, item_name& out);
  bool number(std::uint32_t& out, std::uint32_t max, std::string_view expected);
  bool uint16(std::uint16_t& out, std::string_view expected);
  bool quoted(std::string_view& out);
  bool one_value(value& out);
  bool termination(termination_id& out) { return path_name(out.name, deviation::termination, "a TerminationID"); }
  bool message_id(mid& out);
  bool digit_map_name(std::string_view& out);
  // 8DIGIT "T" 8DIGIT.
  bool time(time_stamp& out);
  // Up to the next unescaped '}', which is taken; `escaped` tells whether there is a "\}" in it.
  bool octets(std::string_view& out, bool& escaped);
  // X-name or X+name, with `x` already read.
  bool extension_after(std::string_view x, std::string_view& out);
  // Exactly `n` hexadecimal digits.
  bool hex_number(std::size_t n, std::uint32_t& out);
  std::string_view hex_digits();

  // Goes on behind the '}' that brings the depth back to `depth`; false if the text ends before.
  bool skip_to_depth(int depth);

 private:
  // The longest run of characters of these classes. Works on a copy of the cursor: the compiler has to assume that a
  // character may be a part of the cursor itself.
  std::string_view run(unsigned classes) {
    const char* const from = at_;
    const char* to = from;
    while (is(*to, classes)) ++to;
    at_ = to;
    return {from, static_cast<std::size_t>(to - from)};
  }
  void skip_gap();
  // pathNAME, "$" or "*"; what is not in the grammar is noted as `d`.
  bool path_name(std::string_view& out, deviation d, std::string_view expected);
  // The letters, digits and signs of a domain name behind its first one; `extra` may stand in it too.
  void domain(std::string_view extra);
  bool port(mid& out);
  bool bracketed_address(mid& out);

  const char* at_;
  const char* begin_;
  const char* end_;
  const char* word_ = begin_;
  int depth_ = 0;
  std::optional<noted_error> error_;
  noted_deviations deviations_;
};

}  // namespace agw::h248::text
