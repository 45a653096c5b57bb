// The text encoding of H.248.1 (Annex B), versions 1, 2 and 3: bytes to messages and back. Pure functions, no I/O, one linear
// pass, no allocation per token: the message refers to the text it was parsed from.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include <agw/h248/message.hpp>

namespace agw::h248 {

// A peer may send anything: bounds on what one message may cost.
struct parse_limits {
  std::size_t max_bytes = 65536;             // of text; a TPKT holds 65531
  std::size_t max_memory_bytes = 1u << 20;   // of parsed elements; the 1 KB Add of a call takes 6 KB
  std::size_t max_transactions = 256;        // beyond: error 413. The profile's limit of 10 is the transaction layer's
  std::size_t max_parameters = 256;          // of one event or signal
};

// A place where the text is not a message, and the code that tells the sender so (H.248.8).
struct parse_error {
  error_code code{};
  std::string_view expected;  // what should have stood there: static text
  std::size_t offset = 0;     // in bytes
  std::uint32_t line = 1;     // from 1; a line ends with LF, CR LF or CR
  std::uint32_t column = 1;   // from 1, in bytes
  bool operator==(const parse_error&) const = default;
};

// A place where the text is a message though not one by the grammar of Annex B: equipment writes it so, and it is read. Each kind
// is told once, where it was met first.
struct parse_deviation {
  std::string_view what;      // static text
  std::size_t offset = 0;     // in bytes
  std::uint32_t line = 1;     // as in parse_error
  std::uint32_t column = 1;
  bool operator==(const parse_deviation&) const = default;
};

// A message with everything it refers to, at addresses that survive a move. Errors do not spoil what could be read: a broken
// transaction stands in the message with its `error` or `fault` (see message.hpp), the ones around it are intact.
class parsed_message {
 public:
  parsed_message(parsed_message&&) noexcept;
  parsed_message& operator=(parsed_message&&) noexcept;
  ~parsed_message();

  const message& operator*() const noexcept;
  const message* operator->() const noexcept;
  // To alter it.
  message& get() noexcept;

  // No error at all.
  bool ok() const noexcept { return errors().empty(); }
  // Version and sender were read, so that an answer can be addressed; false: nothing in the message is meaningful.
  bool readable() const noexcept;
  // In the order of the text.
  const list<parse_error>& errors() const noexcept;
  // In the order of the text; none for a message by the grammar. They are no errors.
  const list<parse_deviation>& deviations() const noexcept;
  std::string_view text() const noexcept;
  arena& memory() noexcept;

 private:
  friend class text_parser;
  struct state;
  explicit parsed_message(std::unique_ptr<state> at) noexcept;
  std::unique_ptr<state> at_;
};

// Keeps the text.
parsed_message parse(std::string text, const parse_limits& limits = {});
// The caller keeps the text, as it is, for as long as the message lives.
parsed_message parse_view(const std::string& text, const parse_limits& limits = {});
parsed_message parse_view(std::string&& text, const parse_limits& limits = {}) = delete;

enum class layout : std::uint8_t { compact, pretty };

// Appends the message. Compact has short tokens and no white space that is not needed; pretty has long tokens, one item a line.
// Always grammatical as far as values go: bytes that a string cannot hold are replaced, values that need quotes get them,
// `}` is escaped in Local and Remote. Names, termination ids and digit maps are written as they are. What a version does not have is
// written as that version can: an action reply that says nothing has braces before version 3, and version 1 has no EmergencyOff.
void write(std::string& out, const message& m, layout style = layout::compact);
std::string to_text(const message& m, layout style = layout::compact);

// The transactions of a message come in one by one, under a limit of bytes: these are the pieces write() puts together. Nothing ends a
// Segment but the message: for peers that read beyond it (erlang-megaco does) it has to be the last one.
void write_header(std::string& out, const message& m, layout style = layout::compact);
void write_transaction(std::string& out, const transaction& t, std::uint8_t version, layout style = layout::compact);

}  // namespace agw::h248
