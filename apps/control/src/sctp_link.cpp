#include "agw/control/sctp_link.hpp"

#include <algorithm>
#include <map>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "agw/core/error.hpp"
#include "agw/core/event.hpp"
#include "agw/core/log.hpp"
#include "agw/core/metrics.hpp"
#include "agw/core/scope_guard.hpp"
#include "agw/core/task_group.hpp"
#include "agw/core/until.hpp"
#include "agw/h248/link_rest.hpp"
#include "agw/transports/port_pool.hpp"
#include "agw/transports/udp.hpp"

namespace agw::control {

namespace {

using h248::peer_address;
using h248::transport;

constexpr std::size_t longest_message_bytes = 65535;

peer_address peer_at(const udp::endpoint& at) { return {transport::sctp_over_udp, h248::unmapped(at.address()), at.port()}; }

class sctp_link final : public h248::message_link {
 public:
  sctp_link(loop_executor executor, udp::socket socket, const sctp_link_config& config)
      : executor_(std::move(executor)), socket_(std::move(socket)), config_(config) {}

  transport kind() const noexcept override { return transport::sctp_over_udp; }
  bool reliable() const noexcept override { return true; }
  std::size_t max_message_bytes() const noexcept override { return config_.sctp.max_message_bytes; }
  peer_address local() const override { return peer_at(socket_.local()); }
  void set_filter(peer_filter filter) override { filter_ = std::move(filter); }

  awaitable<void> run(receiver on_message, state_observer on_state) override {
    on_message_ = std::move(on_message);
    on_state_ = std::move(on_state);
    const scope_guard abort_all([this] { connections_.clear(); });
    auto body = [this](task_group& group) -> awaitable<void> {
      group.spawn("keeper", [this] { return keep(); });
      co_await receive();
    };
    co_await with_tasks("h248 sctp", std::move(body));
  }

  bool send(const peer_address& to, std::string_view text) override {
    auto at = connections_.find(to);
    if (at == connections_.end() || at->second->over()) {
      const bool may_dial = config_.dial && at == connections_.end() && !resting_.rests(to, clock::now());
      if (!may_dial) {
        count_drop("h248", "not-connected");
        return false;
      }
      at = begin(to, sctp::message_side::dial);
      if (at == connections_.end()) return false;
    }
    const bool taken = at->second->association->send(std::as_bytes(std::span(text.data(), text.size())));
    if (!taken) count_drop("h248", text.size() > max_message_bytes() ? "too-long" : "send-buffer-full");
    return true;
  }

  void drop(const peer_address& peer) override {
    const auto at = connections_.find(peer);
    if (at == connections_.end()) return;
    at->second->dropped = true;
    changed_.set();
  }

 private:
  struct connection final : sctp::message_host {
    connection(sctp_link& l, peer_address p) : link(l), peer(std::move(p)), to(link.endpoint_of(peer)) {}

    void on_packet(bytes_view packet) override { link.socket_.send(packet, to); }
    void on_up() override {
      was_up = true;
      link.resting_.reached(peer);
      log::info("h248: associated with {}", h248::to_text(peer));
      if (link.on_state_) link.on_state_(peer, true);
    }
    void on_message(bytes_view message) override {
      if (link.on_message_) link.on_message_(peer, std::string(reinterpret_cast<const char*>(message.data()), message.size()));
    }
    void on_end(std::string_view reason) override {
      why = reason;
      link.changed_.set();
    }
    bool over() const { return dropped || association->ended(); }

    sctp_link& link;
    const peer_address peer;
    const udp::endpoint to;
    clock::time_point since = clock::now();
    bool dialled = false;
    bool was_up = false;
    bool dropped = false;
    std::string_view why = "no answer";
    std::optional<sctp::message_association> association;
  };
  using connection_map = std::map<peer_address, std::unique_ptr<connection>>;

  udp::endpoint endpoint_of(const peer_address& peer) const {
    return {h248::mapped_for(socket_.local().address(), peer.host), peer.port};
  }

  connection_map::iterator begin(const peer_address& peer, sctp::message_side side) {
    if (connections_.size() >= config_.max_associations) {
      count_drop("h248", "too-many-connections");
      return connections_.end();
    }
    const auto made = connections_.emplace(peer, std::make_unique<connection>(*this, peer)).first;
    auto& c = *made->second;
    c.dialled = side == sctp::message_side::dial;
    try {
      c.association.emplace(executor_, config_.sctp, side, c);
    } catch (const stage_error& e) {
      log::error("h248: {}: {}", h248::to_text(peer), e.what());
      connections_.erase(made);
      return connections_.end();
    }
    changed_.set();
    return made;
  }

  awaitable<void> receive() {
    for (;;) {
      const auto arrivals = socket_.receive();
      if (arrivals.empty()) {
        co_await socket_.wait_readable();
        continue;
      }
      for (const auto& one : arrivals) take(peer_at(*one.source), one.bytes);
    }
  }

  void take(const peer_address& from, bytes_view packet) {
    auto at = connections_.find(from);
    if (at == connections_.end()) {
      // A host that is no peer of ours costs a look at its address, and gets no answer.
      if (filter_ && !filter_(from)) return count_drop("h248", "refused-peer");
      if (!config_.listen || !sctp::begins_association(packet)) {
        const auto answer = sctp::answer_out_of_the_blue(packet);
        count_drop("h248", "no-association");
        if (!answer.empty()) socket_.send(answer, endpoint_of(from));
        return;
      }
      at = begin(from, sctp::message_side::listen);
      if (at == connections_.end()) return;
    }
    at->second->association->input(packet);
  }

  /// Takes away what has ended or never came up. Only here, so that no association goes while it calls its host.
  awaitable<void> keep() {
    for (;;) {
      auto next = no_deadline;
      const auto now = clock::now();
      std::vector<std::unique_ptr<connection>> gone;
      for (auto at = connections_.begin(); at != connections_.end();) {
        auto& c = *at->second;
        const auto by = c.association->up() ? no_deadline : c.since + config_.setup_limit;
        if (c.over() || (!c.was_up && by <= now)) {
          gone.push_back(std::move(at->second));
          at = connections_.erase(at);
          continue;
        }
        if (!c.was_up) next = std::min(next, by);
        ++at;
      }
      for (const auto& c : gone) ended(*c, now);
      resting_.forget_old(now);
      co_await within(next, changed_.wait());
    }
  }

  void ended(const connection& c, clock::time_point now) {
    log::info("h248: association with {} ended: {}", h248::to_text(c.peer), c.why);
    if (c.dialled && !c.was_up) resting_.failed(c.peer, now);
    on_state_(c.peer, false);
  }

  loop_executor executor_;
  udp::socket socket_;
  const sctp_link_config config_;
  receiver on_message_;
  state_observer on_state_;
  peer_filter filter_;
  h248::peer_rest resting_{config_.first_redial, config_.longest_redial};
  event changed_;
  connection_map connections_;
};

}  // namespace

result<std::unique_ptr<h248::message_link>> open_sctp_link(loop_executor executor, const h248::peer_address& local,
                                                           const sctp_link_config& config) {
  auto settings = config;
  settings.sctp.max_message_bytes = std::min(settings.sctp.max_message_bytes, longest_message_bytes);
  port_pool only(local.port, local.port);
  auto socket = udp::socket::open(executor, local.host, only);
  if (!socket) return socket.error();
  return std::unique_ptr<h248::message_link>(std::make_unique<sctp_link>(std::move(executor), std::move(*socket), settings));
}

}  // namespace agw::control
