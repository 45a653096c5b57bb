#include "component.hpp"

#include "agw/core/metrics.hpp"
#include "bearer.hpp"
#include "policed_pipes.hpp"

namespace agw::gateway {

namespace {

// RFC 8864, 5.1.1: max-retr and max-time exclude each other; a description with both is refused before it comes here.
sctp::channel_transfer transfer_of(const channel_local& local) {
  sctp::channel_transfer out;
  out.ordered = local.ordered;
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
    : services_(services), link_(link), scope_(services.stages, std::move(label), link.number.value, std::move(seen)) {
  link_.wic = this;
}

component::~component() {
  if (link_.wic == this) link_.wic = nullptr;
}

void component::apply(const stream_settings& settings) {
  policer_.set(settings.limits, clock::now());
  link_.wic_interlinked = settings.interlinked;
  if (link_.interlinked() && link_.core && link_.core->established()) order(layer::channel);
}

boost::system::result<void, refusal> component::configure(const channel_local& local) {
  const auto* stage = services_.subprotocols.find(local.subprotocol);
  if (!stage) {
    refusal r;
    r.text = "no stage for subprotocol \"" + local.subprotocol + "\"";
    return r;
  }
  if (local.max_retransmits && local.max_lifetime_ms) {
    refusal r;
    r.reason = refusal_reason::conflict;
    r.text = "a=dcmap with max-retr and max-time";
    return r;
  }
  stage_ = stage;
  stage_name_ = services_.subprotocols.name_of(local.subprotocol);
  local_ = local;
  return {};
}

void component::configure(const channel_remote& remote) { remote_ = remote; }

void component::set_waits(layer, bool waits) {
  waits_ = waits;
  ordered_.set();
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
    co_await work(association);
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
awaitable<void> component::work(sctp::association& association) {
  try {
    while (waits_ && !is_ordered_) co_await ordered_.wait();
    channel_ = co_await scope_.stage("channel", open_channel(association));
    link_.channel_is_up = true;
    link_.channel_up.set();
    if (link_.core && link_.interlinked()) link_.core->order_all();
    co_await run_stage();
  } catch (stage_error& e) {
    scope_.report(e);
    co_return;
  }
  co_await sleep_until(no_deadline);
}

awaitable<void> component::run_stage() {
  struct leaving {  // the stage's own objects are gone when it ends, however it ends
    explicit leaving(component& c) : self(c) {}
    leaving(const leaving&) = delete;
    ~leaving() {
      self.counters_ = self.counted();
      self.read_counters_ = nullptr;
      self.finish_stage_ = nullptr;
      self.meter_now();
      self.idle_ = true;
      self.idled_.set();
    }
    component& self;
  };
  leaving on_exit(*this);
  const component_end end = co_await scope_.stage(stage_name_, (*stage_)(*this), stage_life::lasting);
  if (on_end) on_end(end);
}

awaitable<void> component::meter() {
  for (;;) {
    co_await sleep_until(deadline_after(std::chrono::seconds(1)));
    meter_now();
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
  co_return std::make_unique<policed_channel>(std::move(opened), policer_);
}

awaitable<byte_stream*> component::bearer() {
  while (!link_.core || !link_.core->established()) co_await link_.core_changed.wait();
  co_return link_.core->established();
}

const bearer_local* component::core_local() const { return link_.core ? &link_.core->local() : nullptr; }
const bearer_remote* component::core_remote() const { return link_.core ? link_.core->remote() : nullptr; }

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
