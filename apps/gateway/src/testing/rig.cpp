#include "agw/gateway/testing/rig.hpp"

#include <exception>

#include <boost/asio/post.hpp>

#include "agw/core/until.hpp"
#include "agw/gateway/stages.hpp"

namespace agw::testing {

std::shared_ptr<const dtls::context> gateway_identity() {
  static const auto made = std::make_shared<const dtls::context>(dtls::certificate::self_signed());
  return made;
}

rig::rig() {
  for (const auto* stage : {"ice", "dtls", "sctp", "channel", "tcp", "tls"}) services.stages.deadlines.emplace(stage, patience);
  services.ports = &ports;
  services.dtls = gateway_identity();
  services.config.flush_time = patience;  // tests that end by it set their own
  services.config.accept_patience = patience;
  gateway::add_builtin_stages(services.subprotocols);
}

void rig::run_to_end(std::function<awaitable<void>(gateway::context&)> body) {
  testing::run(loop, [&]() -> awaitable<void> {
    auto sink = [this](gateway::gateway_event e) {
      events.push_back(std::move(e));
      changed.set();
    };
    gateway::context gateway(services, loop.get_executor(), gateway::context_id{7}, sink);
    std::exception_ptr error;
    try {
      co_await body(gateway);
    } catch (...) {
      error = std::current_exception();
    }
    co_await gateway.close();
    if (error) std::rethrow_exception(error);
  });
}

awaitable<gateway::gateway_event> rig::event_of(std::string stage, gateway::gateway_event::kind what, gateway::stream_number stream) {
  for (;;) {
    for (const auto& e : events) {
      if (e.stage == stage && e.what == what && e.stream == stream) co_return e;
    }
    co_await until(deadline_after(event_patience), changed.wait());
  }
}

awaitable<void> rig::events_of(std::string stage, gateway::gateway_event::kind what, std::size_t count, gateway::stream_number stream) {
  while (this->count(stage, what, stream) < count) co_await until(deadline_after(event_patience), changed.wait());
}

std::size_t rig::count(std::string_view stage, gateway::gateway_event::kind what, gateway::stream_number stream) const {
  std::size_t out = 0;
  for (const auto& e : events) out += e.stage == stage && e.what == what && e.stream == stream;
  return out;
}

awaitable<void> settle() {
  for (int i = 0; i < 50; ++i) co_await asio::post(co_await asio::this_coro::executor, use_awaitable);
}

awaitable<void> set_mode(gateway::context& gateway, gateway::termination_id side, stream_mode mode) {
  gateway::stream_change wanted;
  wanted.mode = mode;
  auto change = with_stream(side, s2, std::move(wanted));
  (void)co_await gateway.apply(std::move(change));
}

}  // namespace agw::testing
