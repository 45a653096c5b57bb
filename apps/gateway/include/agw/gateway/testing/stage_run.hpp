// A stage under test: on a clock that the test moves, between pipes in memory whose far ends the test plays.
#pragma once

#include <exception>
#include <functional>
#include <optional>
#include <string>
#include <utility>

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/post.hpp>

#include "agw/core/error.hpp"
#include "agw/gateway/subprotocol.hpp"
#include "agw/testing/loop.hpp"
#include "agw/testing/memory_pipes.hpp"

namespace agw::testing {

/// The component, played by the test.
class played_component final : public gateway::component_context {
 public:
  message_pipe& channel() override { return wic; }
  awaitable<byte_stream*> bearer() override {
    while (!core_is_up) co_await core_came_up_.wait();
    co_return &core;
  }
  flow_gate& gate() override { return mode; }
  void count_with(std::function<gateway::component_counters()> read) override { count = std::move(read); }
  void finish_with(std::function<void()> how) override { finish = std::move(how); }
  clock::duration flush_time() const override { return flush; }
  const gateway::channel_local& local() const override { return wic_local; }
  const gateway::channel_remote& remote() const override { return wic_remote; }
  const gateway::bearer_local* core_local() const override { return told_of_core ? &core_local_ : nullptr; }
  const gateway::bearer_remote* core_remote() const override { return told_of_core ? &core_remote_ : nullptr; }

  void core_comes_up() {
    core_is_up = true;
    core_came_up_.set();
  }
  /// What the controller said of the core's stream.
  void tell_of_core(gateway::bearer_local local, gateway::bearer_remote remote) {
    core_local_ = std::move(local);
    core_remote_ = std::move(remote);
    told_of_core = true;
  }

  memory_channel wic;
  memory_stream core;
  flow_gate mode{stream_mode::send_receive, stream_mode::send_receive};
  clock::duration flush = std::chrono::milliseconds(500);
  bool core_is_up = true;
  bool told_of_core = false;
  gateway::channel_local wic_local;
  gateway::channel_remote wic_remote;
  std::function<gateway::component_counters()> count;  ///< what the stage has set
  std::function<void()> finish;                        ///< what the stage has set; empty before and after

 private:
  event core_came_up_;
  gateway::bearer_local core_local_;
  gateway::bearer_remote core_remote_;
};

/// Runs from its construction on; a stage that has not ended by the destructor is cancelled there, and one that ignores this ends the program.
class stage_run {
 public:
  /// `prepare` sees the component before the stage does.
  explicit stage_run(gateway::subprotocol_stage stage, const std::function<void(played_component&)>& prepare = {}) {
    if (prepare) prepare(component);
    auto body = [this, stage = std::move(stage)]() -> awaitable<void> { end = co_await stage(component); };
    auto ending = [this](std::exception_ptr e) {
      error_ = std::move(e);
      ended = true;
    };
    asio::co_spawn(context_, std::move(body), asio::bind_cancellation_slot(cancel_.slot(), std::move(ending)));
    settle();
  }
  stage_run(const stage_run&) = delete;
  stage_run& operator=(const stage_run&) = delete;
  ~stage_run() {
    if (!ended) cancel();
    if (!ended) std::terminate();
  }

  /// Runs what is ready.
  void settle() { time_.settle(); }
  /// Lets time pass, in steps that no timer of a stage notices: each wait of the stage is over when it should be.
  void advance(clock::duration by) {
    constexpr clock::duration step = std::chrono::milliseconds(10);
    for (; by > step; by -= step) time_.advance(step);
    time_.advance(by);
  }
  /// As when the call is about to end: on the loop, where the gateway calls it. Nothing, when the stage has set no finish.
  void finish() {
    asio::post(context_, [this] {
      if (component.finish) component.finish();
    });
    settle();
  }
  void cancel() {
    cancel_.emit(asio::cancellation_type::terminal);
    settle();
  }
  /// "<stage>:<reason>", "cancelled", what() of another exception; empty while it runs and after an orderly end.
  std::string failure() const { return failure_of(error_); }

 private:
  asio::io_context context_{1};
  manual_clock time_{context_};
  asio::cancellation_signal cancel_;
  std::exception_ptr error_;

 public:
  played_component component;
  gateway::component_end end;  ///< with `ended` and without a failure
  bool ended = false;
};

}  // namespace agw::testing
