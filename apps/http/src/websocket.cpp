#include "agw/core/sockets.hpp"
#include "agw/http/websocket.hpp"

#include <deque>

#include <boost/asio/redirect_error.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/buffers_to_string.hpp>
#include <boost/beast/websocket.hpp>

#include "agw/core/error.hpp"
#include "agw/core/event.hpp"
#include "agw/core/log.hpp"
#include "agw/core/metrics.hpp"
#include "agw/core/scope_guard.hpp"
#include "agw/core/task_group.hpp"
#include "agw/core/until.hpp"

#include "connection.hpp"

namespace agw::http {

namespace ws = beast::websocket;
using asio::ip::tcp;

struct websocket::impl {
  impl(tcp_socket socket, const websocket_config& c) : config(c), stream(std::move(socket)) {}

  // Nothing passes any more; whoever waits learns of it.
  void end() {
    open = false;
    error_code ignored;
    stream.next_layer().close(ignored);
    queue.clear();
    queued = 0;
    wake.set();
    for (auto* waiting : senders) waiting->set();
  }

  bool has_room(std::size_t bytes) const { return queued == 0 || queued + bytes <= config.max_queue_bytes; }

  void push(std::string text) {
    queued += text.size();
    queue.push_back(std::move(text));
    wake.set();
  }

  const websocket_config& config;
  ws::stream<tcp_socket> stream;
  std::deque<std::string> queue;
  std::size_t queued = 0;          // bytes in `queue` and in the message being written
  std::deque<event*> senders;      // those who wait for room, the longest first
  event wake;                      // for the writer
  event written;                   // the writer has ended
  bool open = true;                // messages pass
  bool closing = false;            // a Close frame follows the queue
  ws::close_reason farewell{ws::close_code::normal};
};

namespace {

awaitable<void> write_one(ws::stream<tcp_socket>& stream, const std::string& text) {
  co_await stream.async_write(asio::buffer(text), use_awaitable);
}

awaitable<void> say_close(ws::stream<tcp_socket>& stream, const ws::close_reason& reason) {
  co_await stream.async_close(reason, use_awaitable);
}

// The only one who writes. Ends after the Close frame, or when the peer has gone or reads too slowly.
awaitable<void> write_all(websocket::impl& s) {
  try {
    while (s.open) {
      if (s.queue.empty()) {
        if (s.closing) break;
        co_await s.wake.wait();
        continue;
      }
      const auto text = std::move(s.queue.front());
      s.queue.pop_front();
      co_await until(deadline_after(s.config.send_timeout), write_one(s.stream, text));
      s.queued -= std::min(s.queued, text.size());
      if (!s.senders.empty()) s.senders.front()->set();
    }
    if (s.open) co_await until(deadline_after(s.config.close_timeout), say_close(s.stream, s.farewell));
  } catch (const system_error& e) {
    if (e.code() == core_error::timed_out) count_drop("http", "slow");
  }
  s.end();
  s.written.set();
}

}  // namespace

awaitable<std::optional<std::string>> websocket::receive() {
  auto& s = impl_;
  std::optional<std::string> out;
  if (!s.open || s.closing) co_return out;
  beast::flat_buffer buffer;
  error_code ec;
  auto token = asio::redirect_error(use_awaitable, ec);
  co_await s.stream.async_read(buffer, token);
  const auto state = co_await asio::this_coro::cancellation_state;
  if (state.cancelled() != asio::cancellation_type::none) throw system_error(make_error_code(asio::error::operation_aborted));
  if (ec && !s.closing) s.end();
  if (!ec && !s.closing) out = beast::buffers_to_string(buffer.data());
  co_return out;
}

awaitable<bool> websocket::send(std::string text) {
  auto& s = impl_;
  const auto may_pass = [&s, &text] { return s.has_room(text.size()); };
  if (s.open && !s.closing && (!s.senders.empty() || !may_pass())) {
    event turn;
    s.senders.push_back(&turn);
    const scope_guard leave([&] { std::erase(s.senders, &turn); });
    while (s.open && !s.closing && (s.senders.front() != &turn || !may_pass())) co_await turn.wait();
  }
  if (!s.open || s.closing) co_return false;
  s.push(std::move(text));
  // The next in line may fit as well.
  const auto next = std::find_if(s.senders.begin(), s.senders.end(), [](auto* e) { return !e->is_set(); });
  if (next != s.senders.end()) (*next)->set();
  co_return true;
}

bool websocket::post(std::string text) {
  auto& s = impl_;
  if (!s.open || s.closing) return false;
  if (!s.has_room(text.size())) {
    count_drop("http", "slow");
    s.end();
    return false;
  }
  s.push(std::move(text));
  return true;
}

void websocket::close(std::uint16_t code, std::string reason) {
  auto& s = impl_;
  if (!s.open || s.closing) return;
  if (reason.size() > 120) reason.resize(120);  // a control frame holds 125 bytes
  s.farewell = ws::close_reason(static_cast<ws::close_code>(code), reason);
  s.closing = true;
  s.wake.set();
  for (auto* waiting : s.senders) waiting->set();
}

bool websocket::is_open() const noexcept { return impl_.open && !impl_.closing; }
std::size_t websocket::queued_bytes() const noexcept { return impl_.queued; }

asio::ip::tcp::endpoint websocket::remote() const {
  error_code ec;
  return impl_.stream.next_layer().remote_endpoint(ec);
}

bool same_origin(const beast_request& request) {
  const auto origin = request.find(beast::http::field::origin);
  if (origin == request.end()) return true;
  const auto host = request[beast::http::field::host];
  const auto value = origin->value();
  const auto scheme = value.find("://");
  return scheme != value.npos && beast::iequals(value.substr(scheme + 3), host);
}

awaitable<void> serve_websocket(tcp_socket socket, beast_request request, const websocket_config& config,
                                const websocket_handler& handler) {
  websocket::impl s(std::move(socket), config);
  ws::stream_base::timeout limits;
  limits.handshake_timeout = std::chrono::seconds(10);
  limits.idle_timeout = std::chrono::duration_cast<ws::stream_base::duration>(config.idle_timeout);
  limits.keep_alive_pings = true;
  s.stream.set_option(limits);
  s.stream.auto_fragment(false);
  s.stream.read_message_max(config.max_message_bytes);
  error_code ec;
  auto token = asio::redirect_error(use_awaitable, ec);
  co_await s.stream.async_accept(request, token);
  if (ec) co_return;

  auto body = [&s, &handler](task_group& group) -> awaitable<void> {
    auto writer = [&s] { return write_all(s); };
    group.spawn("writer", std::move(writer));
    websocket front(s);
    std::exception_ptr error;
    try {
      co_await handler(front);
    } catch (...) {
      error = std::current_exception();
    }
    const auto state = co_await asio::this_coro::cancellation_state;
    if (error && state.cancelled() != asio::cancellation_type::none) std::rethrow_exception(error);
    if (error) {
      log::error("http: a WebSocket handler failed: {}", describe(error));
      front.close(1011, "internal error");
    }
    front.close();
    try {
      co_await until(deadline_after(s.config.close_timeout), s.written.wait());
    } catch (const system_error&) {
      if (is_cancellation(std::current_exception())) throw;
    }
  };
  co_await with_tasks("websocket", std::move(body));
}

}  // namespace agw::http
