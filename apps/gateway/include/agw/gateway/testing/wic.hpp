// A browser's side of a call, without the browser: ICE or plain UDP, DTLS, SCTP, in the test's process.
#pragma once

#include <functional>
#include <memory>
#include <utility>
#include <vector>

#include "agw/gateway/testing/rig.hpp"
#include "agw/transports/dtls.hpp"
#include "agw/transports/ice_stage.hpp"
#include "agw/transports/sctp_association.hpp"

namespace agw::testing {

/// The certificate of every WIC that is given none.
std::shared_ptr<const dtls::context> wic_identity();

/// Makes of what is to be sent what is sent.
using packet_twist = std::function<datagram_batch(const datagram_batch&)>;

/// Passes what is received to an observer first, and what is sent through `twist`, if there is one.
class tapped_pipe final : public datagram_pipe {
 public:
  tapped_pipe(datagram_pipe& lower, std::function<void(bytes_view)>& tap, packet_twist& twist) : lower_(lower), tap_(tap), twist_(twist) {}
  awaitable<void> receive(datagram_batch& into) override;
  void send(const datagram_batch& batch) override;
  std::size_t max_datagram_bytes() const noexcept override { return lower_.max_datagram_bytes(); }

 private:
  datagram_pipe& lower_;
  std::function<void(bytes_view)>& tap_;
  packet_twist& twist_;
};

/// A browser's side without the browser: an association over plain UDP, or with full ICE.
class wic {
 public:
  /// `own`: its certificate.
  explicit wic(rig& r, bool with_ice = false, std::shared_ptr<const dtls::context> own = wic_identity());

  /// What the controller tells the gateway of us: streams 1 (the association) and the channels of `sids` from stream 2 on.
  gateway::termination_change call(std::vector<std::uint16_t> sids) const;
  gateway::association_remote remote() const;

  /// The layers, up to the association. `tasks` runs them.
  awaitable<void> establish(task_group& tasks, const gateway::association_answer& gateway);
  awaitable<void> establish(task_group& tasks, std::uint16_t gateway_port);
  awaitable<void> secure(task_group& tasks, const gateway::association_answer& gateway);
  awaitable<void> secure(task_group& tasks, std::uint16_t gateway_port);
  awaitable<void> associate(task_group& tasks);

  std::shared_ptr<const dtls::context> identity;
  sctp::config sctp_options;            ///< but for the ports
  std::function<void(bytes_view)> tap;  ///< sees every SCTP packet from the gateway
  packet_twist twist;                   ///< makes of the SCTP packets to the gateway what is sent
  std::unique_ptr<ice::endpoint> endpoint;
  std::unique_ptr<datagram_pipe> path;
  std::unique_ptr<dtls::session> session;
  std::unique_ptr<tapped_pipe> tapped;
  std::unique_ptr<sctp::association> association;
};

}  // namespace agw::testing
