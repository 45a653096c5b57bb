// An endpoint on a socket of the shard: the lite agent's, or plain UDP where the peers do not use ICE.
#include <algorithm>

#include <boost/asio/post.hpp>

#include "agw/core/error.hpp"
#include "agw/core/log.hpp"
#include "agw/core/metrics.hpp"
#include "agw/core/until.hpp"
#include "agw/transports/error.hpp"
#include "agw/transports/ice_agent.hpp"
#include "ice/endpoints.hpp"
#include "ice/family_sockets.hpp"

namespace agw::ice {

namespace {

// Datagrams that came from a verified address before it was nominated; a ClientHello with a few fragments is what to expect.
constexpr std::size_t max_early_bytes = 64 * 1024;
// After so many batches without a wait other tasks of the loop run, and a cancel can take effect.
constexpr unsigned busy_batches = 8;

class lite_endpoint final : public endpoint {
 public:
  lite_endpoint(const config& settings, family_sockets sockets)
      : settings_(settings), socket_(std::move(sockets)), agent_(settings.use_ice ? make_credentials() : credentials()) {
    local_.address = udp::endpoint(settings.advertised_address.value_or(settings.local_address), socket_.local().port());
    if (!settings.use_ice) return;
    local_.credentials = agent_.local();
    local_.lite = true;
    candidate own;
    own.foundation = "1";
    own.priority = candidate_priority(candidate_type::host, 65535);
    own.address = local_.address;
    local_.candidates.push_back(format_candidate(own));
    if (const auto* const second = socket_.second()) {
      own.foundation = "2";
      own.priority = candidate_priority(candidate_type::host, 65534);
      own.address = udp::endpoint(settings.other_family->shown, second->local().port());
      local_.other_family = own.address;
      local_.candidates.push_back(format_candidate(own));
    }
  }

  const local_parameters& local() const noexcept override { return local_; }
  udp::traffic counted() const noexcept override { return socket_.counted(); }
  bool set_dscp(unsigned dscp) override { return socket_.set_dscp(dscp); }
  std::optional<udp::endpoint> remote_address() const override { return with_ice_ ? agent_.selected() : plain_remote_; }

  error_code update(const remote_parameters& remote) override;
  void heard() override { agent_.heard(clock::now()); }
  awaitable<std::unique_ptr<datagram_pipe>> connect(task_group& tasks, remote_parameters remote) override;
  void latch_off() override { latching_ = relatching_ = false; }
  void latch(bool again) override {
    latching_ = true;
    relatching_ = again;
  }

  // For the path.
  awaitable<void> receive(datagram_batch& into);
  void send(const datagram_batch& batch);
  std::size_t max_datagram_bytes() const noexcept { return settings_.max_datagram_bytes; }

 private:
  bool read(datagram_batch& into);
  bool is_application(const udp::arrival& a, clock::time_point now);
  awaitable<void> wait_or_yield(bool had_something);
  awaitable<void> watch_consent();

  config settings_;
  family_sockets socket_;
  lite_agent agent_;
  local_parameters local_;
  bool with_ice_ = true;                       // false once the peer turned out not to check
  std::optional<udp::endpoint> plain_remote_;  // without ICE
  bool latching_ = false;
  bool relatching_ = false;  // the source must be another one than now
  datagram_batch early_;
  unsigned busy_ = 0;
};

class lite_path final : public datagram_pipe {
 public:
  explicit lite_path(lite_endpoint& owner) noexcept : owner_(owner) {}
  awaitable<void> receive(datagram_batch& into) override { return owner_.receive(into); }
  void send(const datagram_batch& batch) override { owner_.send(batch); }
  std::size_t max_datagram_bytes() const noexcept override { return owner_.max_datagram_bytes(); }

 private:
  lite_endpoint& owner_;
};

error_code lite_endpoint::update(const remote_parameters& remote) {
  if (settings_.use_ice && !remote.credentials.ufrag.empty()) {
    if (!valid(remote.credentials)) return transport_error::bad_credentials;
    auto candidates = usable_candidates(remote);
    if (remote.lite) {
      std::erase_if(candidates, [this](const candidate& c) { return !socket_.reaches(c.address); });
      // Neither side checks: the peer's best candidate is taken as it stands (RFC 8445, 6.1.1 and 8.1.1).
      const auto best = std::max_element(candidates.begin(), candidates.end(),
                                         [](const candidate& a, const candidate& b) { return a.priority < b.priority; });
      if (best == candidates.end()) return transport_error::no_remote_address;
      plain_remote_ = best->address;
    }
    with_ice_ = !remote.lite;
    agent_.set_remote(remote.credentials, std::move(candidates));
    return {};
  }
  if (!remote.address && !remote.latching) return transport_error::no_remote_address;
  with_ice_ = false;
  if (remote.latching) latching_ = true;  // latch() may have come before
  plain_remote_ = remote.latching ? std::nullopt : remote.address;
  return {};
}

awaitable<std::unique_ptr<datagram_pipe>> lite_endpoint::connect(task_group& tasks, remote_parameters remote) {
  if (const auto wrong = update(remote)) throw stage_error("ice", "error", wrong);
  while (!remote_address()) {
    const bool had_something = read(early_);
    if (!remote_address()) co_await wait_or_yield(had_something);
  }
  if (with_ice_) {
    tasks.spawn("consent", [this]() { return watch_consent(); });
  }
  co_return std::make_unique<lite_path>(*this);
}

// Takes what is in the kernel's buffer: answers checks, appends application data. False: nothing was there.
bool lite_endpoint::read(datagram_batch& into) {
  const auto arrivals = socket_.receive();
  if (arrivals.empty()) return false;
  const auto now = clock::now();
  for (const auto& a : arrivals) {
    if (!is_application(a, now)) continue;
    if (&into == &early_ && early_.bytes() + a.bytes.size() > max_early_bytes) {
      count_drop("ice", "early");
    } else {
      into.push(a.bytes);
    }
  }
  return true;
}

bool lite_endpoint::is_application(const udp::arrival& a, clock::time_point now) {
  if (admits && !admits(*a.source)) {
    count_drop("ice", "filtered");
    return false;
  }
  if (with_ice_) {
    const auto v = agent_.on_datagram(a.bytes, *a.source, now);
    if (v == verdict::answer) socket_.send(agent_.answer(), *a.source);
    while (const auto found = agent_.take_peer_reflexive()) {
      if (on_peer_reflexive) on_peer_reflexive(*found);
    }
    return v == verdict::application;
  }
  const bool dtls = kind_of(a.bytes) == datagram_kind::dtls;
  if (dtls && latching_ && !(relatching_ && plain_remote_ == *a.source)) {
    const bool moved = plain_remote_ != *a.source;
    latching_ = false;
    plain_remote_ = *a.source;
    if (moved && on_latched) on_latched(*a.source);
  }
  if (dtls && plain_remote_ == *a.source) return true;
  count_drop("ice", dtls ? "unverified" : "unknown-protocol");
  return false;
}

awaitable<void> lite_endpoint::wait_or_yield(bool had_something) {
  if (!had_something) {
    busy_ = 0;
    co_await socket_.wait_readable();
  } else if (++busy_ >= busy_batches) {
    busy_ = 0;
    auto executor = co_await asio::this_coro::executor;
    co_await asio::post(executor, asio::use_awaitable);
  }
}

awaitable<void> lite_endpoint::receive(datagram_batch& into) {
  const auto before = into.size();
  for (std::size_t i = 0; i < early_.size(); ++i) into.push(std::as_const(early_)[i]);
  early_.clear();
  bool had_something = true;
  while (into.size() == before) {
    co_await wait_or_yield(had_something);
    had_something = read(into);
  }
}

void lite_endpoint::send(const datagram_batch& batch) {
  if (const auto to = remote_address()) {
    socket_.send(batch, *to);
  } else {
    count_drop("ice", "no-remote", batch.size());
  }
}

awaitable<void> lite_endpoint::watch_consent() {
  while (with_ice_) {
    const auto by = agent_.last_check().value_or(clock::now()) + settings_.consent_timeout;
    if (clock::now() >= by) throw stage_error("ice", "consent", transport_error::consent_lost);
    co_await sleep_until(by);
  }
}

}  // namespace

result<std::unique_ptr<endpoint>> reserve_lite(asio::any_io_executor executor, const config& settings, port_pool& ports) {
  auto socket = udp::socket::open(executor, settings.local_address, ports, settings.socket);
  if (!socket) return socket.error();
  std::optional<udp::socket> second;
  if (settings.use_ice && settings.other_family) {
    auto opened = udp::socket::open(executor, settings.other_family->bound, ports, settings.socket);
    if (opened) second.emplace(std::move(*opened));
    else log::debug("ice: no candidate of {}: {}", settings.other_family->bound.to_string(), opened.error().message());
  }
  return std::unique_ptr<endpoint>(std::make_unique<lite_endpoint>(settings, family_sockets(std::move(*socket), std::move(second))));
}

}  // namespace agw::ice
