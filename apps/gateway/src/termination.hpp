// A termination: stream groups with their components on the access side, bearers on the core side.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <set>

#include "agw/core/metrics.hpp"
#include "agw/core/task_group.hpp"
#include "agw/gateway/services.hpp"
#include "bearer.hpp"
#include "component.hpp"
#include "stream_group.hpp"

namespace agw::gateway {

/// A termination on its way to another thread.
struct parked_termination {
  termination_id id;
  std::string name;
  std::map<stream_number, parked_bearer> bearers;
};

/// A termination of a context; see context for the calls.
class termination {
 public:
  using link_finder = std::function<stream_link&(stream_number)>;

  termination(const gateway_services& services, loop_executor executor, context_id context, termination_id id,
              std::string name, link_finder links, event_sink sink);
  ~termination();

  awaitable<boost::system::result<termination_answer, refusal>> apply(termination_change change);
  void order(stream_number stream, layer l);
  awaitable<void> release(stream_number stream, layer l);
  void latch(stream_number stream, latching how);
  /// Whether the stream's end here is the one towards the core.
  bool is_core(stream_number n) const { return bearers_.contains(n); }
  bool is_wic(stream_number n) const { return components_.contains(n); }
  termination_statistics statistics() const;
  /// Lets go of the context's links, and takes those of another context. In between nothing of it may run. False: data is under way that
  /// the peer does not take, and everything is as it was.
  awaitable<bool> leave();
  void enter(context_id context, link_finder links);
  /// For another thread. refusal: no_resources when a part of it cannot leave this one, busy as leave(). The termination cannot be used any more.
  awaitable<boost::system::result<parked_termination, refusal>> park();
  void resume(parked_termination from);
  /// The end, in steps, so that all terminations of a context take their time at once: what is under way is handed on, until `by`; the ends that
  /// others share are let go; every branch ends. The counts stay.
  void finish();
  awaitable<void> flush(deadline by);
  awaitable<void> close_streams(deadline by);
  /// After close_streams().
  void clear();

 private:
  /// One stream of a change. What is new is made but not started; what is there has agreed to the change and is as it was.
  struct planned_stream {
    stream_number number;
    stream_change wanted;  ///< without Local where the stream is new
    std::unique_ptr<stream_group> group;
    std::shared_ptr<component> channel;
    std::unique_ptr<bearer> core;
  };
  /// A change that can no longer fail. Thrown away it leaves nothing behind.
  struct plan {
    std::map<stream_number, stream_number> members;
    bool grouped = false;
    std::vector<planned_stream> streams;
    termination_answer answer;
  };
  boost::system::result<plan, refusal> plan_of(const termination_change& change);
  boost::system::result<void, refusal> check_groups(const plan& p) const;
  boost::system::result<void, refusal> plan_association(plan& p, const termination_change& change, planned_stream& s);
  boost::system::result<void, refusal> plan_channel(plan& p, planned_stream& s);
  boost::system::result<void, refusal> plan_bearer(plan& p, const termination_change& change, planned_stream& s);
  awaitable<void> gather(plan& p);
  awaitable<void> carry_out(plan& p);
  void carry_out(planned_stream& s, termination_answer& answer);
  awaitable<void> remove(stream_number n);
  awaitable<void> forget_remote(stream_number n);
  awaitable<void> retire_association(stream_number n);
  awaitable<void> join_groups();
  void watch(bearer& b, stream_number n);
  deadline flush_deadline() const;
  deadline shutdown_deadline() const;
  stage_observer observer(stream_number n);
  stage_observer component_observer(stream_number n);
  std::set<stream_number> streams() const;
  /// The place of its kind in stream_local and stream_remote; nothing for a stream that is not there.
  std::optional<std::size_t> kind_of(stream_number n) const;
  void emit(gateway_event::kind what, stream_number n, layer l, std::string cause = {});
  /// By the stage's name: a subprotocol's stage has no layer.
  void emit(gateway_event::kind what, stream_number n, std::string_view stage, std::string cause = {});
  /// Without a layer: plain UDP.
  void emit_address(gateway_event::kind what, stream_number n, std::optional<layer> l, const ip_address& address, std::uint16_t port);
  std::string label(stream_number n) const;

  const gateway_services& services_;
  loop_executor executor_;
  context_id context_;
  termination_id id_;
  std::string name_;
  link_finder links_;
  event_sink sink_;
  gauge_share counted_;
  std::map<stream_number, std::unique_ptr<stream_group>> groups_;
  std::map<stream_number, std::shared_ptr<component>> components_;
  std::map<stream_number, std::unique_ptr<bearer>> bearers_;
  std::map<stream_number, stream_number> member_of_;  ///< component stream to its group's deaggregation stream
  bool grouped_ = false;                              ///< the controller named the groups; else there is one group at most
  std::map<stream_number, stream_number> joined_;     ///< what the groups have taken already
};

}  // namespace agw::gateway
