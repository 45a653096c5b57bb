#include "agw/gateway/stages.hpp"
#include "agw/core/error.hpp"
#include "agw/core/scope_guard.hpp"
#include "agw/msrp/relay.hpp"
#include "msrp_paths.hpp"

namespace agw::gateway {

namespace {

msrp::relay_config relay_config_of(component_context& c, const msrp_options& options) {
  msrp::relay_config config;
  const auto* core = c.core_local();
  if (!core || !core->msrp_aware) return config;
  config.paths.mode = msrp::relay_mode::aware;
  config.paths.match = options.match;
  config.sessions = options.sessions;
  config.paths.channel.own = joined_path(c.local().path);
  config.paths.channel.peer = joined_path(c.remote().path);
  config.paths.stream.own = joined_path(core->path);
  if (const auto* remote = c.core_remote()) config.paths.stream.peer = joined_path(remote->path);
  if (auto valid = msrp::validate(config.paths); !valid) throw stage_error("msrp", "path", valid.error());
  return config;
}

component_counters counters_of(const msrp::relay_counters& r) {
  component_counters out;
  out.octets_to_wic = r.to_channel.bytes;
  out.octets_from_wic = r.to_stream.bytes;
  out.messages_to_wic = r.to_channel.messages;
  out.messages_from_wic = r.to_stream.messages;
  out.chunks_forwarded = r.to_channel.chunks + r.to_stream.chunks;
  out.chunks_rejected = r.to_channel.rejected + r.to_stream.rejected;
  return out;
}

}  // namespace

awaitable<component_end> msrp_stage(component_context& c, msrp_options options) {
  byte_stream* const stream = co_await c.bearer();
  msrp::relay relay(relay_config_of(c, options), c.channel(), *stream, c.gate());
  c.count_with([&relay] { return counters_of(relay.counters()); });
  c.finish_with([&relay] { relay.finish(); });
  // The component reads the counters once more after the stage has ended.
  const scope_guard detach([&] {
    c.count_with([last = counters_of(relay.counters())] { return last; });
    c.finish_with(nullptr);
  });
  const auto closed = co_await relay.run();
  if (!closed) co_return component_end::finished;
  co_return *closed == msrp::side::channel ? component_end::wic : component_end::core;
}

void add_builtin_stages(subprotocol_registry& registry, msrp_options options) {
  registry.add("msrp", [options = std::move(options)](component_context& c) { return msrp_stage(c, options); });
}

}  // namespace agw::gateway
