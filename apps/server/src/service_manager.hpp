// What systemd hears of a service of Type=notify or notify-reload: sd_notify(3)'s datagrams.
#pragma once

#include <string>
#include <string_view>

#include "agw/core/awaitable.hpp"
#include "agw/core/clock.hpp"
#include "agw/core/shard.hpp"

namespace agw::server {

/// Sends a word and waits for nothing; without a manager every call does nothing. Of one thread.
class service_manager {
 public:
  /// As the environment says: NOTIFY_SOCKET, WATCHDOG_USEC, WATCHDOG_PID.
  service_manager();
  /// `socket`: a path, or with @ in front a name of the abstract namespace; empty: no manager.
  explicit service_manager(const std::string& socket, clock::duration watchdog = {});
  ~service_manager();
  service_manager(const service_manager&) = delete;
  service_manager& operator=(const service_manager&) = delete;

  void ready() const { send("READY=1"); }
  /// A reload begins; ready() ends it.
  void reloading() const;
  void stopping() const { send("STOPPING=1"); }
  void status(std::string_view line) const { send(std::string("STATUS=").append(line)); }
  /// The end takes so long from now on, at most: the manager kills later than it would.
  void extend(clock::duration by) const;
  void alive() const { send("WATCHDOG=1"); }
  /// Within which alive() has to come again; 0: it does not have to.
  clock::duration watchdog() const noexcept { return watchdog_; }

 private:
  void send(std::string_view text) const;

  int socket_ = -1;
  clock::duration watchdog_{};
};

/// Says alive() as long as each shard's loop turns, until cancelled. Ends at once where nobody wants to hear it.
awaitable<void> keep_alive(const service_manager& manager, shard_pool& shards);

}  // namespace agw::server
