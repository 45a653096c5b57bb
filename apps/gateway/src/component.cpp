#include "component.hpp"

#include <algorithm>
#include <utility>

#include "agw/core/scope_guard.hpp"
#include "agw/core/sweep.hpp"
#include "agw/transports/error.hpp"
#include "bearer.hpp"
#include "policed_pipes.hpp"

namespace agw::gateway {

namespace {

constexpr auto look_each = std::chrono::seconds(1);

// RFC 8864, 5.1.1: max-retr and max-time exclude each other; a description with both is refused before it comes here.
sctp::channel_transfer transfer_of(const channel_local& local) {
  sctp::channel_transfer out;
  out.ordered = local.ordered;
  out.priority = local.priority;
  if (local.max_retransmits) {
    out.policy = sctp::reliability::retransmits;
    out.parameter = *local.max_retransmits;
  } else if (local.max_lifetime_ms) {
    out.policy = sctp::reliability::lifetime;
    out.parameter = *local.max_lifetime_ms;
  }
  return out;
}

}  // namespace

component::component(const gateway_services& services, std::string label, stream_link& link, stage_observer seen)
    : services_(services), link_(&link), scope_(services.stages, std::move(label), link.number.value, std::move(seen)) {
  link_->add(this);
}

component::~component() { leave(); }

void component::set_mode(stream_mode mode) {
  mode_ = mode;
  if (link_->wic != this) return;
  link_->wic_mode = mode;
  link_->open_or_close_gate();
}

awaitable<bool> component::part(bool alone, bool cut, deadline by) {
  const auto ending = machine_.part(alone, finish_stage_ != nullptr);
  if (ending == stage_ending::none) co_return true;
  if (ending == stage_ending::flush) {
    finish_stage_();
    auto flushed = [this]() -> awaitable<void> {
      while (!machine_.idle()) co_await idled_.wait();
    };
    (void)co_await within(by, flushed());
  }
  switch (machine_.flushed(cut)) {
    case parting::done: co_return true;
    case parting::stays: core_changed_.set(); co_return false;
    case parting::cancel: break;
  }
  if (serving_) serving_->cancel();
  while (machine_.in_stage()) co_await parted_.wait();
  co_return true;
}

void component::leave() {
  if (!link_->remove(this)) return;
  if (link_->wic) link_->wic->take_place();
}

void component::join(stream_link& link) {
  link_ = &link;
  if (link.add(this)) take_place();
}

void component::take_place() {
  set_mode(mode_);
  link_->wic_interlinked = interlinked_;
  if (machine_.is_open()) channel_came_up();
  link_->interlink();
  core_changed();
}

void component::channel_came_up() {
  if (link_->wic != this) return;
  link_->channel_is_up = true;
  if (link_->core) link_->core->access_changed();
  link_->interlink();
}

void component::channel_went_down() {
  if (link_->wic == this) link_->channel_is_up = false;
}

void component::order(layer l) {
  machine_.order(l);
  ordered_.set();
}

void component::release() {
  (void)machine_.stop();
  request_stop();
}

void component::renew() {
  machine_.renew();
  opened_ = nullptr;
  stop_requested_ = false;
  for (auto* const stale : {&ended_, &idled_, &core_changed_, &parted_, &ordered_}) stale->reset();
  if (!local_.sid) sid_.reset();
  if (std::exchange(any_label_, false)) local_.label.clear();
  channel_went_down();
  link_->interlink();
}

awaitable<void> component::run(sctp::association& association) {
  if (!machine_.begin()) {
    ended_.set();
    co_return;
  }
  const auto executor = co_await asio::this_coro::executor;
  const sweep_entry looked_at(executor, [this] { return look(); });
  std::exception_ptr cancelled;
  auto body = [&](task_group& tasks) -> awaitable<void> {
    running_ = &tasks;
    const scope_guard stopped([this] { running_ = nullptr; });
    if (!stop_requested_) co_await work(association, tasks);
  };
  try {
    co_await with_tasks(scope_.label(), body);
  } catch (...) {
    cancelled = std::current_exception();
  }
  machine_.close();
  idled_.set();
  channel_went_down();
  const scope_guard ended([this] {
    channel_.reset();
    machine_.end();
    ended_.set();
  });
  if (cancelled) std::rethrow_exception(cancelled);  // the whole group ends: its association takes the channel along
  if (channel_) co_await channel_->close(deadline_after(services_.config.shutdown_time));
}

// Ends when the channel may be closed: by stop(), or after a failure. An orderly end of one side leaves the channel as it is
// until the controller says what to do.
awaitable<void> component::work(sctp::association& association, task_group& tasks) {
  try {
    while (!machine_.open()) co_await ordered_.wait();
    channel_ = co_await scope_.stage("channel", open_channel(association));
    machine_.opened();
    tasks.spawn("watch", [this] { return watch(); });
    channel_came_up();
    for (;;) {
      while (!machine_.may_begin_stage()) co_await core_changed_.wait();
      co_await serve();
    }
  } catch (stage_error& e) {
    scope_.report(e);
  }
}

// The stage in a branch of its own, so that part() can end it and leave the channel as it is.
awaitable<void> component::serve() {
  auto body = [this](task_group& tasks) -> awaitable<void> {
    if (!machine_.begin_stage()) co_return;
    serving_ = &tasks;
    component_end end;
    const scope_guard served([this, &end] {
      serving_ = nullptr;
      machine_.stage_ended(end);
      idled_.set();
      parted_.set();
    });
    end = co_await run_stage();
  };
  co_await with_tasks(scope_.label(), body);
}

awaitable<component_end> component::run_stage() {
  idled_.reset();
  // However the stage ends, its own objects are gone then.
  const scope_guard ended([this] {
    meter_.settle();
    finish_stage_ = nullptr;
    meter_.publish(services_.stages.metrics);
  });
  const auto end = co_await scope_.stage(stage_name_, (*stage_)(*this), stage_life::lasting);
  if (end) tell_end(*end);
  co_return end;
}

// A reader sees that the WIC has closed the channel; but there may be no reader, because of the stream's mode or without a core end.
// What the WIC had sent before stays for a later reader.
awaitable<void> component::watch() {
  bool closed = false;
  std::string failure;
  try {
    closed = co_await opened_->peer_closed();
  } catch (stage_error& e) {
    // Of this channel alone. A stage that waits for its turn (a closed gate, a core that does not read) would not see it.
    // Both see the same error, which is reported once.
    scope_.report(e);
    failure = e.reason();
  }
  // What a blocked channel held is gone; what one that was reset had received before is still delivered.
  if (failure == "reset") co_await drain();
  if (!failure.empty()) co_return release();
  if (!closed) co_return;
  std::size_t unread = 0;
  std::uint64_t taken = 0;
  do {
    unread = opened_->unread_messages();
    taken = taken_by_core();
    co_await sleep_until(deadline_after(look_each));
  } while (opened_->unread_messages() != unread || taken_by_core() != taken);
  tell_end(side::wic);
}

// Ends when nothing is left, or it has stayed for as long as a channel may hold what nobody takes.
awaitable<void> component::drain() {
  drain_watch watch(services_.config.hold_limit);
  for (auto found = drain_watch::verdict::waits; found == drain_watch::verdict::waits;) {
    co_await sleep_until(deadline_after(look_each));
    try {
      (void)co_await opened_->peer_closed();
    } catch (stage_error& e) {
      scope_.report(e);
      if (e.reason() != "reset") co_return;  // its association had no room for it any more
    }
    found = watch.look(undelivered(), clock::now());
    if (found != drain_watch::verdict::blocked) continue;
    stage_error lost("channel", "blocked", make_error_code(transport_error::channel_blocked), "what came before its reset was not taken in time");
    scope_.report(lost);
  }
}

drain_watch::view component::undelivered() const {
  drain_watch::view out;
  out.unread = opened_->unread_messages();
  out.taken_by_core = taken_by_core();
  out.in_hand = opened_->statistics().messages_received - out.unread > meter_.counted().messages_from_wic;
  out.at_work = machine_.in_stage();
  out.gated = !link_->gate.open(side::wic);
  return out;
}

std::uint64_t component::taken_by_core() const { return core() ? core()->taken_bytes() : 0; }

void component::tell_end(side s) {
  if (machine_.tell_end(s) && on_end) on_end(s);
}

std::chrono::seconds component::look() {
  const std::chrono::seconds moves(1);
  const auto rests = std::clamp(std::chrono::duration_cast<std::chrono::seconds>(services_.config.hold_limit / 4), moves, moves * 4);
  const bool moved = meter_.publish(services_.stages.metrics);
  // One message may take a slow core longer than a channel may hold the others.
  if (!channel_ || !opened_->holds()) return moved ? moves : rests;
  const auto taken = taken_by_core();
  if (std::exchange(taken_before_, taken) != taken && channel_) channel_->in_use();
  return moves;
}

awaitable<std::unique_ptr<message_pipe>> component::open_channel(sctp::association& association) {
  std::unique_ptr<sctp::data_channel> opened;
  if (local_.sid) {
    opened = co_await association.open_channel(*local_.sid, local_.label, local_.subprotocol, transfer_of(local_));
  } else {
    sctp::channel_expectation expected;
    expected.protocol = local_.subprotocol;
    if (!local_.label.empty()) expected.label = local_.label;
    any_label_ = local_.label.empty();
    opened = co_await association.accept_channel(std::move(expected));
    local_.label = opened->label();
  }
  sid_ = opened->id();
  opened_ = opened.get();
  co_return std::make_unique<policed_channel>(std::move(opened), policer_);
}

awaitable<byte_stream*> component::bearer() {
  machine_.ask_core();
  const auto given = [this]() -> byte_stream* {
    const bool ours = machine_.gives_core() && link_->wic == this && link_->core;
    return ours ? link_->core->established() : nullptr;
  };
  while (!given()) co_await core_changed_.wait();
  co_return given();
}

void component::finish() {
  if (machine_.finish(finish_stage_ != nullptr) == stage_ending::flush) finish_stage_();
  else idled_.set();
}

void component::request_stop() {
  stop_requested_ = true;
  if (running_) running_->cancel();
}

awaitable<void> component::stop() {
  request_stop();
  if (!machine_.stop()) co_return;
  while (machine_.phase() != component_phase::ended) co_await ended_.wait();
}

}  // namespace agw::gateway
