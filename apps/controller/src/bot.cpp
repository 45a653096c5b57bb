#include "bot.hpp"

#include <algorithm>
#include <charconv>
#include <stdexcept>
#include <vector>

#include <boost/asio/post.hpp>

#include "agw/core/error.hpp"
#include "agw/core/give_back.hpp"
#include "agw/core/log.hpp"
#include "agw/core/until.hpp"
#include "agw/h248/ascii.hpp"

namespace agw::controller {

namespace {

constexpr std::size_t largest_kept_file = 64u << 20;
constexpr std::uint64_t largest_made_file = std::uint64_t{1} << 30;
constexpr std::size_t largest_text = 256u << 10;
constexpr std::size_t most_owed = 64;  // messages
constexpr std::size_t most_owed_bytes = 2 * largest_kept_file;
constexpr std::size_t piece_bytes = 64u << 10;

bytes_view as_view(std::string_view text) { return {reinterpret_cast<const std::byte*>(text.data()), text.size()}; }

msrp::session_config config_of(std::string own, std::string peer) {
  msrp::session_config config;
  config.own_path = std::move(own);
  config.peer_path = std::move(peer);
  config.max_size = largest_made_file;
  return config;
}

/// Bytes [at, at + size) of the bot's made-up file.
void fill(std::uint64_t at, std::span<char> out) {
  for (std::size_t i = 0; i < out.size(); ++i) {
    std::uint64_t x = (at + i) / 8 + 0x9e3779b97f4a7c15u;
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
    x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
    out[i] = static_cast<char>((x ^ (x >> 31)) >> (8 * ((at + i) % 8)));
  }
}

/// The filename of a Content-Disposition line, for a sentence.
std::string file_name(std::string_view disposition) {
  const auto at = disposition.find("filename=\"");
  if (at == std::string_view::npos) return "file";
  const auto begin = at + 10;
  return std::string(disposition.substr(begin, disposition.find('"', begin) - begin));
}

}  // namespace

sha256::sha256() : context_(EVP_MD_CTX_new(), &EVP_MD_CTX_free) { EVP_DigestInit_ex(context_.get(), EVP_sha256(), nullptr); }

void sha256::add(bytes_view bytes) { EVP_DigestUpdate(context_.get(), bytes.data(), bytes.size()); }

std::string sha256::finish() {
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned size = 0;
  EVP_DigestFinal_ex(context_.get(), digest, &size);
  static constexpr char digits[] = "0123456789abcdef";
  std::string out;
  for (unsigned i = 0; i < size; ++i) {
    out += digits[digest[i] >> 4];
    out += digits[digest[i] & 15];
  }
  return out;
}

bot_session::bot_session(std::string own_path, std::string peer_path) : session_(config_of(std::move(own_path), std::move(peer_path))) {}

awaitable<void> bot_session::run(byte_stream& stream) {
  auto body = [&](task_group& tasks) -> awaitable<void> {
    tasks.spawn("write", [&] { return write(stream); });
    tasks.spawn("send", [&] { return send_jobs(); });
    tasks.spawn("deadlines", [&] { return watch_deadlines(); });
    co_await read(stream);
  };
  co_await with_tasks("bot", body);
}

awaitable<void> bot_session::read(byte_stream& stream) {
  std::vector<std::byte> buffer(piece_bytes);
  for (;;) {
    while (session_.congested()) co_await may_read_.wait();
    const auto size = co_await stream.read_some(buffer);
    if (size == 0) co_return;
    bytes_view in(buffer.data(), size);
    for (;;) {
      auto next = session_.receive(in);
      if (!next) throw stage_error("msrp", "syntax", next.error());
      output_changed_.set();
      if (std::holds_alternative<msrp::need_more>(*next)) break;
      on_event(*next);
    }
    may_send_.set();  // responses may have made room for what waits to be sent
    if (closing_) co_return;
  }
}

awaitable<void> bot_session::write(byte_stream& stream) {
  for (;;) {
    std::vector<std::string> batch;
    std::size_t bytes = 0;
    while (bytes < 4 * piece_bytes) {
      auto out = session_.take_output(clock::now());
      if (!out) break;
      bytes += out->size();
      batch.push_back(std::move(*out));
    }
    if (batch.empty()) {
      co_await output_changed_.wait();
      continue;
    }
    std::vector<bytes_view> pieces;
    for (const auto& chunk : batch) pieces.push_back(as_view(chunk));
    co_await stream.write(pieces);
    made_room();
  }
}

awaitable<void> bot_session::watch_deadlines() {
  for (;;) {
    co_await sleep_until(deadline_after(std::chrono::seconds(1)));
    while (session_.expire(clock::now())) may_send_.set();
  }
}

void bot_session::on_event(const msrp::session_event& event) {
  if (const auto* started = std::get_if<msrp::message_started>(&event)) {
    if (auto first = std::exchange(on_first_message, nullptr)) first();
    incoming fresh;
    fresh.id = started->id;
    fresh.content_type = started->header->content_type;
    if (const auto* d = started->header->find("Content-Disposition")) fresh.disposition = d->line;
    incoming_.push_back(std::move(fresh));
    return;
  }
  const auto find = [this](std::string_view id) {
    return std::find_if(incoming_.begin(), incoming_.end(), [&](const incoming& m) { return m.id == id; });
  };
  if (const auto* data = std::get_if<msrp::message_data>(&event)) {
    const auto m = find(data->id);
    if (m == incoming_.end()) return;
    m->hash.add(data->bytes);
    const std::size_t limit = m->disposition.empty() ? largest_text : largest_kept_file;
    if (m->whole && m->body.size() + data->bytes.size() <= limit) {
      m->body.append(reinterpret_cast<const char*>(data->bytes.data()), data->bytes.size());
    } else {
      m->whole = false;
      give_back(m->body);
    }
    return;
  }
  if (const auto* done = std::get_if<msrp::message_done>(&event)) {
    const auto m = find(done->id);
    if (m == incoming_.end()) return;
    incoming message = std::move(*m);
    incoming_.erase(m);
    if (done->complete) on_message(std::move(message), done->size);
  }
}

void bot_session::on_message(incoming m, std::uint64_t size) {
  if (size == 0) return;  // the active side's empty SEND
  if (m.disposition.empty()) {
    if (m.whole && m.body.starts_with('/')) {
      on_order(m.body);
      return;
    }
    if (quiet_ || !m.whole) return;
    job back;
    back.head.content_type = m.content_type;
    back.head.size = m.body.size();
    back.body = std::move(m.body);
    queue(std::move(back));
    return;
  }
  say("received " + file_name(m.disposition) + ": " + std::to_string(size) + " bytes, SHA-256 " + m.hash.finish());
  if (quiet_) return;
  if (!m.whole) {
    say("too big to be sent back");
    return;
  }
  job back;
  back.head.content_type = m.content_type;
  back.head.size = m.body.size();
  back.head.extra = m.disposition;
  back.body = std::move(m.body);
  queue(std::move(back));
}

void bot_session::on_order(const std::string& text) {
  if (text == "/quiet") {
    quiet_ = true;
  } else if (text == "/loud") {
    quiet_ = false;
  } else if (text == "/close") {
    closing_ = true;
  } else if (text.starts_with("/file ")) {
    std::uint64_t size = 0;
    const char* const begin = text.data() + 6;
    const auto [end, ec] = std::from_chars(begin, text.data() + text.size(), size);
    if (ec != std::errc() || size > largest_made_file) {
      say("a file has 0 to " + std::to_string(largest_made_file) + " bytes");
      return;
    }
    const auto rest = text.find_first_not_of(' ', static_cast<std::size_t>(end - text.data()));
    std::string name = rest == std::string::npos ? "file.bin" : text.substr(rest);
    std::erase_if(name, [](char c) { return c == '"' || c == '\\' || static_cast<unsigned char>(c) < 32; });
    if (wanted_files_.size() < most_owed) wanted_files_.emplace_back(size, std::move(name));
    jobs_changed_.set();
  } else {
    say("orders: /file N [NAME], /quiet, /loud, /close");
  }
}

void bot_session::set_limits(std::vector<std::string> accept_types, std::optional<std::uint64_t> max_size) {
  accept_types_ = std::move(accept_types);
  max_size_ = max_size;
}

bool bot_session::may_send(const msrp::outgoing_message& head) const {
  if (max_size_ && head.size && *head.size > *max_size_) return false;
  const auto type = std::string_view(head.content_type).substr(0, head.content_type.find(';'));
  const auto takes = [type](std::string_view accepted) {
    if (accepted == "*") return true;
    if (accepted.ends_with("/*")) return h248::iequals(accepted.substr(0, accepted.size() - 1), type.substr(0, accepted.size() - 1));
    return h248::iequals(accepted, type);
  };
  return accept_types_.empty() || std::ranges::any_of(accept_types_, takes);
}

void bot_session::say(std::string text) {
  job one;
  one.head.size = text.size();
  one.body = std::move(text);
  queue(std::move(one));
}

// A peer that asks faster than it takes is not answered any more until it has taken some.
void bot_session::queue(job one) {
  if (!may_send(one.head)) {
    log::info("bot: the peer does not take {} of {} bytes", one.head.content_type, one.head.size.value_or(0));
    return;
  }
  const auto* text = std::get_if<std::string>(&one.body);
  const std::size_t size = text ? text->size() : 0;
  if (jobs_.size() >= most_owed || owed_bytes_ + size > most_owed_bytes) {
    log::info("bot: too much is owed, {} bytes are not sent back", size);
    return;
  }
  owed_bytes_ += size;
  jobs_.push_back(std::move(one));
  jobs_changed_.set();
}

void bot_session::made_room() {
  may_read_.set();
  may_send_.set();
}

awaitable<void> bot_session::send_jobs() {
  for (;;) {
    if (!jobs_.empty()) {
      job one = std::move(jobs_.front());
      jobs_.pop_front();
      if (const auto* text = std::get_if<std::string>(&one.body)) owed_bytes_ -= text->size();
      co_await send(std::move(one));
    } else if (!wanted_files_.empty()) {
      auto [size, name] = std::move(wanted_files_.front());
      wanted_files_.pop_front();
      co_await make_file(size, std::move(name));
    } else {
      co_await jobs_changed_.wait();
    }
  }
}

// The hash goes first, so the file is made twice: once for it, once for the wire.
awaitable<void> bot_session::make_file(std::uint64_t size, std::string name) {
  sha256 hash;
  std::vector<char> piece(piece_bytes);
  for (std::uint64_t at = 0; at < size; at += piece.size()) {
    const auto n = static_cast<std::size_t>(std::min<std::uint64_t>(piece.size(), size - at));
    fill(at, std::span(piece).first(n));
    hash.add(as_view(std::string_view(piece.data(), n)));
    co_await asio::post(use_awaitable);
  }
  say("sending " + name + ": " + std::to_string(size) + " bytes, SHA-256 " + hash.finish());
  job file;
  file.head.content_type = "application/octet-stream";
  file.head.size = size;
  file.head.extra = "Content-Disposition: attachment; filename=\"" + name + "\"; size=" + std::to_string(size) + "\r\n";
  generated body;
  body.size = size;
  file.body = body;
  queue(std::move(file));
}

awaitable<void> bot_session::send(job one) {
  auto id = session_.begin(one.head);
  while (!id && id.error() == core_error::limit_reached) {  // too many messages wait for the peer's answers
    co_await may_send_.wait();
    id = session_.begin(one.head);
  }
  if (!id) {
    log::warn("bot: cannot send: {}", id.error().message());
    co_return;
  }
  const auto* text = std::get_if<std::string>(&one.body);
  const std::uint64_t size = text ? text->size() : std::get<generated>(one.body).size;
  std::vector<char> piece(text ? 0 : piece_bytes);
  std::uint64_t at = 0;
  for (;;) {
    std::string_view rest;
    if (text) {
      rest = std::string_view(*text).substr(static_cast<std::size_t>(at), piece_bytes);
    } else {
      const auto n = static_cast<std::size_t>(std::min<std::uint64_t>(piece.size(), size - at));
      fill(at, std::span(piece).first(n));
      rest = std::string_view(piece.data(), n);
    }
    const auto took = session_.write(*id, as_view(rest), at + rest.size() == size);
    if (!took) co_return;  // refused by the peer meanwhile
    at += took->taken;
    output_changed_.set();
    if (took->ended) co_return;
    if (took->taken < rest.size() || rest.empty()) co_await may_send_.wait();
  }
}

}  // namespace agw::controller
