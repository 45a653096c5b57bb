#include "agw/transports/port_pool.hpp"

#include <algorithm>
#include <bitset>
#include <mutex>
#include <stdexcept>

#include <boost/asio/error.hpp>

#include "agw/transports/error.hpp"

namespace agw {

struct port_lease::table {
  struct ports {
    std::bitset<65536> taken;
    std::uint32_t count = 0;  // of those taken: asked for each call
    std::uint32_t next = 0;  // offset from low: where the next search begins
  };

  table(std::uint16_t l, std::uint16_t h) noexcept : low(l), high(h) {}

  ports& of(port_protocol p) noexcept { return p == port_protocol::udp ? udp : tcp; }
  std::uint32_t size() const noexcept { return std::uint32_t{high} - low + 1; }

  // The next port in turn that is not leased; nothing when `left`, the ports still to be looked at, is used up.
  std::optional<std::uint16_t> take(port_protocol p, std::uint32_t& left) {
    const std::lock_guard lock(mutex);
    auto& mine = of(p);
    for (; left > 0; --left) {
      const auto port = static_cast<std::uint16_t>(low + mine.next);
      mine.next = (mine.next + 1) % size();
      if (mine.taken.test(port)) continue;
      mine.taken.set(port);
      ++mine.count;
      --left;
      return port;
    }
    return std::nullopt;
  }

  void give_back(port_protocol p, std::uint16_t port) noexcept {
    const std::lock_guard lock(mutex);
    of(p).taken.reset(port);
    --of(p).count;
  }

  const std::uint16_t low;
  const std::uint16_t high;
  std::mutex mutex;
  ports udp;
  ports tcp;
};

port_lease::port_lease(std::shared_ptr<table> owner, port_protocol protocol, std::uint16_t port) noexcept
    : table_(std::move(owner)), protocol_(protocol), port_(port) {}

port_lease::port_lease(port_lease&& other) noexcept
    : table_(std::move(other.table_)), protocol_(other.protocol_), port_(std::exchange(other.port_, 0)) {}

port_lease& port_lease::operator=(port_lease&& other) noexcept {
  if (this == &other) return *this;
  release();
  table_ = std::move(other.table_);
  protocol_ = other.protocol_;
  port_ = std::exchange(other.port_, 0);
  return *this;
}

port_lease::~port_lease() { release(); }

void port_lease::release() noexcept {
  if (table_) table_->give_back(protocol_, port_);
  table_.reset();
}

port_pool::port_pool(std::uint16_t low, std::uint16_t high) {
  if (low > high || (low == 0 && high != 0)) throw std::invalid_argument("port range");
  table_ = std::make_shared<port_lease::table>(low, high);
}

result<port_lease> port_pool::bind(port_protocol protocol, const std::function<error_code(std::uint16_t port)>& bind) {
  if (table_->high == 0) {
    if (const auto error = bind(0)) return error;
    return port_lease();
  }
  auto left = table_->size();
  while (const auto port = table_->take(protocol, left)) {
    port_lease lease(table_, protocol, *port);
    const auto error = bind(*port);
    if (!error) return lease;
    if (error != asio::error::address_in_use) return error;
  }
  return make_error_code(transport_error::no_port);
}

std::uint16_t port_pool::low() const noexcept { return table_->low; }
std::uint16_t port_pool::high() const noexcept { return table_->high; }

std::size_t port_pool::leased() const {
  const std::lock_guard lock(table_->mutex);
  return std::size_t{table_->udp.count} + table_->tcp.count;
}

double port_pool::share_leased() const {
  if (table_->high == 0) return 0;
  const std::lock_guard lock(table_->mutex);
  const auto most = std::max(table_->udp.count, table_->tcp.count);
  return static_cast<double>(most) / static_cast<double>(table_->size());
}

std::size_t port_pool::leased(port_protocol protocol) const {
  const std::lock_guard lock(table_->mutex);
  return table_->of(protocol).count;
}

std::size_t port_pool::size() const noexcept { return table_->high == 0 ? 0 : table_->size(); }

}  // namespace agw
