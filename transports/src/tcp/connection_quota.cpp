#include "agw/transports/connection_quota.hpp"

namespace agw {

connection_quota::share& connection_quota::share::operator=(share&& other) noexcept {
  if (this == &other) return *this;
  release();
  of_ = std::exchange(other.of_, nullptr);
  return *this;
}

void connection_quota::share::release() noexcept {
  if (of_) of_->taken_.fetch_sub(1, std::memory_order_relaxed);
  of_ = nullptr;
}

std::optional<connection_quota::share> connection_quota::take() noexcept {
  auto now = taken();
  do {
    if (now >= at_most_) return std::nullopt;
  } while (!taken_.compare_exchange_weak(now, now + 1, std::memory_order_relaxed));
  return share(*this);
}

connection_quota& ice::extra_tcp_quota() {
  static connection_quota all(extra_tcp_connections);
  return all;
}

}  // namespace agw
