// What Local, Remote and the settings of a component ask for, and whether it can be had.
#include "bearer.hpp"
#include "component.hpp"
#include "local_difference.hpp"
#include "msrp_paths.hpp"
#include "refuse.hpp"

namespace agw::gateway {

boost::system::result<void, refusal> component::configure(const channel_local& local) {
  const auto* stage = services_.subprotocols.find(local.subprotocol);
  if (!stage) return refuse(refusal_reason::bad_value, "no stage for subprotocol \"" + local.subprotocol + "\"");
  if (local.max_retransmits && local.max_lifetime_ms)
    return refuse(refusal_reason::conflict, "a=dcmap with max-retr and max-time");
  stage_ = stage;
  stage_name_ = services_.subprotocols.name_of(local.subprotocol);
  local_ = local;
  return {};
}

boost::system::result<void, refusal> component::check(const stream_change& wanted) const {
  const auto local = only<channel_local>(wanted.local, "Local");
  if (!local) return local.error();
  const auto remote = only<channel_remote>(wanted.remote, "Remote");
  if (!remote) return remote.error();
  auto ours = local_;
  if (!ours.sid) ours.sid = sid_;  // the WIC's OPEN has chosen it
  if (const auto* line = *local ? difference(ours, **local) : nullptr) {
    return refuse(refusal_reason::conflict, std::string(line) + ": the stream has another already");
  }
  if (const auto* core = core_local(); core && core->msrp_aware) {
    auto bad = check_paths({*local ? &(*local)->path : &local_.path, *remote ? &(*remote)->path : nullptr});
    if (bad) return std::move(*bad);
  }
  return {};
}

void component::apply(const stream_change& wanted) {
  if (wanted.forget_remote) remote_ = channel_remote();
  if (wanted.remote) remote_ = std::get<channel_remote>(*wanted.remote);
  machine_.set_orders(wanted.waits_for_order);
  if (!wanted.waits_for_order.empty()) ordered_.set();
  if (wanted.settings) apply(*wanted.settings);
  if (wanted.mode) set_mode(*wanted.mode);
}

void component::apply(const stream_settings& settings) {
  policer_.set(settings.limits, clock::now());
  interlinked_ = settings.interlinked;
  if (link_->wic != this) return;
  link_->wic_interlinked = interlinked_;
  link_->interlink();
}

const bearer_local* component::core_local() const { return link_->core ? &link_->core->local() : nullptr; }
const bearer_remote* component::core_remote() const { return link_->core ? link_->core->remote() : nullptr; }

}  // namespace agw::gateway
