// An endpoint on libnice's NiceAgent: full ICE.
#include <boost/asio/post.hpp>

#include "agw/core/error.hpp"
#include "agw/core/log.hpp"
#include "agw/core/metrics.hpp"
#include "agw/core/scope_guard.hpp"
#include "agw/core/until.hpp"
#include "agw/transports/error.hpp"
#include "agw/transports/ice_agent.hpp"
#include "ice/endpoints.hpp"
#include "ice/move_watch.hpp"
#include "ice/nice_agent.hpp"
#include "ice/stun_probe.hpp"
#include "ice/tcp_bridge.hpp"

namespace agw::ice {

namespace {

// After so many batches without a wait other tasks of the loop run.
constexpr unsigned busy_batches = 8;
// Of one call: whoever has credentials can make up any number of them.
constexpr unsigned max_reported_addresses = 64;
// Readers of TCP wait while that much waits for the path's reader.
constexpr std::size_t congested_bytes = 256 * 1024;
// A pair that has answered a probe is not asked again before.
constexpr auto asked_again_after = std::chrono::seconds(2);

class full_endpoint final : public endpoint {
 public:
  full_endpoint(loop_executor executor, const config& settings, const port_pool& ports)
      : settings_(settings), agent_(std::move(executor), settings, ports.low(), ports.high()) {}

  error_code gather(loop_executor executor, port_pool& ports);

  awaitable<void> gathered(deadline by) override {
    if (!settings_.stun && !settings_.turn) co_return;
    auto wait = [](nice_agent& agent) -> awaitable<void> {
      while (!agent.gathered()) co_await agent.changed.wait();
    };
    const bool in_time = co_await within(by, wait(agent_));
    if (!in_time) log::warn("ice: a STUN or TURN server does not answer");
    describe();
  }

  const local_parameters& local() const noexcept override { return local_; }
  udp::traffic counted() const noexcept override { return traffic_; }
  std::optional<udp::endpoint> remote_address() const override;
  bool set_dscp(unsigned dscp) override {
    if (dscp > 63) return false;
    agent_.set_dscp(dscp);
    return !tcp_ || tcp_->set_dscp(dscp);
  }

  error_code update(const remote_parameters& remote) override {
    if (!valid(remote.credentials)) return transport_error::bad_credentials;
    // Another ufrag without restart() before is a restart by the peer alone: our credentials stay.
    const bool restarts = !remote_.ufrag.empty() && remote_.ufrag != remote.credentials.ufrag;
    if (restarts && !agent_.restart(local_.credentials)) return transport_error::ice_library;
    remote_ = remote.credentials;
    if (!agent_.set_remote(remote.credentials, usable_candidates(remote))) return transport_error::ice_library;
    return {};
  }

  error_code restart() override;
  void begin_anew() override;

  awaitable<std::unique_ptr<datagram_pipe>> connect(task_group& tasks, remote_parameters remote) override;

  // For the path.
  awaitable<void> receive(datagram_batch& into);
  void send(const datagram_batch& batch);
  std::size_t max_datagram_bytes() const noexcept { return settings_.max_datagram_bytes; }
  void allow_fragments(bool allowed) noexcept { agent_.allow_fragments(allowed); }

 private:
  void describe();
  std::optional<udp::endpoint> next_peer_reflexive();
  void look_for_moves();
  void obey_watch();
  void end_watch();
  void watch(const udp::endpoint& found, const udp::endpoint& selected);
  error_code listen_for_tcp(loop_executor executor, port_pool& ports);
  awaitable<void> serve_tcp();
  awaitable<void> watch_consent();

  config settings_;
  local_parameters local_;
  credentials remote_;  // empty: not known yet, or not since our restart
  nice_agent agent_;
  std::unique_ptr<tcp_bridge> tcp_;  // null: UDP only
  event stop_tcp_;
  clock::time_point next_watch_{};  // for what tcp_ prefers
  move_watch moves_;
  std::unique_ptr<stun_probe> probe_;  // while moves_ watches
  std::optional<udp::endpoint> last_resort_;
  bool anew_ = false;  // libnice still has the former peer's pair
  unsigned reported_ = 0;  // by on_peer_reflexive
  udp::traffic traffic_;
  datagram_batch incoming_;
  unsigned busy_ = 0;
};

class full_path final : public datagram_pipe {
 public:
  explicit full_path(full_endpoint& owner) noexcept : owner_(owner) {}
  awaitable<void> receive(datagram_batch& into) override { return owner_.receive(into); }
  void send(const datagram_batch& batch) override { owner_.send(batch); }
  std::size_t max_datagram_bytes() const noexcept override { return owner_.max_datagram_bytes(); }
  void allow_fragments(bool allowed) noexcept override { owner_.allow_fragments(allowed); }

 private:
  full_endpoint& owner_;
};

error_code full_endpoint::gather(loop_executor executor, port_pool& ports) {
  local_.credentials = make_credentials();
  if (!agent_.gather(local_.credentials)) return transport_error::no_port;
  describe();
  if (local_.candidates.empty()) return transport_error::no_port;
  if (!settings_.tcp) return {};
  if (const auto wrong = listen_for_tcp(std::move(executor), ports)) return wrong;
  describe();
  return {};
}

// Before any server can have answered: the default candidate is the host's.
error_code full_endpoint::listen_for_tcp(loop_executor executor, port_pool& ports) {
  auto listening = tcp_side::listen(std::move(executor), settings_.local_address, ports);
  if (!listening) return listening.error();
  tcp_ = std::make_unique<tcp_bridge>(std::move(*listening), udp::endpoint(settings_.local_address, local_.address.port()));
  tcp_->is_admitted = [this](const udp::endpoint& source) { return !admits || admits(source); };
  tcp_->is_congested = [this] { return agent_.waiting_bytes() > congested_bytes; };
  tcp_->password = [this] { return std::string_view(local_.credentials.pwd); };
  tcp_->on_change = [this] { agent_.changed.set(); };
  return {};
}

// The default candidates, of both families, are those that most peers reach: relayed before server reflexive before host.
void full_endpoint::describe() {
  const auto candidates = agent_.local_candidates();
  const auto best_of = [&](bool v6) {
    const candidate* best = nullptr;
    for (const auto& c : candidates) {
      if (c.address.address().is_v6() == v6 && (!best || c.type > best->type)) best = &c;
    }
    return best;
  };
  const bool v6 = settings_.local_address.is_v6();
  if (const auto* const best = best_of(v6)) local_.address = best->address;
  if (const auto* const best = best_of(!v6)) local_.other_family = best->address;
  local_.candidates.clear();
  for (const auto& c : candidates) local_.candidates.push_back(format_candidate(c));
  if (!tcp_) return;
  const auto own = settings_.advertised_address.value_or(settings_.local_address);
  local_.candidates.push_back(passive_candidate("tcp", own, tcp_->port()));
}

std::optional<udp::endpoint> full_endpoint::remote_address() const {
  if (anew_) return std::nullopt;
  const auto selected = agent_.remote_address();
  return selected && tcp_ && tcp_->is_leg(*selected) ? tcp_->peer_behind(*selected) : selected;
}

error_code full_endpoint::restart() {
  auto fresh = make_credentials();
  if (!agent_.restart(fresh)) return transport_error::ice_library;
  local_.credentials = std::move(fresh);
  remote_ = {};
  return {};
}

void full_endpoint::begin_anew() {
  agent_.begin_anew();
  end_watch();
  last_resort_.reset();
  anew_ = true;
}

std::optional<udp::endpoint> full_endpoint::next_peer_reflexive() {
  auto found = agent_.take_peer_reflexive();
  if (!found || !on_peer_reflexive || reported_ >= max_reported_addresses) return found;
  const auto peer = tcp_ && tcp_->is_leg(*found) ? tcp_->peer_behind(*found) : found;
  if (!peer) return found;  // its connection has ended
  ++reported_;
  on_peer_reflexive(*peer);
  return found;
}

awaitable<std::unique_ptr<datagram_pipe>> full_endpoint::connect(task_group& tasks, remote_parameters remote) {
  if (const auto wrong = update(remote)) throw stage_error("ice", "error", wrong);
  scope_guard stop_tcp([this] { stop_tcp_.set(); });
  if (tcp_) {
    stop_tcp_.reset();
    tasks.spawn("tcp", [this] { return serve_tcp(); });
  }
  for (;;) {
    while (next_peer_reflexive()) {
    }
    const auto now = agent_.current();
    if (now == nice_agent::state::ready) break;
    if (now == nice_agent::state::failed) throw stage_error("ice", "failed");
    co_await agent_.changed.wait();
  }
  anew_ = false;
  tasks.spawn("consent", [this]() { return watch_consent(); });
  stop_tcp.release();
  co_return std::make_unique<full_path>(*this);
}

// For the life of the path; connections end with it.
awaitable<void> full_endpoint::serve_tcp() {
  auto body = [this](task_group& tasks) -> awaitable<void> {
    tasks.spawn("serve", [this] { return tcp_->serve(); });
    co_await stop_tcp_.wait();
  };
  co_await with_tasks("ice tcp", body);
}

// libnice knows neither the source of what it hands over nor that a pair of lower priority is the one that lives. So another port of the
// selected address, found now, may be what a NAT has made of that one: see move_watch. What comes from the selected one is told by
// peek_sources(). So may a TCP connection be that the peer nominates or sends by, and the pair that was left for one which has ended. Any other
// source of valid checks that was found since is the last resort when libnice has lost the consent.
void full_endpoint::look_for_moves() {
  auto found = next_peer_reflexive();
  const auto preferred = tcp_ ? tcp_->take_preferred() : std::nullopt;
  const bool ended = tcp_ && tcp_->take_ended();
  if (!found && !preferred && !ended && !probe_) return;
  const auto selected = agent_.remote_address();
  if (probe_ && !moves_.concerns(selected)) end_watch();
  for (; found; found = next_peer_reflexive()) {
    if (found == selected) continue;
    if (selected && found->address() == selected->address()) watch(*found, *selected);
    else last_resort_ = found;
  }
  if (preferred && selected && preferred != selected && clock::now() >= next_watch_) watch(*preferred, *selected);
  if (ended && last_resort_ && selected && !probe_ && tcp_->is_leg(*selected) && !tcp_->peer_behind(*selected)) watch(*last_resort_, *selected);
}

void full_endpoint::watch(const udp::endpoint& found, const udp::endpoint& selected) {
  if (remote_.ufrag.empty() || (!probe_ && !agent_.listen_for(selected))) {
    last_resort_ = found;
    return;
  }
  if (!probe_) probe_ = std::make_unique<stun_probe>(local_.credentials, remote_, agent_.controlling());
  moves_.found(found, selected, clock::now());
}

void full_endpoint::obey_watch() {
  if (!probe_) return;
  if (agent_.heard()) {
    next_watch_ = clock::now() + asked_again_after;
    return end_watch();
  }
  switch (moves_.timeout(agent_.remote_address(), clock::now())) {
    case move_watch::action::none: return;
    case move_watch::action::probe: {
      datagram_batch one;
      one.push(probe_->compose());
      agent_.send(one);
      return;
    }
    case move_watch::action::follow: {
      const auto to = moves_.take();
      const auto left = agent_.remote_address();
      if (!agent_.follow(*to)) last_resort_ = to;
      else if (tcp_ && tcp_->peer_behind(*to)) last_resort_ = left;  // UDP may come back
      return end_watch();
    }
    case move_watch::action::stay: return end_watch();
  }
}

void full_endpoint::end_watch() {
  if (moves_.watching()) last_resort_ = moves_.take();
  probe_.reset();
  agent_.stop_listening();
}

awaitable<void> full_endpoint::watch_consent() {
  for (;;) {
    look_for_moves();
    obey_watch();
    if (agent_.current() == nice_agent::state::failed) {
      end_watch();
      const auto to = std::exchange(last_resort_, std::nullopt);
      if (!to || !agent_.follow(*to)) break;
    }
    auto changed = agent_.changed.wait();
    (void)co_await within(moves_.deadline().value_or(no_deadline), std::move(changed));
  }
  throw stage_error("ice", "consent", transport_error::consent_lost);
}

// libnice hands over only what came from an address that its checks verified; what is not DTLS goes no further.
awaitable<void> full_endpoint::receive(datagram_batch& into) {
  const auto before = into.size();
  while (into.size() == before) {
    if (++busy_ == busy_batches) {
      busy_ = 0;
      auto executor = co_await asio::this_coro::executor;
      co_await asio::post(executor, use_awaitable);
    }
    incoming_.clear();
    const bool taken = agent_.take(incoming_);
    if (taken && tcp_) tcp_->resume();
    if (!taken) {
      busy_ = 0;
      co_await agent_.arrived.wait();
      continue;
    }
    for (std::size_t i = 0; i < incoming_.size(); ++i) {
      const auto datagram = std::as_const(incoming_)[i];
      ++traffic_.datagrams_in;
      traffic_.bytes_in += datagram.size();
      if (kind_of(datagram) == datagram_kind::dtls) {
        into.push(datagram);
      } else {
        count_drop("ice", "unknown-protocol");
      }
    }
  }
}

void full_endpoint::send(const datagram_batch& batch) {
  const auto sent = agent_.send(batch);
  for (std::size_t i = 0; i < sent; ++i) traffic_.bytes_out += batch[i].size();
  traffic_.datagrams_out += sent;
  if (sent < batch.size()) count_drop("ice", "send-refused", batch.size() - sent);
}

}  // namespace

result<std::unique_ptr<endpoint>> reserve_full(loop_executor executor, const config& settings, port_pool& ports) {
  auto made = std::make_unique<full_endpoint>(executor, settings, ports);
  if (const auto error = made->gather(executor, ports)) return error;
  return std::unique_ptr<endpoint>(std::move(made));
}

}  // namespace agw::ice
