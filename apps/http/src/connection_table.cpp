#include "connection_table.hpp"

#include <algorithm>

#include "agw/core/metrics.hpp"
#include "agw/core/sockets.hpp"

namespace agw::http {

connection_table::entry::entry(connection_table& table, tcp_socket socket, asio::ip::address host)
    : table_(table), socket_(std::move(socket)), host_(std::move(host)), self_(table.all_.insert(table.all_.end(), this)) {}

connection_table::entry::~entry() { table_.all_.erase(self_); }

void connection_table::entry::set(phase to) noexcept {
  phase_ = to;
  since_ = clock::now();
}

bool connection_table::entry::upgrade() noexcept {
  const auto is_websocket = [](const entry& e) { return e.phase_ == phase::websocket; };
  if (table_.count(is_websocket) >= table_.config_.max_websockets) return false;
  if (table_.count([&](const entry& e) { return is_websocket(e) && e.host_ == host_; }) >= table_.config_.max_host_websockets) return false;
  set(phase::websocket);
  return true;
}

template <class F>
std::size_t connection_table::count(F f) const {
  return static_cast<std::size_t>(std::ranges::count_if(all_, [&](const entry* e) { return !e->leaving_ && f(*e); }));
}

asio::ip::address connection_table::host_of(const asio::ip::address& address) {
  if (address.is_v4()) return address;
  const auto v6 = address.to_v6();
  if (v6.is_v4_mapped()) return asio::ip::make_address_v4(asio::ip::v4_mapped, v6);
  auto bytes = v6.to_bytes();
  std::fill(bytes.begin() + 8, bytes.end(), static_cast<unsigned char>(0));
  return asio::ip::address_v6(bytes);
}

// Its reader sees the end of the connection, as if the peer had closed it.
bool connection_table::close_idlest(const asio::ip::address* host) {
  entry* idlest = nullptr;
  for (auto* e : all_) {
    if (e->leaving_ || e->phase_ != phase::waiting || (host && e->host_ != *host)) continue;
    if (!idlest || e->since_ < idlest->since_) idlest = e;
  }
  if (!idlest) return false;
  idlest->leaving_ = true;
  error_code ignored;
  idlest->socket_.shutdown(tcp_socket::shutdown_both, ignored);
  count_drop("http", "idle");
  return true;
}

bool connection_table::make_room(const asio::ip::address& host) {
  // Those on their way out cost little, but not nothing.
  if (all_.size() >= 2 * config_.max_connections) return false;
  if (count([&](const entry& e) { return e.host_ == host; }) >= config_.max_host_connections) return close_idlest(&host);
  if (count([](const entry&) { return true; }) >= config_.max_connections) return close_idlest(nullptr);
  return true;
}

}  // namespace agw::http
