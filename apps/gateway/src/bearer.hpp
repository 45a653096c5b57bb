// TCP or TLS towards the core: one stream of a core termination.
#pragma once

#include <memory>
#include <optional>

#include "agw/core/stage.hpp"
#include "agw/gateway/services.hpp"
#include "link.hpp"
#include "traffic_policer.hpp"

namespace agw::gateway {

/// Listens from reserve() on when its role may become passive; dials as soon as the remote address is known when it is active.
/// Does not wait for the access side. Lives on the context's shard; close() before destruction.
class bearer {
 public:
  using observer = std::function<void(const stage_event&)>;

  bearer(const gateway_services& services, asio::any_io_executor executor, std::string label, stream_link& link, stage_observer seen);

  /// Binds what Local asks for. refusal: no_resources, conflict.
  boost::system::result<bearer_answer, refusal> reserve(const bearer_local& local, const ip_address& own_address);
  /// What Remote says; the connection starts with it. refusal: conflict (equal roles), missing.
  boost::system::result<void, refusal> configure(const bearer_remote& remote);
  /// Holds (or no longer holds) a layer until order() comes.
  void set_waits(layer l, bool waits);
  void order(layer l);
  /// The access end is up, and the two are interlinked: nothing waits any more.
  void order_all();
  void apply(const stream_settings& settings);
  void latch(latching how);
  /// Called when the remote address was learnt.
  std::function<void(const ip_address&, std::uint16_t)> on_latched;
  /// Starts the branch's task. Once.
  void start();

  /// The established stream, or null while it is not there. Broken streams stay: their reader sees the error.
  byte_stream* established() noexcept { return stream_.get(); }
  /// FIN, and the end of the branch.
  awaitable<void> close(deadline by);

  stream_statistics statistics() const;
  const bearer_local& local() const noexcept { return local_; }
  const bearer_remote* remote() const noexcept { return remote_ ? &*remote_ : nullptr; }
  stage_scope& scope() noexcept { return scope_; }

 private:
  struct order_state {
    bool waits = false;
    bool ordered = false;
  };
  awaitable<void> run();
  awaitable<void> ordered(layer l);
  awaitable<std::unique_ptr<tcp::stream>> connect();
  awaitable<std::unique_ptr<tcp::stream>> accept();
  bool active() const;
  bool admits(const tcp::endpoint& source);
  void connected(tcp::stream& connection);

  const gateway_services& services_;
  asio::any_io_executor executor_;
  stream_link& link_;
  stage_scope scope_;
  task_group tasks_;
  bearer_local local_;
  std::optional<bearer_remote> remote_;
  ip_address own_address_;
  std::unique_ptr<tcp::listener> listener_;
  std::unique_ptr<byte_stream> stream_;
  std::map<layer, order_state> orders_;
  event changed_;
  stream_settings settings_;
  traffic_policer policer_;
  latching latching_ = latching::off;
  std::uint64_t discarded_ = 0;
  tcp::stream* connection_ = nullptr;  ///< the connection below, while it lives
  tcp::traffic last_;
  clock::time_point since_ = clock::now();
};

}  // namespace agw::gateway
