#include "agw/msrp/chunk_parser.hpp"

#include <algorithm>
#include <cstring>

#include "header_reader.hpp"

namespace agw::msrp {
namespace {

constexpr std::string_view crlf = "\r\n";
constexpr std::string_view hyphens = "-------";
constexpr std::string_view protocol = "MSRP ";

bytes_view take(bytes_view& in, std::size_t count) noexcept {
  const auto front = in.first(count);
  in = in.subspan(count);
  return front;
}

// How many of the last octets of `in` could be the beginning of `pattern`. Only its first octet is a CR, so nothing but the last
// CR of `in` can begin it.
std::size_t partial_tail(bytes_view in, std::string_view pattern) noexcept {
  const auto text = as_text(in).substr(in.size() - std::min(in.size(), pattern.size() - 1));
  const auto cr = text.rfind('\r');
  if (cr == std::string_view::npos) return 0;
  const auto tail = text.substr(cr);
  return pattern.substr(0, tail.size()) == tail ? tail.size() : 0;
}

}  // namespace

boost::system::error_code chunk_parser::fail(boost::system::error_code code) {
  state_ = state::failed;
  error_ = code;
  return code;
}

boost::system::result<chunk_event> chunk_parser::next(bytes_view& in) {
  switch (state_) {
    case state::start: return next_start(in);
    case state::header: return next_header(in);
    case state::body: return next_body(in);
    case state::ending:
      state_ = state::start;
      return chunk_event(chunk_end{flag_});
    case state::failed: break;
  }
  return error_;
}

// Between chunks: CRLF is a keep-alive, any other octet begins a chunk.
boost::system::result<chunk_event> chunk_parser::next_start(bytes_view& in) {
  bool keeps_alive = false;
  while (!in.empty() && as_text(in).front() == crlf[cr_seen_ ? 1 : 0]) {
    in = in.subspan(1);
    keeps_alive = keeps_alive || cr_seen_;
    cr_seen_ = !cr_seen_;
  }
  if (keeps_alive) return chunk_event(keep_alive{});
  if (in.empty()) return chunk_event(need_more{});
  if (cr_seen_) return fail(errc::bad_start_line);
  block_.clear();
  line_start_ = 0;
  header_done_ = false;
  matched_ = not_body_ = 0;
  header_ = chunk_header{};
  state_ = state::header;
  return next_header(in);
}

// Collects lines until one of them ends the headers.
boost::system::result<chunk_event> chunk_parser::next_header(bytes_view& in) {
  while (!in.empty()) {
    const auto* newline = static_cast<const std::byte*>(std::memchr(in.data(), '\n', in.size()));
    const auto count = newline != nullptr ? static_cast<std::size_t>(newline - in.data()) + 1 : in.size();
    // The empty line or end-line is not part of the block, but it is short: it counts towards the limit, too.
    if (block_.size() + count > limits_.header_bytes) {
      const bool garbage = block_.size() < protocol.size() && as_text(in).substr(0, protocol.size()) != protocol;
      return fail(garbage ? errc::bad_start_line : errc::header_too_large);
    }
    block_.append(as_text(take(in, count)));
    // Other protocols are recognized by their first octets: they may never send a newline.
    if (line_start_ == 0) {
      const auto seen = std::min(block_.size(), protocol.size());
      if (std::string_view(block_).substr(0, seen) != protocol.substr(0, seen)) return fail(errc::bad_start_line);
    }
    if (newline == nullptr) return chunk_event(need_more{});
    if (const auto error = take_line(std::string_view(block_).substr(line_start_))) return fail(error);
    if (header_done_) return chunk_event(header_complete{});
  }
  return chunk_event(need_more{});
}

boost::system::error_code chunk_parser::take_line(std::string_view line) {
  if (line.size() < 2 || line[line.size() - 2] != '\r') return line_start_ == 0 ? errc::bad_start_line : errc::bad_header;
  const bool empty_line = line == crlf;
  const bool end_line = line.substr(0, hyphens.size()) == hyphens;
  if (!empty_line && !end_line) {
    line_start_ = block_.size();
    return {};
  }
  header_.has_body = empty_line;
  const auto block = std::string_view(block_).substr(0, line_start_);
  if (const auto error = read_header(block, limits_.fields, fields_, header_)) return error;
  header_done_ = true;
  if (end_line) {
    if (!read_end_line(line, header_.transaction_id, flag_)) return errc::bad_end_line;
    state_ = state::ending;
    return {};
  }
  end_line_.assign(crlf).append(hyphens).append(header_.transaction_id);
  matched_ = not_body_ = crlf.size();
  state_ = state::body;
  return {};
}

// What was matched so far is body after all, but for the empty line's CRLF.
chunk_event chunk_parser::matched_as_body() {
  const auto body = std::string_view(end_line_).substr(not_body_, matched_ - not_body_);
  matched_ = not_body_ = 0;
  return body_piece{as_bytes(body)};
}

boost::system::result<chunk_event> chunk_parser::next_body(bytes_view& in) {
  const std::size_t size = end_line_.size();
  if (matched_ == crlf.size() && not_body_ != 0 && !in.empty() && as_text(in).front() != hyphens.front()) matched_ = not_body_ = 0;
  if (matched_ == 0) {
    if (in.empty()) return chunk_event(need_more{});
    const auto* found = static_cast<const std::byte*>(memmem(in.data(), in.size(), end_line_.data(), size));
    matched_ = found != nullptr ? size : partial_tail(in, end_line_);
    const auto before = found != nullptr ? static_cast<std::size_t>(found - in.data()) : in.size() - matched_;
    const auto body = take(in, before);
    in = in.subspan(matched_);
    if (!body.empty()) return chunk_event(body_piece{body});
  }
  while (matched_ < size) {
    if (in.empty()) return chunk_event(need_more{});
    if (static_cast<char>(in.front()) != end_line_[matched_]) return chunk_event(matched_as_body());
    ++matched_;
    in = in.subspan(1);
  }
  while (matched_ < size + 3) {
    if (in.empty()) return chunk_event(need_more{});
    const char c = static_cast<char>(in.front());
    if (matched_ == size) {
      // Without a flag behind it this is body: an id may be the beginning of another one.
      if (!is_flag(c)) return chunk_event(matched_as_body());
      flag_ = static_cast<continuation>(c);
    } else if (c != (matched_ == size + 1 ? '\r' : '\n')) {
      // The end-line with its flag must not occur in the body (RFC 4975, 7.1): it is not known whether this is body.
      return fail(errc::bad_end_line);
    }
    ++matched_;
    in = in.subspan(1);
  }
  state_ = state::start;
  return chunk_event(chunk_end{flag_});
}

}  // namespace agw::msrp
