#include "component.hpp"

#include <utility>

#include "agw/core/metrics.hpp"
#include "agw/core/scope_guard.hpp"
#include "bearer.hpp"
#include "local_difference.hpp"
#include "msrp_paths.hpp"
#include "policed_pipes.hpp"
#include "refuse.hpp"

namespace agw::gateway {

namespace {

component_counters sum(component_counters a, const component_counters& b) {
  a.octets_to_wic += b.octets_to_wic;
  a.octets_from_wic += b.octets_from_wic;
  a.messages_to_wic += b.messages_to_wic;
  a.messages_from_wic += b.messages_from_wic;
  a.chunks_forwarded += b.chunks_forwarded;
  a.chunks_rejected += b.chunks_rejected;
  return a;
}

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

void component::apply(const stream_settings& settings) {
  policer_.set(settings.limits, clock::now());
  interlinked_ = settings.interlinked;
  if (link_->wic != this) return;
  link_->wic_interlinked = interlinked_;
  if (link_->interlinked() && link_->core && link_->core->established()) order(layer::channel);
}

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
  for (const auto& entry : wanted.waits_for_order) waits_ = entry.second;
  if (!wanted.waits_for_order.empty()) ordered_.set();
  if (wanted.settings) apply(*wanted.settings);
  if (wanted.mode) set_mode(*wanted.mode);
}

void component::set_mode(stream_mode mode) {
  mode_ = mode;
  if (link_->wic != this) return;
  link_->wic_mode = mode;
  link_->open_or_close_gate();
}

awaitable<bool> component::part(bool alone, bool cut, deadline by) {
  if (in_stage_ && !between_ && !alone) co_return true;
  ++partings_;
  parting_ = true;
  if (!in_stage_) co_return true;
  finish();
  auto flushed = [this]() -> awaitable<void> {
    while (!idle_) co_await idled_.wait();
  };
  (void)co_await within(by, flushed());
  // A stage that is cut off here leaves half a chunk behind it. It ends when the peer takes the rest, and begins anew.
  if (!idle_ && !cut) {
    parting_ = false;
    core_changed_.set();
    co_return false;
  }
  if (serving_) serving_->cancel();
  while (in_stage_) co_await parted_.wait();
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
  if (channel_) channel_came_up();
  core_changed();
}

void component::channel_came_up() {
  if (link_->wic != this) return;
  link_->channel_is_up = true;
  if (!link_->core) return;
  link_->core->access_changed();
  if (link_->interlinked()) link_->core->order_all();
}

void component::order(layer) {
  is_ordered_ = true;
  ordered_.set();
}

awaitable<void> component::run(sctp::association& association) {
  running_ = true;
  idle_ = false;
  std::exception_ptr cancelled;
  auto body = [&](task_group& tasks) -> awaitable<void> {
    tasks.spawn("stop", [this, &tasks]() -> awaitable<void> {
      co_await stop_requested_.wait();
      tasks.cancel();
    });
    tasks.spawn("meter", [this] { return meter(); });
    co_await work(association, tasks);
  };
  try {
    co_await with_tasks(scope_.label(), body);
  } catch (...) {
    cancelled = std::current_exception();
  }
  idle_ = true;
  idled_.set();
  if (cancelled) {  // the whole group ends: its association takes the channel along
    channel_.reset();
    running_ = false;
    ended_.set();
    std::rethrow_exception(cancelled);
  }
  if (channel_) co_await channel_->close(deadline_after(services_.config.shutdown_time));
  channel_.reset();
  running_ = false;
  ended_.set();
}

// Ends when the channel may be closed: by stop(), or after a failure. An orderly end of one side leaves the channel as it is
// until the controller says what to do.
awaitable<void> component::work(sctp::association& association, task_group& tasks) {
  try {
    while (waits_ && !is_ordered_) co_await ordered_.wait();
    channel_ = co_await scope_.stage("channel", open_channel(association));
    tasks.spawn("watch", [this] { return watch(); });
    channel_came_up();
    do {
      const auto partings = partings_;
      co_await serve();
      while (partings_ == partings || parting_) co_await core_changed_.wait();
    } while (end_ != side::wic);
  } catch (stage_error& e) {
    scope_.report(e);
    co_return;
  }
  co_await sleep_until(no_deadline);
}

// The stage in a branch of its own, so that part() can end it and leave the channel as it is.
awaitable<void> component::serve() {
  in_stage_ = true;
  const scope_guard left([this] {
    in_stage_ = between_ = false;
    parted_.set();
  });
  auto body = [this](task_group& tasks) -> awaitable<void> {
    serving_ = &tasks;
    const scope_guard served([this] { serving_ = nullptr; });
    co_await run_stage();
  };
  co_await with_tasks(scope_.label(), body);
}

awaitable<void> component::run_stage() {
  idle_ = false;
  idled_.reset();
  end_.reset();
  // However the stage ends, its own objects are gone then.
  const scope_guard ended([this] {
    counters_ = counted();
    read_counters_ = nullptr;
    finish_stage_ = nullptr;
    meter_now();
    idle_ = true;
    idled_.set();
  });
  end_ = co_await scope_.stage(stage_name_, (*stage_)(*this), stage_life::lasting);
  if (end_) tell_end(*end_);
}

// A reader sees that the WIC has closed the channel; but there may be no reader, because of the stream's mode or without a core end.
// What the WIC had sent before stays for a later reader.
awaitable<void> component::watch() {
  bool closed = false;
  bool failed = false;
  try {
    closed = co_await opened_->peer_closed();
  } catch (stage_error& e) {
    // Of this channel alone. A stage that waits for its turn (a closed gate, a core that does not read) would not see it.
    // Both see the same error, which is reported once.
    scope_.report(e);
    failed = true;
    // What a blocked channel held is gone; what one that was reset had received before is still delivered.
    if (e.reason() != "reset") {
      stop_requested_.set();
      co_return;
    }
  }
  if (!closed && !failed) co_return;
  std::size_t unread = 0;
  std::uint64_t taken = 0;
  do {
    unread = opened_->unread_messages();
    taken = taken_by_core();
    co_await sleep_until(deadline_after(std::chrono::seconds(1)));
  } while (opened_->unread_messages() != unread || taken_by_core() != taken || (failed && !link_->gate.open(side::wic)));
  if (failed) {
    stop_requested_.set();
  } else {
    tell_end(side::wic);
  }
}

std::uint64_t component::taken_by_core() const { return core() ? core()->taken_bytes() : 0; }

void component::tell_end(side s) {
  if (s == side::wic && std::exchange(wic_end_told_, true)) return;
  if (on_end) on_end(s);
}

component_counters component::counted() const { return read_counters_ ? sum(counters_, read_counters_()) : counters_; }

awaitable<void> component::meter() {
  for (;;) {
    co_await sleep_until(deadline_after(std::chrono::seconds(1)));
    meter_now();
    // One message may take a slow core longer than a channel may hold the others.
    const auto taken = taken_by_core();
    if (std::exchange(taken_before_, taken) != taken && channel_) channel_->in_use();
  }
}

void component::meter_now() {
  auto* const m = services_.stages.metrics;
  if (!m) return;
  const auto now = counted();
  static constexpr const char* bytes = "Octets of user data relayed, by direction.";
  static constexpr const char* messages = "Data channel messages relayed, by direction.";
  const auto add = [&](const char* name, const char* help, const char* direction, std::uint64_t value, std::uint64_t before) {
    metric_labels labels;
    labels.emplace("direction", direction);
    if (value > before) m->counter(name, help, labels).Increment(static_cast<double>(value - before));
  };
  add("agw_relayed_bytes_total", bytes, "to_wic", now.octets_to_wic, metered_.octets_to_wic);
  add("agw_relayed_bytes_total", bytes, "to_core", now.octets_from_wic, metered_.octets_from_wic);
  add("agw_relayed_messages_total", messages, "to_wic", now.messages_to_wic, metered_.messages_to_wic);
  add("agw_relayed_messages_total", messages, "to_core", now.messages_from_wic, metered_.messages_from_wic);
  metered_ = now;
}

awaitable<std::unique_ptr<message_pipe>> component::open_channel(sctp::association& association) {
  std::unique_ptr<sctp::data_channel> opened;
  if (local_.sid) {
    opened = co_await association.open_channel(*local_.sid, local_.label, local_.subprotocol, transfer_of(local_));
  } else {
    sctp::channel_expectation expected;
    expected.protocol = local_.subprotocol;
    if (!local_.label.empty()) expected.label = local_.label;
    opened = co_await association.accept_channel(std::move(expected));
    local_.label = opened->label();
  }
  sid_ = opened->id();
  opened_ = opened.get();
  co_return std::make_unique<policed_channel>(std::move(opened), policer_);
}

awaitable<byte_stream*> component::bearer() {
  between_ = true;
  while (link_->wic != this || !link_->core || !link_->core->established()) co_await core_changed_.wait();
  co_return link_->core->established();
}

const bearer_local* component::core_local() const { return link_->core ? &link_->core->local() : nullptr; }
const bearer_remote* component::core_remote() const { return link_->core ? link_->core->remote() : nullptr; }

void component::finish() {
  if (finish_stage_) {
    finish_stage_();
  } else {
    idle_ = true;
    idled_.set();
  }
}

awaitable<void> component::stop() {
  if (!running_) co_return;
  stop_requested_.set();
  while (running_) co_await ended_.wait();
}

}  // namespace agw::gateway
