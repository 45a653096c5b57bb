// One data channel of an association: a component stream of an access termination.
#pragma once

#include <memory>
#include <optional>

#include "agw/core/stage.hpp"
#include "agw/gateway/services.hpp"
#include "agw/transports/sctp_association.hpp"
#include "component_machine.hpp"
#include "component_meter.hpp"
#include "drain_watch.hpp"
#include "link.hpp"
#include "traffic_policer.hpp"

namespace agw::gateway {

/// Opens its channel as soon as the association is up, then runs the stage of its subprotocol. A failure ends this component only.
/// Lives on the context's shard; run() is a child of the stream group, stop() ends it.
class component final : public component_context {
 public:
  component(const gateway_services& services, std::string label, stream_link& link, stage_observer seen);
  ~component() override;

  /// refusal: bad_value when no stage serves the subprotocol, conflict.
  boost::system::result<void, refusal> configure(const channel_local& local);
  /// Whether apply() can do it, once configured with a Local. refusal: conflict (a Local that asks for something else).
  boost::system::result<void, refusal> check(const stream_change& wanted) const;
  /// What check() agreed to.
  void apply(const stream_change& wanted);
  void order(layer l);
  /// Closes the channel (RFC 6525 reset in both directions); the association stays.
  void release();

  /// From the established association to the component's end. Throws only cancellation.
  awaitable<void> run(sctp::association& association);
  /// Its association has ended, and run() with it: another run() follows, for the next one. What was counted stays.
  void renew();
  /// Whether the channel is open.
  bool open() const noexcept { return machine_.is_open(); }
  /// Set by the caller that starts run(), so that it is started once.
  bool started() const noexcept { return machine_.started(); }
  void mark_started() noexcept { machine_.start(); }

  /// The call ends: asks the stage to finish what is under way; wait for idle() after it. No other stage begins.
  void finish();
  /// Ends run() by closing the channel, and waits for it. For a component that is taken out of a living group.
  awaitable<void> stop();
  bool idle() const noexcept { return machine_.idle(); }
  event& idled() noexcept { return idled_; }

  /// The link's core end came or left.
  void core_changed() {
    machine_.link_changed();
    core_changed_.set();
  }
  /// The link's core end came up.
  void core_came_up() { core_changed_.set(); }
  /// Before one end leaves the link: a stage that works between the two hands on what it has taken, until `by`,
  /// and ends. It begins anew after core_changed() or join(). `alone`: also a stage without a core end. `cut`: what it has not handed on
  /// by then is lost with the end that leaves; else it goes on as if nothing had been said, and this is false.
  awaitable<bool> part(bool alone, bool cut, deadline by);
  /// Leaves the link, which the next component takes; after part(true).
  void leave();
  /// Takes another link, of another context; after leave().
  void join(stream_link& link);
  void set_mode(stream_mode mode);

  // component_context
  message_pipe& channel() override { return *channel_; }
  awaitable<byte_stream*> bearer() override;
  flow_gate& gate() override { return link_->gate; }
  void count_with(std::function<component_counters()> read) override { meter_.read_with(std::move(read)); }
  void finish_with(std::function<void()> finish) override { finish_stage_ = std::move(finish); }
  clock::duration flush_time() const override { return services_.config.flush_time; }
  const channel_local& local() const override { return local_; }
  const channel_remote& remote() const override { return remote_; }
  const bearer_local* core_local() const override;
  const bearer_remote* core_remote() const override;

  component_counters counted() const { return meter_.counted(); }
  std::chrono::milliseconds age() const { return std::chrono::duration_cast<std::chrono::milliseconds>(clock::now() - since_); }
  stage_scope& scope() noexcept { return scope_; }
  /// The channel's id, label and subprotocol, once it is open.
  const std::optional<std::uint16_t>& sid() const noexcept { return sid_; }
  /// The link's core end, while there is one and this component is the other.
  gateway::bearer* core() const noexcept { return link_->wic == this ? link_->core : nullptr; }
  bool running() const noexcept { return machine_.running(); }
  /// Called when that side has ended orderly; for the released event. The WIC's end is told once.
  std::function<void(side)> on_end;

 private:
  awaitable<std::unique_ptr<message_pipe>> open_channel(sctp::association& association);
  awaitable<void> work(sctp::association& association, task_group& tasks);
  awaitable<void> watch();
  awaitable<void> drain();
  drain_watch::view undelivered() const;
  std::uint64_t taken_by_core() const;
  void tell_end(side s);
  void take_place();
  void channel_came_up();
  void channel_went_down();
  awaitable<void> serve();
  awaitable<component_end> run_stage();
  void apply(const stream_settings& settings);
  std::chrono::seconds look();
  void request_stop();

  const gateway_services& services_;
  stream_link* link_;
  stage_scope scope_;
  channel_local local_;
  channel_remote remote_;
  component_meter meter_;
  std::function<void()> finish_stage_;
  std::uint64_t taken_before_ = 0;  ///< by the core, when look() was called last
  clock::time_point since_ = clock::now();
  const subprotocol_stage* stage_ = nullptr;
  std::string_view stage_name_;
  std::unique_ptr<message_pipe> channel_;
  sctp::data_channel* opened_ = nullptr;  ///< what channel_ polices
  bool any_label_ = false;  ///< the WIC's OPEN has chosen it
  std::optional<std::uint16_t> sid_;
  traffic_policer policer_;
  bool stop_requested_ = false;
  task_group* running_ = nullptr;  ///< what stop() cancels
  event ended_;
  event idled_;
  event core_changed_;
  event parted_;
  task_group* serving_ = nullptr;  ///< the branch of the stage that runs
  component_machine machine_;
  bool interlinked_ = false;
  stream_mode mode_ = stream_mode::inactive;
  event ordered_;
};

}  // namespace agw::gateway
