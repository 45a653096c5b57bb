#include "agw/core/error.hpp"
#include "agw/gateway/relay_stage.hpp"
#include "agw/gateway/stages.hpp"
#include "agw/msrp/relay_translator.hpp"
#include "msrp_paths.hpp"

namespace agw::gateway {

namespace {

std::unique_ptr<translator> make_msrp(component_context& c, const msrp_options& options) {
  msrp::relay_options relaying;
  const auto* core = c.core_local();
  if (core && core->msrp_aware) {
    relaying.paths.mode = msrp::relay_mode::aware;
    relaying.paths.match = options.match;
    relaying.sessions = options.sessions;
    relaying.paths.wic.own = joined_path(c.local().path);
    relaying.paths.wic.peer = joined_path(c.remote().path);
    relaying.paths.core.own = joined_path(core->path);
    if (const auto* remote = c.core_remote()) relaying.paths.core.peer = joined_path(remote->path);
    if (auto valid = msrp::validate(relaying.paths); !valid) throw stage_error("msrp", "path", valid.error());
  }
  return std::make_unique<msrp::relay_translator>(std::move(relaying), c.channel().max_message_bytes());
}

}  // namespace

subprotocol_stage msrp_stage(msrp_options options) {
  return relay_stage("msrp", [options = std::move(options)](component_context& c) { return make_msrp(c, options); });
}

void add_builtin_stages(subprotocol_registry& registry, msrp_options options) {
  registry.add("msrp", msrp_stage(std::move(options)));
}

}  // namespace agw::gateway
