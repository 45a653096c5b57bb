// libnice's NiceAgent as a shard uses it: its calls from the shard, its callbacks handed over by a queue.
#pragma once

#include <memory>
#include <mutex>
#include <vector>

#include <nice/agent.h>

#include "agw/core/event.hpp"
#include "agw/core/pipe.hpp"
#include "agw/transports/ice_parameters.hpp"

namespace agw::ice {

/// One agent with one stream of one component, on the process's GLib thread. Its owner and all members belong to the shard;
/// what the GLib thread sees is the mailbox. Destruction hands the agent to the GLib thread, which ends it.
class nice_agent {
 public:
  enum class state { gathering, checking, ready, failed };

  nice_agent(loop_executor executor, const config& settings, std::uint16_t low, std::uint16_t high);
  nice_agent(const nice_agent&) = delete;
  nice_agent& operator=(const nice_agent&) = delete;
  ~nice_agent();

  /// Binds, and gathers host candidates at once; those of servers come until gathered(). False: no port, or the address is not ours.
  bool gather(const credentials& own);
  /// Whether all servers have answered or failed.
  bool gathered() const;
  /// As peers are told: host candidates with the advertised address, and each address once.
  std::vector<candidate> local_candidates() const;
  /// Ends the checks and forgets the peer's credentials and candidates; the selected pair stays in use until set_remote() has led to
  /// another. False: libnice refused.
  bool restart(const credentials& own);
  /// current() is checking until the next change of state; what waits is dropped.
  void begin_anew();
  /// Starts the checks. False: libnice refused.
  bool set_remote(const credentials& remote, const std::vector<candidate>& candidates);

  /// Sends to `remote` from now on, whatever the checks say; they go on for consent only. False: libnice refused.
  bool follow(const udp::endpoint& remote);

  /// Listens from now on for anything that comes from `source` to the selected pair's socket. False: that socket is a relay's, nobody can tell.
  bool listen_for(const udp::endpoint& source);
  /// Whether something came since.
  bool heard() const;
  void stop_listening();

  /// Exchanges `empty`, an empty batch, for what arrived. False: nothing had.
  bool take(datagram_batch& empty);
  /// Octets that take() would yield.
  std::size_t waiting_bytes() const;
  /// Of more than 16 that nobody has taken, the oldest are forgotten.
  std::optional<udp::endpoint> take_peer_reflexive();
  state current() const;
  /// How many of the batch were sent.
  std::size_t send(const datagram_batch& batch);
  std::optional<udp::endpoint> remote_address() const;
  void set_dscp(unsigned dscp);
  /// Our role now: a conflict may have changed it.
  bool controlling() const;
  /// See datagram_pipe::allow_fragments().
  void allow_fragments(bool allowed) noexcept;

  /// Set when take(), current() or heard() may say something new: one waiter each.
  event arrived;
  event changed;

 private:
  struct mailbox;
  static void on_receive(NiceAgent*, guint, guint, guint bytes, gchar* data, gpointer box);
  static void on_state(NiceAgent*, guint, guint, guint new_state, gpointer box);
  static void on_gathered(NiceAgent*, guint, gpointer box);
  static void on_remote_candidate(NiceAgent*, NiceCandidate* found, gpointer box);

  void use_servers(const config& settings);

  std::shared_ptr<mailbox> box_;
  std::vector<host_address> addresses_;
  bool relayed_ = false;  ///< a TURN server has allocations of ours
  NiceAgent* agent_;
  guint stream_ = 0;
};

}  // namespace agw::ice
