// The requester's half of the transaction layer (H.248.1 8.2.3, D.1.3 to D.1.5): repeats our requests until a reply comes, or
// until T-MAX is over. No I/O: time comes in, messages go to the outbox.
#pragma once

#include <cstdint>
#include <map>
#include <random>
#include <set>
#include <unordered_map>
#include <vector>

#include <agw/h248/error.hpp>
#include <agw/h248/transaction_outbox.hpp>
#include <agw/h248/transaction_timer.hpp>

namespace agw::h248 {

class request_table {
 public:
  struct failure {
    transaction_id id;
    peer_address to;
    errc why;
  };

  /// Both references outlive the table.
  request_table(const transaction_config& config, transaction_outbox& outbox, std::uint64_t seed);

  /// An id that no unanswered request has; begins at a random place, so that a restarted entity does not repeat the ids it used.
  transaction_id next_id();

  /// Sends a request, encoded under its id; it is given up after `patience`, or T-MAX where that is zero. Errors: too_long,
  /// too_many_requests.
  result<void> start(const peer_address& to, std::uint8_t version, transaction_id id, shared_text text, clock::time_point now,
                     clock::duration patience = {});
  /// Nobody waits for it any more.
  void abandon(transaction_id id);

  /// A reply came. True: it is the first to a request of ours, which is done; false: it is to be ignored. Acknowledges it if it asks for that.
  bool on_reply(const peer_address& from, std::uint8_t version, transaction_id id, bool immediate_ack, clock::time_point now);
  enum class arrival { stray, part, whole };
  /// A segment of a reply came, and is acknowledged. `whole`: with it all are there, and the request is done. `stray`: it is to be ignored.
  arrival on_segment(const peer_address& from, std::uint8_t version, transaction_id id, const reply_segment& segment, bool immediate_ack,
                     clock::time_point now);
  void on_pending(const peer_address& from, transaction_id id, clock::time_point now);

  /// Unanswered requests go to another peer from now on, at once and anew.
  void redirect(const peer_address& from, const peer_address& to, clock::time_point now);
  /// The connection to the peer ended, or could not be made: what is unanswered is repeated as over UDP, until there is one again.
  void disconnected(const peer_address& peer, clock::time_point now);
  /// A connection stands: what was unanswered at the end of the last one is sent once more, at once.
  void connected(const peer_address& peer, clock::time_point now);

  /// Repeats what is due, and appends what has failed.
  void expire(clock::time_point now, std::vector<failure>& failed);
  clock::time_point next_deadline() const noexcept { return timers_.empty() ? no_deadline : timers_.begin()->first; }

  std::size_t size() const noexcept { return requests_.size(); }
  std::uint64_t retransmissions() const noexcept { return retransmissions_; }

 private:
  using timers = std::multimap<clock::time_point, std::uint32_t>;
  struct request {
    peer_address to;
    std::uint8_t version;
    shared_text text;
    retransmission_timer timer;
    clock::time_point sent;     // first
    clock::time_point give_up;
    std::uint32_t copies = 1;
    std::uint32_t pendings = 0;
    bool stranded = false;      // was under way when its connection ended
    std::set<std::uint16_t> segments{};  // of the reply that are there
    std::uint16_t last_segment = 0;      // its number, once it is known
    timers::iterator at{};
  };
  struct peer {
    delay_estimate estimate;
    clock::time_point used;
  };

  bool reliable(const peer_address& to) const { return outbox_.limits(to.via).reliable; }
  peer& peer_at(const peer_address& address, clock::time_point now);
  clock::duration first_wait(const request& r) const;
  void arm(std::uint32_t id, request& r, clock::time_point when);
  void erase(std::unordered_map<std::uint32_t, request>::iterator at);
  void answered(std::unordered_map<std::uint32_t, request>::iterator at, bool acknowledged, clock::time_point now);
  void repeat(std::uint32_t id, request& r, clock::time_point now);

  const transaction_config& config_;
  transaction_outbox& outbox_;
  std::mt19937_64 random_;
  std::uint32_t last_id_;
  std::unordered_map<std::uint32_t, request> requests_;
  timers timers_;
  std::map<peer_address, peer> peers_;
  std::uint64_t retransmissions_ = 0;
};

}  // namespace agw::h248
