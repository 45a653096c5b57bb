#include "agw/gateway/stages.hpp"
#include "agw/core/error.hpp"
#include "agw/msrp/relay.hpp"

namespace agw::gateway {

namespace {

std::string joined(const std::vector<std::string>& path) {
  std::string out;
  for (const auto& uri : path) {
    if (!out.empty()) out += ' ';
    out += uri;
  }
  return out;
}

msrp::relay_config relay_config_of(component_context& c) {
  msrp::relay_config config;
  const auto* core = c.core_local();
  if (!core || !core->msrp_aware) return config;
  config.paths.mode = msrp::relay_mode::aware;
  config.paths.channel.own = joined(c.local().path);
  config.paths.channel.peer = joined(c.remote().path);
  config.paths.stream.own = joined(core->path);
  if (const auto* remote = c.core_remote()) config.paths.stream.peer = joined(remote->path);
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

// While the relay lives the component reads its counters; what is left behind is their last state, however the relay ended.
class attached {
 public:
  attached(component_context& c, msrp::relay& r) : context_(c), relay_(r) {
    c.count_with([&r] { return counters_of(r.counters()); });
    c.finish_with([&r] { r.finish(); });
  }
  attached(const attached&) = delete;
  ~attached() {
    context_.count_with([last = counters_of(relay_.counters())] { return last; });
    context_.finish_with(nullptr);
  }

 private:
  component_context& context_;
  msrp::relay& relay_;
};

}  // namespace

awaitable<component_end> msrp_stage(component_context& c) {
  byte_stream* const stream = co_await c.bearer();
  msrp::relay relay(relay_config_of(c), c.channel(), *stream, c.gate());
  attached while_running(c, relay);
  const auto closed = co_await relay.run();
  if (!closed) co_return component_end::finished;
  co_return *closed == msrp::side::channel ? component_end::wic : component_end::core;
}

void add_builtin_stages(subprotocol_registry& registry) { registry.add("msrp", msrp_stage); }

}  // namespace agw::gateway
