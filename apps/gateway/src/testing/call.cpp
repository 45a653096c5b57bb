#include "agw/gateway/testing/call.hpp"

#include <exception>
#include <span>
#include <stdexcept>

#include <boost/asio/buffer.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/redirect_error.hpp>

namespace agw::testing {

tcp_acceptor listening(rig& r) { return tcp_acceptor(r.loop, asio::ip::tcp::endpoint(loopback, 0)); }

awaitable<tcp_socket> dial(rig& r, std::uint16_t port, std::string from) {
  tcp_socket s(r.loop, asio::ip::tcp::v4());
  s.bind(asio::ip::tcp::endpoint(asio::ip::make_address(from), 0));
  error_code reset;  // a gateway that wants no connection from here may be faster than we
  co_await s.async_connect(asio::ip::tcp::endpoint(loopback, port), asio::redirect_error(use_awaitable, reset));
  co_return s;
}

std::string read_all(const std::vector<message>& messages) {
  std::string out;
  for (const auto& m : messages) out.append(reinterpret_cast<const char*>(m.bytes.data()), m.bytes.size());
  return out;
}

call::call(rig& r, bool with_ice) : browser(r, with_ice), listens(listening(r)), core(r.loop), r_(r) {}

awaitable<void> call::run_to_end(gateway::context& gateway, std::function<awaitable<void>(task_group&)> body) {
  const auto port = listens.local_endpoint().port();
  auto core_wanted = with_stream(core_side, s2, bearer_change(gateway::setup_role::active, port));
  if (adjust_core) adjust_core(core_wanted);
  const auto core_answer = co_await gateway.apply(std::move(core_wanted));
  (void)granted(core_answer);
  auto wanted = browser.call({4});
  if (adjust) adjust(wanted);
  const auto answer = co_await gateway.apply(std::move(wanted));
  access = association_of(granted(answer));
  core = co_await listens.async_accept(use_awaitable);
  // The gateway may close the association while the body still looks: the WIC's pumps end apart from it.
  task_group pumps(co_await asio::this_coro::executor, "wic");
  std::exception_ptr error;
  try {
    browser.tap = tap;
    co_await browser.establish(pumps, access);
    channel = co_await browser.association->open_channel(4, "", "msrp");
    if (adjust_channel) adjust_channel(gateway);
    co_await r_.event_of("channel", gateway::gateway_event::kind::established);
    co_await body(pumps);
  } catch (...) {
    error = std::current_exception();
  }
  channel.reset();
  browser.association.reset();
  try {
    co_await pumps.stop();
  } catch (const stage_error&) {
  }
  if (error) std::rethrow_exception(error);
}

awaitable<void> call::say(std::string text) { return say(std::move(text), message_kind::binary); }
awaitable<void> call::say_text(std::string text) { return say(std::move(text), message_kind::text); }

awaitable<void> call::say(std::string text, message_kind kind) {
  const auto bytes = std::as_bytes(std::span(text.data(), text.size()));
  co_await channel->send(bytes, kind);
}

awaitable<std::string> call::core_hears(std::string end) {
  const auto size = co_await asio::async_read_until(core, asio::dynamic_buffer(heard), end, use_awaitable);
  std::string out = heard.substr(0, size);
  heard.erase(0, size);
  co_return out;
}

awaitable<void> call::passes_to_core(std::string id, std::string text) {
  const auto sent = msrp_send(id, text);
  co_await say(sent);
  const auto at_core = co_await core_hears("-------" + id + "$\r\n");
  if (at_core != sent) throw std::logic_error("the core has something else than the WIC said: " + at_core);
}

awaitable<std::string> call::wic_hears(std::string end) {
  std::vector<message> got;
  while (read_all(got).find(end) == std::string::npos) {
    if (!co_await channel->receive(got)) break;
  }
  co_return read_all(got);
}

}  // namespace agw::testing
