// The shell around the lite machine: a socket of the shard, and the watch for its deadline.
#include <boost/asio/post.hpp>

#include "agw/core/event_alarm.hpp"
#include "agw/core/error.hpp"
#include "agw/core/log.hpp"
#include "agw/core/metrics.hpp"
#include "agw/core/event.hpp"
#include "agw/core/scope_guard.hpp"
#include "agw/core/until.hpp"
#include "agw/transports/error.hpp"
#include "agw/transports/ice_machine.hpp"
#include "agw/transports/shared_port.hpp"
#include "ice/endpoints.hpp"
#include "ice/family_sockets.hpp"
#include "ice/lane.hpp"
#include "ice/source_queue.hpp"
#include "ice/tcp_side.hpp"

namespace agw::ice {

namespace {

// Datagrams that came from a verified address before it was nominated; a ClientHello with a few fragments is what to expect.
constexpr std::size_t max_early_bytes = 64 * 1024;
// Of what is sent before the nomination: a flight of the handshake.
constexpr std::size_t max_repeated_bytes = 8 * 1024;
// Datagrams of other sources than the one that is read now; more than one receive of the socket yields.
constexpr std::size_t max_waiting_bytes = 4 << 20;

// After so many batches without a wait other tasks of the loop run, and a cancel can take effect.
constexpr unsigned busy_batches = 8;

constexpr std::uint64_t many_strangers = 4;

// Readers of TCP wait while that much waits for the path's reader.
constexpr std::size_t congested_bytes = 256 * 1024;

class lite_endpoint final : public endpoint, private tcp_owner {
 public:
  lite_endpoint(const config& settings, family_sockets sockets, std::unique_ptr<tcp_side> tcp)
      : settings_(settings),
        socket_(std::move(sockets)),
        tcp_(std::move(tcp)),
        machine_(own_credentials(settings), settings.consent_timeout) {
    local_.address = udp::endpoint(settings.advertised_address.value_or(settings.local_address), socket_.local().port());
    if (!settings.use_ice) return;
    local_.credentials = machine_.agent().local();
    local_.lite = true;
    candidate own;
    own.foundation = "1";
    own.priority = candidate_priority(candidate_type::host, 65535);
    own.address = local_.address;
    local_.candidates.push_back(format_candidate(own));
    if (tcp_) local_.candidates.push_back(passive_candidate("2", local_.address.address(), tcp_->port()));
    if (const auto* const second = socket_.second()) {
      own.foundation = "3";
      own.priority = candidate_priority(candidate_type::host, 65534);
      own.address = udp::endpoint(settings.other_family->shown, second->local().port());
      local_.other_family = own.address;
      local_.candidates.push_back(format_candidate(own));
    }
  }

  ~lite_endpoint() override {
    if (const auto lost = socket_.kernel_drops(); lost != 0) count_drop("udp", "kernel", lost);
  }

  const local_parameters& local() const noexcept override { return local_; }
  udp::traffic counted() const noexcept override;
  bool set_dscp(unsigned dscp) override { return socket_.set_dscp(dscp) && (!tcp_ || tcp_->set_dscp(dscp)); }
  std::optional<udp::endpoint> remote_address() const override { return machine_.remote_address(); }
  std::string seen() const override;

  error_code update(const remote_parameters& remote) override;
  error_code restart() override;
  void begin_anew() override;
  void heard() override;
  awaitable<std::unique_ptr<datagram_pipe>> connect(task_group& tasks, remote_parameters remote) override;
  void latch_off() override { machine_.latch_off(); }
  void latch(bool again) override { machine_.latch(again); }

  /// False: another endpoint of the shared port has our ufrag.
  bool has_name() { return !settings_.use_ice || socket_.name(local_.credentials.ufrag); }

  // For the path.
  awaitable<void> receive(datagram_batch& into);
  void send(const datagram_batch& batch);
  std::size_t max_datagram_bytes() const noexcept { return settings_.max_datagram_bytes; }
  void allow_fragments(bool allowed) noexcept { socket_.allow_fragments(allowed); }

 private:
  static std::optional<credentials> own_credentials(const config& settings) {
    return settings.use_ice ? std::optional(make_credentials()) : std::nullopt;
  }
  remote_parameters reachable(remote_parameters remote) const;
  bool read(datagram_batch* into);
  bool look() noexcept;
  void filter_sources();
  void claim_sources();
  bool is_application(std::span<std::byte> datagram, const route& source, clock::time_point now);
  void send_to(const route& to, const datagram_batch& batch);
  void repeat_first();
  void report();
  awaitable<void> wait_or_yield(bool had_something);
  awaitable<void> watch_consent();
  awaitable<void> serve_tcp();
  // For the connections of tcp_.
  bool admits_connection(const udp::endpoint& from) override { return !admits || admits(from); }
  bool on_frame(std::span<std::byte> frame, const route& source) override;
  bool congested() const override { return waiting_.bytes() > congested_bytes; }
  void on_gone(const route& source) override { machine_.gone(source); }

  config settings_;
  family_sockets socket_;
  std::unique_ptr<tcp_side> tcp_;  // null: UDP only
  lite_machine machine_;
  local_parameters local_;
  source_queue waiting_;
  route reading_;         // the source of what receive() yielded last
  datagram_batch first_;  // sent to first_to_ last, before the peer has nominated
  route first_to_;
  event machine_changed_;  // the deadline may be another one
  event stop_tcp_;
  std::uint64_t strangers_ = 0;         // datagrams that the filter would have dropped
  std::uint32_t filtered_for_ = 0;  // the verified sources that the socket's filter knows
  std::optional<std::uint32_t> claimed_for_ = 0;  // those that the shared port knows; nothing: it has refused one
  bool is_given_ = false;    // connect() has given the path
  bool is_awaited_ = false;  // its reader waits for the socket
  clock::time_point carried_at_{};
  bool lively_ = true;  // not at rest
  unsigned busy_ = 0;
};

class lite_path final : public datagram_pipe {
 public:
  explicit lite_path(lite_endpoint& owner) noexcept : owner_(owner) {}
  awaitable<void> receive(datagram_batch& into) override { return owner_.receive(into); }
  void send(const datagram_batch& batch) override { owner_.send(batch); }
  std::size_t max_datagram_bytes() const noexcept override { return owner_.max_datagram_bytes(); }
  void allow_fragments(bool allowed) noexcept override { owner_.allow_fragments(allowed); }

 private:
  lite_endpoint& owner_;
};

// Of a lite peer, whose best candidate is taken as it stands, only those of a family that we have.
remote_parameters lite_endpoint::reachable(remote_parameters remote) const {
  if (!remote.lite) return remote;
  std::erase_if(remote.candidates, [this](const std::string& value) {
    const auto parsed = parse_candidate(value);
    return parsed && *parsed && !socket_.reaches((*parsed)->address);
  });
  return remote;
}

error_code lite_endpoint::update(const remote_parameters& remote) {
  // Among others' datagrams a stranger's cannot be told.
  if (remote.latching && socket_.shared()) return make_error_code(boost::system::errc::operation_not_supported);
  const auto wrong = machine_.set_remote(reachable(remote), clock::now());
  if (wrong) return wrong;
  claim_sources();
  machine_changed_.set();
  const bool checks = settings_.use_ice && !remote.credentials.ufrag.empty() && !remote.lite;
  if (!checks) strangers_ = 0;
  if (!checks && std::exchange(filtered_for_, 0) != 0) socket_.admit_all();
  return wrong;
}

error_code lite_endpoint::restart() {
  if (!settings_.use_ice) return transport_error::bad_credentials;
  auto own = make_credentials();
  if (!socket_.name(own.ufrag)) return make_error_code(boost::system::errc::resource_unavailable_try_again);
  machine_.restart(std::move(own));
  local_.credentials = machine_.agent().local();
  return {};
}

void lite_endpoint::begin_anew() {
  machine_.begin_anew();
  claim_sources();
  waiting_.clear();
}

// The shared port hands us what comes from these; one that another endpoint has is asked for again with the next datagram.
void lite_endpoint::claim_sources() {
  claimed_for_ = machine_.agent().verified_changes();
  if (!socket_.shared()) return;
  auto sources = machine_.agent().verified_addresses();
  if (const auto known = machine_.remote_address()) sources.push_back(*known);
  if (socket_.claim(sources)) return;
  count_drop("ice", "source-taken");
  claimed_for_.reset();
}

void lite_endpoint::heard() {
  machine_.heard(reading_, clock::now());
  report();
}

awaitable<std::unique_ptr<datagram_pipe>> lite_endpoint::connect(task_group& tasks, remote_parameters remote) {
  if (const auto wrong = update(remote)) throw stage_error("ice", "error", wrong);
  is_given_ = false;
  lively_ = true;
  carried_at_ = clock::now();
  scope_guard stop_tcp([this] { stop_tcp_.set(); });
  if (tcp_) {
    stop_tcp_.reset();
    tasks.spawn("tcp", [this] { return serve_tcp(); });
  }
  while (machine_.state() != path_state::open) {
    const bool had_something = read(nullptr);
    if (machine_.state() != path_state::open) co_await wait_or_yield(had_something);
  }
  if (settings_.use_ice) {
    tasks.spawn("consent", [this] { return watch_consent(); });
  }
  stop_tcp.release();
  is_given_ = true;
  co_return std::make_unique<lite_path>(*this);
}

// For the life of the path; connections end with it.
awaitable<void> lite_endpoint::serve_tcp() {
  auto body = [this](task_group& tasks) -> awaitable<void> {
    tasks.spawn("serve", [this] { return tcp_->serve(*this); });
    co_await stop_tcp_.wait();
  };
  co_await with_tasks("ice tcp", body);
}

bool lite_endpoint::on_frame(std::span<std::byte> frame, const route& source) {
  if (is_application(frame, source, clock::now()) && !waiting_.push(frame, source, max_waiting_bytes)) count_drop("ice", "early");
  socket_.wake();
  return machine_.agent().verified(source);
}

std::string lite_endpoint::seen() const {
  if (!settings_.use_ice) return {};
  const auto& checks = machine_.agent().checks();
  if (!checks.last) return "no check came";
  auto out = std::to_string(checks.valid) + " valid checks came";
  if (checks.valid > 0 && !machine_.agent().selected()) out += ", none that nominates";
  if (checks.refused > 0) out += ", " + std::to_string(checks.refused) + " with credentials that are not this call's";
  const auto& from = checks.last->address;
  const auto host = from.address().is_v6() ? "[" + from.address().to_string() + "]" : from.address().to_string();
  return out + ", the last from " + host + ":" + std::to_string(from.port());
}

udp::traffic lite_endpoint::counted() const noexcept {
  auto out = socket_.counted();
  if (tcp_) out += tcp_->counted();
  return out;
}

// Takes what is in the kernel's buffer: answers checks, appends to `into` the application data of the first source that has some; what is of
// others, or all without `into`, waits. False: nothing was there.
bool lite_endpoint::read(datagram_batch* into) {
  const auto arrivals = socket_.receive();
  if (arrivals.empty()) return false;
  const auto now = clock::now();
  const auto before = into ? into->size() : 0;
  bool carried = false;
  const auto bound = is_given_ ? max_waiting_bytes : max_early_bytes;
  for (const auto& a : arrivals) {
    const route source(*a.source);
    if (!is_application(a.bytes, source, now)) continue;
    carried = true;
    const bool first = into && into->size() == before;
    if (into && waiting_.empty() && (first || reading_ == source)) {
      reading_ = source;
      into->push(a.bytes);
    } else if (!waiting_.push(a.bytes, source, bound)) {
      count_drop("ice", "early");
    }
  }
  filter_sources();
  // A single datagram, as SCTP's heartbeat twice a minute, does not disturb the rest.
  const bool lately = now - carried_at_ < rests_after;
  if (carried && lately) lively_ = true;
  if (!carried && !lately) lively_ = false;
  if (carried) carried_at_ = now;
  return true;
}

// At rest, while receive() waits: answers checks without waking it. A reader that does not wait reads before it does.
bool lite_endpoint::look() noexcept {
  if (!is_awaited_) return true;
  try {
    for (unsigned i = 0; i < busy_batches && waiting_.empty(); ++i) {
      if (!read(nullptr)) return false;
    }
  } catch (...) {  // without memory: the reader meets it too, and the call fails
  }
  return true;
}

// Once the path is open, and strangers have come, the kernel drops what is no STUN and from nobody verified. A filter costs a fifth of a millisecond
// (the kernel compiles it), which a call without strangers is spared.
void lite_endpoint::filter_sources() {
  const auto& agent = machine_.agent();
  if (strangers_ < many_strangers || !agent.selected() || filtered_for_ == agent.verified_changes()) return;
  filtered_for_ = agent.verified_changes();
  const auto sources = agent.verified_addresses();
  socket_.admit(sources);
}

bool lite_endpoint::is_application(std::span<std::byte> datagram, const route& source, clock::time_point now) {
  if (admits && !admits(source.address)) {
    count_drop("ice", "filtered");
    return false;
  }
  const bool was_watched = machine_.deadline().has_value();
  const auto decided = machine_.receive(datagram, source, now);
  if (!was_watched && machine_.deadline()) machine_changed_.set();  // the first check of a peer that took to ICE later
  if (claimed_for_ != machine_.agent().verified_changes()) claim_sources();
  if (decided == verdict::application) return true;
  const bool strange = decided == verdict::dropped && source.connection == 0 && kind_of(datagram) != datagram_kind::stun;
  if (strange && machine_.agent().selected()) ++strangers_;
  if (decided == verdict::answer) {
    if (source.connection != 0) tcp_->send(machine_.answer(), source.connection);
    else socket_.send(machine_.answer(), source.address);
  }
  if (!first_.empty() && machine_.agent().nominated()) repeat_first();
  report();
  return false;
}

void lite_endpoint::report() {
  while (const auto found = machine_.take_peer_reflexive()) {
    if (on_peer_reflexive) on_peer_reflexive(*found);
  }
  if (const auto learnt = machine_.take_latched(); learnt && on_latched) on_latched(*learnt);
}

awaitable<void> lite_endpoint::wait_or_yield(bool had_something) {
  if (!had_something) {
    busy_ = 0;
    if (is_given_ && !lively_) socket_.rest([this] { return look(); });
    else socket_.stir();
    const scope_guard waited([this] { is_awaited_ = false; });
    is_awaited_ = true;
    co_await socket_.wait_readable();
  } else if (++busy_ >= busy_batches) {
    busy_ = 0;
    auto executor = co_await asio::this_coro::executor;
    co_await asio::post(executor, use_awaitable);
  }
}

awaitable<void> lite_endpoint::receive(datagram_batch& into) {
  const auto before = into.size();
  bool had_something = true;
  while (into.size() == before) {
    if (!waiting_.empty()) {
      reading_ = waiting_.pop(into);
      if (tcp_ && !congested()) tcp_->resume();
      co_return;
    }
    co_await wait_or_yield(had_something);
    had_something = read(&into);
  }
}

void lite_endpoint::send(const datagram_batch& batch) {
  const auto to = machine_.destination();
  if (!to) return count_drop("ice", machine_.state() == path_state::lost ? "consent" : "no-remote", batch.size());
  send_to(*to, batch);
  if (machine_.agent().nominated() || batch.bytes() > max_repeated_bytes || to != machine_.agent().selected()) return;
  first_.clear();
  for (std::size_t i = 0; i < batch.size(); ++i) first_.push(batch[i]);
  first_to_ = *to;
}

void lite_endpoint::send_to(const route& to, const datagram_batch& batch) {
  if (to.connection != 0) tcp_->send(batch, to.connection);
  else socket_.send(batch, to.address);
}

// The peer nominates another route than the one that its first check took, perhaps since that one carries nothing back: the handshake's timer,
// a second, is not waited for.
void lite_endpoint::repeat_first() {
  const auto repeated = std::exchange(first_, {});
  const auto to = machine_.destination();
  if (to && *to != first_to_) send_to(*to, repeated);
}

// For the life of the path, as a peer may take to ICE later.
awaitable<void> lite_endpoint::watch_consent() {
  event_alarm wakes(co_await asio::this_coro::executor, machine_changed_);
  while (machine_.state() != path_state::lost) {
    wakes.set(machine_.deadline().value_or(no_deadline));
    const auto [cancelled] = co_await machine_changed_.settle();
    if (cancelled) co_return;
    machine_.timeout(clock::now());
  }
  throw stage_error("ice", "consent", transport_error::consent_lost);
}

}  // namespace

result<std::unique_ptr<endpoint>> reserve_lite(loop_executor executor, const config& settings, port_pool& ports) {
  const auto open_port = [&](const asio::ip::address& address) -> result<std::unique_ptr<packet_port>> {
    if (auto* const shared = settings.shared && settings.use_ice ? settings.shared->find(executor, address) : nullptr) {
      return std::unique_ptr<packet_port>(std::make_unique<lane>(*shared));
    }
    auto socket = udp::socket::open(executor, address, ports, settings.socket);
    if (!socket) return socket.error();
    return std::unique_ptr<packet_port>(std::make_unique<own_port>(std::move(*socket)));
  };
  auto first = open_port(settings.local_address);
  if (!first) return first.error();
  std::unique_ptr<packet_port> second;
  if (settings.use_ice && settings.other_family) {
    auto opened = open_port(settings.other_family->bound);
    if (opened) second = std::move(*opened);
    else log::debug("ice: no candidate of {}: {}", settings.other_family->bound.to_string(), opened.error().message());
  }
  std::unique_ptr<tcp_side> tcp;
  if (settings.use_ice && settings.tcp) {
    auto listening = tcp_side::listen(executor, settings.local_address, ports);
    if (!listening) return listening.error();
    tcp = std::move(*listening);
  }
  auto out = std::make_unique<lite_endpoint>(settings, family_sockets(std::move(*first), std::move(second)), std::move(tcp));
  // 48 random bits: it happens once in a gateway's life, if at all.
  if (!out->has_name()) return make_error_code(boost::system::errc::resource_unavailable_try_again);
  return std::unique_ptr<endpoint>(std::move(out));
}

}  // namespace agw::ice
