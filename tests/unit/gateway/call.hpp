// A call between a WIC and a TCP peer, both in the test's process.
#pragma once

#include <boost/asio/read_until.hpp>

#include "rig.hpp"

namespace agw::gateway::test {

/// A call up to the open channel of stream 2 and its TCP connection; `body(tasks, channel, core)` does the rest.
struct call {
  explicit call(rig& r, bool with_ice = false) : r_(r), browser(r, with_ice), listens(listening(r)), core(r.loop) {}

  template <class F>
  awaitable<void> run(context& gateway, F body) {
    const auto port = listens.local_endpoint().port();
    auto core_wanted = with_stream(core_side, s2, bearer_change(setup_role::active, port));
    if (adjust_core) adjust_core(core_wanted);
    const auto core_answer = co_await gateway.apply(std::move(core_wanted));
    REQUIRE(core_answer.has_value());
    auto wanted = browser.call({4});
    if (adjust) adjust(wanted);
    const auto answer = co_await gateway.apply(std::move(wanted));
    REQUIRE(answer.has_value());
    access = association_of(*answer);
    core = co_await listens.async_accept(asio::use_awaitable);
    // The gateway may close the association while the body still looks: the WIC's pumps end apart from it.
    task_group pumps(co_await asio::this_coro::executor, "wic");
    std::exception_ptr error;
    try {
      browser.tap = tap;
      co_await browser.establish(pumps, access);
      channel = co_await browser.association->open_channel(4, "", "msrp");
      if (adjust_channel) adjust_channel(gateway);
      co_await r_.event_of("channel", gateway_event::kind::established);
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

  awaitable<void> say(std::string text) {
    const auto bytes = std::as_bytes(std::span(text.data(), text.size()));
    co_await channel->send(bytes);
  }
  /// Reads from the core until `end` was seen.
  awaitable<std::string> core_hears(std::string end) {
    const auto size = co_await asio::async_read_until(core, asio::dynamic_buffer(heard), end, asio::use_awaitable);
    std::string out = heard.substr(0, size);
    heard.erase(0, size);
    co_return out;
  }
  /// The core has what the WIC says, to the letter.
  awaitable<void> passes_to_core(std::string id, std::string text) {
    const auto sent = msrp_send(id, text);
    co_await say(sent);
    const auto at_core = co_await core_hears("-------" + id + "$\r\n");
    CHECK(at_core == sent);
  }
  /// Reads from the channel until `end` was seen.
  awaitable<std::string> wic_hears(std::string end) {
    std::vector<message> got;
    while (read_all(got).find(end) == std::string::npos) {
      if (!co_await channel->receive(got)) break;
    }
    co_return read_all(got);
  }

  rig& r_;
  wic browser;
  asio::ip::tcp::acceptor listens;
  asio::ip::tcp::socket core;
  association_answer access;
  std::unique_ptr<sctp::data_channel> channel;
  std::string heard;
  std::function<void(termination_change&)> adjust;
  std::function<void(termination_change&)> adjust_core;
  std::function<void(context&)> adjust_channel;
  std::function<void(bytes_view)> tap;
};

}  // namespace agw::gateway::test
