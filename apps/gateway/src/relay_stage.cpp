#include "agw/gateway/relay_stage.hpp"

#include <utility>

#include "agw/core/scope_guard.hpp"

namespace agw::gateway {

namespace {

awaitable<component_end> wait_and_relay(component_context& c, std::string_view name, make_translator make) {
  byte_stream* const core = co_await c.bearer();
  const auto translates = make(c);
  co_return co_await run_relay(c, *core, *translates, name);
}

}  // namespace

awaitable<component_end> run_relay(component_context& c, byte_stream& core, translator& translates, std::string_view name) {
  relay_config config;
  config.name = name;
  config.flush = c.flush_time();
  relay relaying(config, translates, c.channel(), core, c.gate());
  c.count_with([&relaying] { return relaying.counters(); });
  c.finish_with([&relaying] { relaying.finish(); });
  // The component reads the counters once more after the stage has ended.
  const scope_guard detach([&] {
    c.count_with([last = relaying.counters()] { return last; });
    c.finish_with(nullptr);
  });
  co_return co_await relaying.run();
}

subprotocol_stage relay_stage(std::string_view name, make_translator make) {
  return [name, make = std::move(make)](component_context& c) { return wait_and_relay(c, name, make); };
}

}  // namespace agw::gateway
