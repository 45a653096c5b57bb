// The outer levels: header and transactions, and the placement of errors (RFC 3525 8.2.2): what was read before an error stays,
// the error is filed at the deepest level whose end can still be found, and reading goes on behind that.
#include <string>
#include <utility>

#include "text/parser.hpp"

namespace agw::h248::text {

bool parser::too_complex() {
  gave_up_ = true;
  return in_.give_up(error_code::insufficient_resources, "a message with fewer elements");
}

void parser::find_position(std::size_t offset) {
  if (offset < counted_to_) {
    counted_to_ = line_start_ = 0;
    line_ = 1;
  }
  for (; counted_to_ < offset; ++counted_to_) {
    const char c = text_[counted_to_];
    const bool crlf = c == '\r' && counted_to_ + 1 < text_.size() && text_[counted_to_ + 1] == '\n';
    if (c == '\n' || (c == '\r' && !crlf)) {
      ++line_;
      line_start_ = counted_to_ + 1;
    }
  }
}

void parser::list_deviations() {
  in_.deviations().for_each([this](deviation d, std::size_t offset) {
    find_position(offset);
    add(deviations_, parse_deviation{to_text(d), offset, line_, static_cast<std::uint32_t>(offset - line_start_ + 1)});
  });
}

void parser::record(box<error_descriptor>& out) {
  const noted_error noted = in_.error().value_or(noted_error{in_.level, "something else", in_.offset()});
  in_.clear_error();
  find_position(noted.offset);
  const auto column = static_cast<std::uint32_t>(noted.offset - line_start_ + 1);
  add(errors_, parse_error{noted.code, noted.expected, noted.offset, line_, column});

  std::string told = "line " + std::to_string(line_) + " column " + std::to_string(column) + ": expected ";
  for (const char c : noted.expected) told += c == '"' ? '\'' : c;
  out.emplace_in(memory_, error_descriptor{noted.code, memory_.keep(told)});
}

void parser::file_as(error_descriptor& told, error_code code) {
  told.code = code;
  errors_.back().code = code;
}

bool parser::parse(message& out) {
  box<error_descriptor> unused;
  if (text_.size() > limits_.max_bytes) {
    in_.give_up(error_code::syntax_error_in_message, "a message that is not too long");
    record(unused);
    return false;
  }
  if (!header(out)) {
    record(unused);
    return false;
  }
  if (!transactions(out)) record(unused);
  if (!in_.deviations().none()) list_deviations();
  return true;
}

bool parser::auth(message& out) {
  authentication& a = out.auth.emplace_in(memory_);
  const auto prefix = [this] { return in_.take_glued('0') && (in_.take_glued('x') || in_.take_glued('X')); };
  if (!in_.equals()) return false;
  if (!prefix() || !in_.hex_number(8, a.parameter_index)) return in_.fail("0x and 8 hexadecimal digits");
  if (!in_.take_glued(':') || !prefix() || !in_.hex_number(8, a.sequence)) return in_.fail("':', 0x and 8 hexadecimal digits");
  if (!in_.take_glued(':') || !prefix()) return in_.fail("':', 0x and 24 to 64 hexadecimal digits");
  a.data = in_.hex_digits();
  if (a.data.size() < 24 || a.data.size() > 64) return in_.fail("24 to 64 hexadecimal digits");
  return in_.separator();
}

bool parser::header(message& out) {
  in_.skip();
  std::string_view word = in_.word();
  if (is_token(word, token::authentication)) {
    if (!auth(out)) return false;
    word = in_.word();
  }
  const bool known = word.empty() ? in_.take_glued('!') : is_token(word, token::megaco);
  if (!known) {
    in_.back_to(word);
    return in_.fail("MEGACO or '!'");
  }
  if (!in_.take_glued('/')) return in_.fail("'/' and the version");
  std::uint32_t version = 0;
  const std::size_t where = in_.offset();
  if (!in_.number(version, 99, "a version of one or two digits")) return false;
  if (in_.offset() - where > 2) return in_.fail(in_.level, "a version of one or two digits", where);
  version_ = out.version = static_cast<std::uint8_t>(version);
  const char first = in_.peek();
  if (first == '[' || first == '<') {
    in_.deviate(deviation::separator, in_.offset());
  } else if (!in_.separator()) {
    return false;
  }
  if (!in_.message_id(out.from)) return false;
  if (out.from.type == mid::form::mtp) {
    in_.skip();
  } else if (out.from.type != mid::form::device && !out.from.port && is(in_.peek(), name_start)) {
    in_.deviate(deviation::separator, in_.offset());
  } else if (!in_.separator()) {
    return false;
  }
  if (version < 1 || version > 3) {
    box<error_descriptor> unused;
    in_.fail(error_code::version_not_supported, "version 1, 2 or 3", where);
    record(unused);
  }
  return true;
}

bool parser::transactions(message& out) {
  std::string_view word = in_.word();
  token kind = find_token(word);
  if (kind == token::error) {
    if (!error_body(out.error.emplace_in(memory_))) {
      out.error.reset();
      return false;
    }
    return in_.take_end() || in_.fail("the end of the message");
  }
  do {
    if (out.transactions.size() == limits_.max_transactions) {
      return in_.fail(error_code::too_many_transactions, "fewer transactions");
    }
    in_.level = error_code::syntax_error_in_transaction;
    if (!transaction_item(out, kind)) {
      in_.back_to(word);
      in_.fail("Transaction, Reply, Pending, TransactionResponseAck or Segment");
      record(add_as<transaction_request>(out.transactions).error);
      return true;
    }
    if (lost_ || in_.take_end()) return true;
    word = in_.word();
    kind = find_token(word);
  } while (true);
}

// False if the word starts no transaction.
bool parser::transaction_item(message& out, token kind) {
  switch (kind) {
    case token::transaction:
      request(add_as<transaction_request>(out.transactions));
      return true;
    case token::reply:
      reply(add_as<transaction_reply>(out.transactions));
      return true;
    case token::pending:
    case token::transaction_ack:
    case token::segment:
      break;
    default:
      return false;
  }
  // Pending, acknowledgement and Segment hold no command: a broken one is reported and left out.
  box<error_descriptor> unused;
  if (kind == token::pending) {
    transaction_pending item;
    if (pending(item)) {
      add_as<transaction_pending>(out.transactions) = item;
      return true;
    }
  } else if (kind == token::transaction_ack) {
    transaction_ack item;
    if (ack(item)) {
      add_as<transaction_ack>(out.transactions) = std::move(item);
      return true;
    }
  } else {
    segment_reply item;
    if (segment(item)) {
      add_as<segment_reply>(out.transactions) = item;
      if (is(in_.peek(), gap)) in_.deviate(deviation::segment_end, in_.offset());
      return true;
    }
    lost_ = true;  // has no braces to find its end by
  }
  record(unused);
  lost_ = lost_ || gave_up_ || !in_.skip_to_depth(0);
  return true;
}

bool parser::id(transaction_id& out) { return in_.number(out.value, 0xFFFFFFFFu, "a TransactionID"); }

// After an error inside a transaction: files it, unless an action has taken it, and looks for the transaction's end.
void parser::transaction_broken(list<action>& actions, box<error_descriptor>& error, bool was_open) {
  const bool cut_off = in_.at_end();
  if (gave_up_) actions.clear();
  if (in_.error()) {
    box<error_descriptor> told;
    record(told);
    if (!gave_up_) {
      file_as(*told, cut_off || !was_open ? error_code::syntax_error_in_transaction : error_code::syntax_error_in_action);
    }
    auto& place = actions.empty() ? error : actions.back().error;
    if (!place) place = std::move(told);
  }
  lost_ = gave_up_ || !in_.skip_to_depth(0);
}

void parser::request(transaction_request& out) {
  bool was_open = false;
  if (in_.equals() && id(out.id)) {
    was_open = in_.open();
    if (was_open && actions(out.actions, false) && in_.close()) return;
  } else {
    out.id = {};
  }
  transaction_broken(out.actions, out.error, was_open);
}

void parser::reply(transaction_reply& out) {
  bool was_open = false;
  const auto body = [&] {
    const std::string_view word = in_.word();
    if (is_token(word, token::imm_ack_required)) {
      out.immediate_ack = true;
      if (!in_.punctuation(',', "',' behind ImmAckRequired")) return false;
    } else {
      in_.back_to(word);
    }
    const std::string_view next = in_.word();
    if (is_token(next, token::error)) {
      if (error_body(out.error.emplace_in(memory_))) return true;
      out.error.reset();
      return false;
    }
    in_.back_to(next);
    return actions(out.actions, true);
  };
  if (in_.equals() && id(out.id)) {
    bool segment_good = true;
    if (in_.take_glued('/')) segment_good = segment_number(out.segment.emplace());
    if (segment_good) {
      was_open = in_.open();
      if (was_open && body() && in_.close()) return;
    }
  } else {
    out.id = {};
  }
  transaction_broken(out.actions, out.error, was_open);
}

bool parser::segment_number(reply_segment& out) {
  if (!in_.uint16(out.number, "a segment number")) return false;
  if (!in_.take_glued('/')) return true;
  out.last = true;
  if (in_.take_glued('&')) return true;
  // Nothing separates it from the next transaction: it may be the beginning of a longer word.
  const std::string_view word = in_.word();
  in_.back_to(word);
  if (!istarts_with(word, long_name(token::end))) return in_.fail("END or '&'");
  for (std::size_t n = long_name(token::end).size(); n > 0; --n) in_.take_glued(in_.peek());
  return true;
}

bool parser::pending(transaction_pending& out) { return in_.equals() && id(out.id) && in_.open() && in_.close(); }

bool parser::ack(transaction_ack& out) {
  if (!in_.open()) return false;
  do {
    ack_range& range = add(out.ranges);
    const std::size_t where = in_.offset();
    if (!id(range.first)) return false;
    range.last = range.first;
    if (!in_.take_glued('-')) continue;
    if (!id(range.last)) return false;
    if (range.first <= range.last) continue;
    // TransactionIDs wrap. A last id that is more than half of them away is before the first, not after it.
    const transaction_id last = range.last;
    if (last.value - range.first.value >= 0x80000000u) return in_.fail("a range that does not go backwards");
    in_.deviate(deviation::ack_range, where);
    range.last = transaction_id{0xFFFFFFFFu};
    if (last.value != 0) add(out.ranges, ack_range{transaction_id{1}, last});
  } while (comma());
  return in_.close();
}

bool parser::segment(segment_reply& out) {
  if (!in_.equals() || !id(out.id)) return false;
  if (!in_.take_glued('/')) return in_.fail("'/' and the segment number");
  return segment_number(out.segment);
}

}  // namespace agw::h248::text
