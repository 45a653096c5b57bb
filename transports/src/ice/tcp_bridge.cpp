#include "ice/tcp_bridge.hpp"

#include <algorithm>

#include "agw/core/metrics.hpp"
#include "agw/core/scope_guard.hpp"
#include "agw/transports/ice_agent.hpp"
#include "ice/mapped_address.hpp"

namespace agw::ice {

namespace {

constexpr std::size_t transaction_bytes = 12;

}  // namespace

struct tcp_bridge::leg {
  leg(udp::socket s, const route& r) : socket(std::move(s)), from(r) {}
  udp::socket socket;
  route from;
  bool verified = false;  // the agent has answered a check with success
  bool gone = false;
  std::array<std::byte, transaction_bytes> nominating{};  // of the last check with USE-CANDIDATE
};

tcp_bridge::tcp_bridge(std::unique_ptr<tcp_side> tcp, const udp::endpoint& agent) : tcp_(std::move(tcp)), agent_(agent) {}
tcp_bridge::~tcp_bridge() = default;

awaitable<void> tcp_bridge::serve() {
  auto body = [this](task_group& tasks) -> awaitable<void> {
    tasks_ = &tasks;
    const scope_guard no_more([this] { tasks_ = nullptr; });
    co_await tcp_->serve(*this);
  };
  co_await with_tasks("ice tcp bridge", body);
}

std::shared_ptr<tcp_bridge::leg> tcp_bridge::open_leg(const route& source) {
  if (tasks_ == nullptr) return nullptr;
  auto socket = udp::socket::open(tasks_->get_executor(), agent_.address(), any_port_);
  if (!socket) {
    count_drop("ice", "tcp-leg");
    return nullptr;
  }
  auto l = std::make_shared<leg>(std::move(*socket), source);
  legs_.emplace(source.connection, l);
  tasks_->spawn("leg", [this, l] { return carry(l); });
  return l;
}

// From the peer to the agent.
bool tcp_bridge::on_frame(std::span<std::byte> frame, const route& source) {
  const auto kind = kind_of(frame);
  const auto found = legs_.find(source.connection);
  auto l = found == legs_.end() ? nullptr : found->second;
  if (!l && kind != datagram_kind::stun) {
    count_drop("ice", "unverified");
    return false;
  }
  if (!l) l = open_leg(source);
  if (!l) return false;
  if (kind == datagram_kind::stun && is_nominating(frame)) {
    std::ranges::copy(transaction_of(frame), l->nominating.begin());
  }
  l->socket.send(bytes_view(frame), agent_);
  if (kind == datagram_kind::dtls && l->verified) prefer(*l);
  return l->verified;
}

// For the life of the connection.
awaitable<void> tcp_bridge::carry(std::shared_ptr<leg> l) {
  while (!l->gone) {
    for (auto all = l->socket.receive(); !all.empty(); all = l->socket.receive()) {
      for (const auto& a : all) {
        if (*a.source == agent_) to_peer(*l, a.bytes);
        else count_drop("ice", "unverified");
      }
    }
    co_await l->socket.wait_readable();
  }
}

void tcp_bridge::to_peer(leg& l, std::span<std::byte> datagram) {
  if (is_binding_success(datagram)) {
    l.verified = true;
    tcp_->verified(l.from.connection);
    readdress(datagram, l.from.address, password());
    if (std::ranges::equal(transaction_of(datagram), l.nominating)) prefer(l);
  }
  tcp_->send(bytes_view(datagram), l.from.connection);
}

void tcp_bridge::prefer(const leg& l) {
  preferred_ = l.socket.local();
  on_change();
}

void tcp_bridge::on_gone(const route& source) {
  const auto found = legs_.find(source.connection);
  if (found == legs_.end()) return;
  const auto l = std::move(found->second);
  legs_.erase(found);
  ended_[next_ended_++ % ended_.size()] = l->socket.local().port();
  if (preferred_ == l->socket.local()) preferred_.reset();
  l->gone = true;
  l->socket.wake();
  has_ended_ = true;
  on_change();
}

bool tcp_bridge::is_leg(const udp::endpoint& address) const noexcept {
  if (peer_behind(address)) return true;
  return address.address() == agent_.address() && std::ranges::find(ended_, address.port()) != ended_.end();
}

std::optional<udp::endpoint> tcp_bridge::peer_behind(const udp::endpoint& address) const {
  for (const auto& [number, l] : legs_) {
    if (l->socket.local() == address) return l->from.address;
  }
  return std::nullopt;
}

}  // namespace agw::ice
