// What Local, Remote and the settings of a bearer ask for, and whether it can be had.
#include "bearer.hpp"
#include "component.hpp"
#include "local_difference.hpp"
#include "msrp_paths.hpp"
#include "ran_short.hpp"
#include "refuse.hpp"

namespace agw::gateway {

boost::system::result<bearer_answer, refusal> bearer::reserve(const bearer_local& local, const interface_addresses& own) {
  const auto at = choose_address(own, local.address, local.family);
  if (!at) return at.error();
  if (local.setup != setup_role::active && !listener_) {
    auto opened = tcp::listener::open(executor_, at->bound, *services_.ports, services_.config.tcp);
    if (!opened) return ran_short(services_, "no TCP port: ", opened.error());
    listener_ = std::move(*opened);
  }
  local_ = local;
  own_ = *at;
  tls_keys_ = services_.tls.current();
  reserved_ = answer_for(local_);
  if (const auto* line = resource_difference(reserved_, local_)) {
    return refuse(refusal_reason::bad_value, std::string(line) + ": the gateway chooses it, ask with $");
  }
  return reserved_;
}

// A path that was asked with $ becomes part of the description.
bearer_answer bearer::answer_for(bearer_local& local) const {
  bearer_answer answer;
  answer.address = own_.shown;
  answer.port = listener_ ? listener_->local().port() : 9;  // RFC 4145, 4.1: the discard port of an active end
  if (local.choose_path) local.path = {make_msrp_path(own_.shown, answer.port, local.tls)};
  answer.path = local.path;
  const auto own = local.tls && tls_keys_ ? tls_keys_->own_fingerprint() : std::nullopt;
  if (own) answer.fingerprint = own->str();
  return answer;
}

std::optional<bearer_answer> bearer::offer(const bearer_local& local) {
  if (resource_difference(reserved_, local) || (local.setup != setup_role::active && !listener_)) return std::nullopt;
  alternatives_.push_back(local);
  return answer_for(alternatives_.back());
}

boost::system::result<void, refusal> bearer::check(const stream_change& wanted) const {
  const auto local = only<bearer_local>(wanted.local, "Local");
  if (!local) return local.error();
  const auto remote = only<bearer_remote>(wanted.remote, "Remote");
  if (!remote) return remote.error();
  auto role = local_.setup;
  if (*local) {
    const auto* line = resource_difference(reserved_, **local);
    if (!line && (*local)->setup != setup_role::active && !listener_) line = difference(local_, **local);
    if (!line && remote_) line = difference(local_, **local);
    if (line) return refuse(refusal_reason::conflict, std::string(line) + ": the stream has another already");
    role = (*local)->setup;
  }
  if (const auto& from = wanted.settings ? wanted.settings->source_address : std::nullopt) {
    if (*from != own_.shown && (from->is_v6() != own_.bound.is_v6() || !tcp::is_local(*from))) {
      return refuse(refusal_reason::bad_value, "a source address that is not the gateway's");
    }
  }
  if (*remote) {
    if ((*remote)->setup && *(*remote)->setup != setup_role::actpass && role == *(*remote)->setup) {
      return refuse(refusal_reason::conflict, "both sides have the same a=setup");
    }
    if ((*remote)->port == 0) return refuse(refusal_reason::missing, "Remote has no port");
    if ((*remote)->address.is_v6() != own_.bound.is_v6())
      return refuse(refusal_reason::conflict, "c= of another family than ours");
    // Remote chooses among the alternatives; a connection that has begun keeps its peer.
    const auto& ours = *local ? **local : local_;
    const bool choosy = !alternatives_.empty() && wanted.keep_alternatives.value_or(true);
    if (!choosy && (*remote)->tls != ours.tls)
      return refuse(refusal_reason::conflict, "m= with TLS on one side only");
    if (remote_ && !machine_.released() && !wanted.forget_remote && (remote_->address != (*remote)->address || remote_->port != (*remote)->port)) {
      return refuse(refusal_reason::conflict, "m=, c=: the stream has another peer already");
    }
  }
  const bool chosen_by_remote = *remote && !alternatives_.empty();
  if (chosen_by_remote ? (*remote)->msrp_aware : (*local ? **local : local_).msrp_aware) {
    const auto* const wic = link_->wic;
    auto bad = check_paths({*local ? &(*local)->path : &local_.path, *remote ? &(*remote)->path : nullptr,
                            wic ? &wic->local().path : nullptr, wic ? &wic->remote().path : nullptr});
    if (bad) return std::move(*bad);
  }
  return {};
}

void bearer::apply(const stream_change& wanted) {
  if (wanted.local && !remote_) {
    auto local = std::get<bearer_local>(*wanted.local);
    if (local.choose_path && !local_.path.empty()) {  // it has been chosen
      local.choose_path = false;
      local.path = local_.path;
    }
    if (local.path.empty()) local.path = local_.path;
    if (local.setup == setup_role::active) listener_.reset();
    local_ = std::move(local);
    alternatives_.clear();
    reserved_ = answer_for(local_);
  }
  if (!wanted.keep_alternatives.value_or(true)) alternatives_.clear();
  machine_.set_orders(wanted.waits_for_order);
  if (!wanted.waits_for_order.empty()) changed_.set();
  if (wanted.settings) apply(*wanted.settings);
  if (wanted.mode) set_mode(*wanted.mode);
  if (wanted.remote) configure(std::get<bearer_remote>(*wanted.remote));
}

void bearer::configure(const bearer_remote& remote) {
  remote_ = remote;
  const bool fits = local_.tls == remote.tls && local_.msrp_aware == remote.msrp_aware;
  for (const auto& other : alternatives_) {
    if (fits || other.tls != remote.tls || other.msrp_aware != remote.msrp_aware) continue;
    local_ = other;
    break;
  }
  alternatives_.clear();
  changed_.set();
}

// Local's role decides; with actpass in Local, Remote's; undecided on both sides, we listen.
bool bearer::active() const {
  if (local_.setup != setup_role::actpass) return local_.setup == setup_role::active;
  return remote_ && remote_->setup == setup_role::passive;
}

void bearer::apply(const stream_settings& settings) {
  settings_ = settings;
  policer_.set(settings.limits, clock::now());
  if (link_->core == this) link_->core_interlinked = settings.interlinked;
  link_->interlink();
  const unsigned dscp = settings.dscp.value_or(0);
  if (listener_) listener_->set_dscp(dscp);
  if (connection_) connection_->set_dscp(dscp);
}

}  // namespace agw::gateway
