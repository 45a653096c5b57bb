#include "local_difference.hpp"

namespace agw::gateway {

namespace {

constexpr std::uint16_t discard_port = 9;  // RFC 4145, 4.1: the port in SDP of an end that only dials

bool differs(const auto& wanted, const auto& is) { return wanted && *wanted != is; }

bool differs_in_address(const auto& wanted, const ip_address& is) {
  return wanted.address ? *wanted.address != is : differs(wanted.family, family_of(is));
}

}  // namespace

const char* resource_difference(const association_local& has, const association_answer& is, const association_local& wanted) {
  if (wanted.ice != has.ice) return "a=candidate";
  if (differs_in_address(wanted, is.address)) return "c=";
  if (differs(wanted.port, is.port)) return "m=";
  if (differs(wanted.ice_ufrag, is.ice_ufrag)) return "a=ice-ufrag";
  if (differs(wanted.ice_pwd, is.ice_pwd)) return "a=ice-pwd";
  return nullptr;
}

const char* resource_difference(const bearer_answer& is, const bearer_local& wanted) {
  if (differs_in_address(wanted, is.address)) return "c=";
  // An active end may name any port: it is not used.
  if (wanted.setup != setup_role::active && is.port != discard_port && differs(wanted.port, is.port)) return "m=";
  return nullptr;
}

const char* difference(const association_local& has, const association_local& wanted) {
  if (differs(wanted.setup, has.setup.value_or(setup_role::actpass))) return "a=setup";
  if (differs(wanted.sctp_port, has.sctp_port)) return "a=sctp-port";
  if (wanted.max_message_bytes != has.max_message_bytes) return "a=max-message-size";
  return nullptr;
}

const char* difference(const bearer_local& has, const bearer_local& wanted) {
  if (wanted.tls != has.tls || wanted.msrp_aware != has.msrp_aware) return "m=";
  if (wanted.setup != has.setup) return "a=setup";
  if (!wanted.path.empty() && wanted.path != has.path) return "a=path";
  return nullptr;
}

const char* difference(const channel_local& has, const channel_local& wanted) {
  const bool same_channel = wanted.subprotocol == has.subprotocol && (!wanted.sid || wanted.sid == has.sid) &&
                            (wanted.label.empty() || wanted.label == has.label) && wanted.ordered == has.ordered &&
                            wanted.max_retransmits == has.max_retransmits && wanted.max_lifetime_ms == has.max_lifetime_ms;
  if (!same_channel) return "a=dcmap";
  if (!wanted.path.empty() && wanted.path != has.path) return "a=dcsa path";
  return nullptr;
}

}  // namespace agw::gateway
