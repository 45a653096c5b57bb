// A bound on connections that is shared by many listeners.
#pragma once

#include <atomic>
#include <cstddef>
#include <optional>
#include <utility>

namespace agw {

/// How many connections, each of which costs a descriptor before its peer has proved anything, may be open at once. Shared by all
/// shards and safe from any thread; outlives its shares.
class connection_quota {
 public:
  /// Holds one connection's part of a quota while it lives; an empty one holds nothing.
  class share {
   public:
    share() = default;
    share(share&& other) noexcept : of_(std::exchange(other.of_, nullptr)) {}
    share& operator=(share&& other) noexcept;
    ~share() { release(); }
    bool empty() const noexcept { return of_ == nullptr; }

   private:
    friend class connection_quota;
    explicit share(connection_quota& of) noexcept : of_(&of) {}
    void release() noexcept;
    connection_quota* of_ = nullptr;
  };

  explicit connection_quota(std::size_t at_most) noexcept : at_most_(at_most) {}
  connection_quota(const connection_quota&) = delete;
  connection_quota& operator=(const connection_quota&) = delete;

  /// Nothing when the quota is used up.
  std::optional<share> take() noexcept;
  std::size_t taken() const noexcept { return taken_.load(std::memory_order_relaxed); }

 private:
  const std::size_t at_most_;
  std::atomic<std::size_t> taken_ = 0;
};

namespace ice {

/// Each endpoint with a TCP candidate has that many connections of its own: one in use, one that may replace it.
inline constexpr std::size_t own_tcp_connections = 2;
/// All endpoints of the process together have that many beyond their own: a flood of connections takes no descriptors from calls.
inline constexpr std::size_t extra_tcp_connections = 512;
connection_quota& extra_tcp_quota();

}  // namespace ice

}  // namespace agw
