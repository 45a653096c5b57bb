// The responder's half of the transaction layer (H.248.1 D.1.1, D.1.2, D.1.4): lets each transaction of a peer run at most once,
// repeats its reply when the request comes again, and tells the peer to wait when it takes long. No I/O.
//
// A transaction is known by the sender's mId and its id (D.1.2.1), whatever address it comes from. A finished one is remembered for
// LONG-TIMER, without its reply once the peer has acknowledged that: then a repetition is discarded. Ids in an acknowledged range
// that never ran here are not barred: no correct peer acknowledges a reply before it sends the request. A new registration forgets
// the finished transactions of the one before.
#pragma once

#include <cstdint>
#include <deque>
#include <list>
#include <map>
#include <optional>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include <agw/h248/transaction_outbox.hpp>
#include <agw/h248/transaction_segments.hpp>

namespace agw::h248 {

/// Names an execution; 0 is none.
using execution_id = std::uint64_t;

class reply_table {
 public:
  /// Both references outlive the table.
  reply_table(const transaction_config& config, transaction_outbox& outbox) : config_(config), outbox_(outbox) {}

  /// Whether a request with that id is executed, or was and is remembered.
  bool knows(const mid& sender, transaction_id id) const;
  /// Whether there is room for one more execution.
  bool has_room(const mid& sender) const;
  /// A request came: 0 when it is not to be executed (a repetition, dealt with here, or there is no room for it), else the execution
  /// that answer() is to end. A request under a remembered id with another `digest` is executed: where 0 is given for each, none is.
  execution_id on_request(const peer_address& from, const mid& sender, std::uint8_t version, transaction_id id, std::uint64_t digest,
                          clock::time_point now);
  /// How long the reply of an execution may become, bytes: what its transport, its segments and the configuration allow.
  std::size_t max_reply_bytes(execution_id execution) const;
  void on_ack(const mid& sender, const ack_range& range, clock::time_point now);
  /// A segment of a reply has arrived there: it is not sent again.
  void on_segment_ack(const mid& sender, transaction_id id, const reply_segment& segment);

  /// The execution ended. Sends the reply to where the request came from; with ImmAckRequired where a Pending went ahead; as error 533
  /// when it is too long, in segments where the configuration has them. No effect if the execution was given up.
  void answer(execution_id execution, transaction_reply reply, clock::time_point now);
  /// Whether a reply is to go in segments, and long enough that writing it holds up others: answer with what write_piece() gave for each of the
  /// cutter's pieces then.
  std::optional<reply_cutter> long_reply(execution_id execution, const transaction_reply& reply) const;
  /// A piece as text; the last one of a reply that Pendings went ahead of asks for an acknowledgement. Null if the execution was given up.
  shared_text write_piece(execution_id execution, transaction_reply piece) const;
  void answer(execution_id execution, std::vector<shared_text> pieces, clock::time_point now);
  /// Forgets the finished transactions of a sender, which may use their ids anew. What runs is still known.
  void forget_finished(const mid& sender);
  /// The execution ended without a reply (we are stopping): a repetition would run again.
  void forget(execution_id execution);

  /// Sends Pendings that are due, answers with 506 what had too many (appended to `given_up`), forgets what is old.
  void expire(clock::time_point now, std::vector<execution_id>& given_up);
  clock::time_point next_deadline() const noexcept;

  std::size_t running() const noexcept { return running_.size(); }
  std::size_t remembered() const noexcept { return finished_.size(); }
  std::size_t remembered_bytes() const noexcept { return reply_bytes_; }
  std::uint64_t repeated_requests() const noexcept { return repeated_requests_; }
  std::uint64_t pendings() const noexcept { return pendings_; }

 private:
  using timers = std::multimap<clock::time_point, execution_id>;
  struct transaction_entry {
    execution_id execution = 0;
    bool running = true;
    peer_address from{};
    std::uint8_t version = 1;
    std::uint64_t digest = 0;
    std::uint32_t pendings = 0;
    clock::time_point last_pending{};
    std::vector<shared_text> reply{};  // one, or its segments; null: has arrived
    timers::iterator at{};
  };
  // One per mId.
  struct association {
    std::string name;
    std::size_t running = 0;
    std::size_t references = 0;  // in the queues of the finished
    std::map<std::uint32_t, transaction_entry> transactions;
    std::list<association*>::iterator used;
  };
  struct reference {
    association* of;
    std::uint32_t id;
    execution_id execution;
    clock::time_point finished;
  };

  association* find(const mid& sender);
  association* find_or_make(const mid& sender);
  static transaction_entry* entry(const reference& r);
  /// The entry of a running execution and its transaction's id; null when it is not running.
  std::pair<transaction_entry*, std::uint32_t> running(execution_id execution) const;
  void repeat(association& of, std::uint32_t id, transaction_entry& e, clock::time_point now);
  void send_pending(std::uint32_t id, transaction_entry& e, clock::time_point now);
  clock::duration first_pending() const;
  bool may_segment(const transaction_entry& e) const { return config_.segment_replies && e.version >= 3; }
  std::size_t room_of(const transaction_entry& e) const;
  std::size_t max_reply_bytes(const transaction_entry& e) const;
  std::vector<shared_text> texts_of(const transaction_entry& e, const transaction_reply& reply) const;
  reply_cutter cutter(const transaction_entry& e, const transaction_reply& reply) const;
  bool fits(const transaction_entry& e, const std::vector<shared_text>& texts) const;
  bool wants_ack(const transaction_entry& e) const { return e.pendings > 0 && !outbox_.limits(e.from.via).reliable; }
  shared_text too_long(const transaction_entry& e, std::uint32_t id) const;
  void finish(association& of, std::uint32_t id, transaction_entry& e, std::vector<shared_text> texts, clock::time_point now);
  void send(const transaction_entry& e);
  void drop_reply(transaction_entry& e);
  void forget_oldest();
  void trim(clock::time_point now);

  const transaction_config& config_;
  transaction_outbox& outbox_;
  std::unordered_map<std::string, association> associations_;
  std::list<association*> by_use_;  // longest unused first
  std::unordered_map<execution_id, reference> running_;
  timers timers_;                   // of Pendings
  std::deque<reference> finished_;  // oldest first
  std::deque<reference> replies_;   // those of them whose reply is kept, oldest first
  std::size_t reply_bytes_ = 0;
  execution_id last_execution_ = 0;
  std::uint64_t repeated_requests_ = 0;
  std::uint64_t pendings_ = 0;
};

}  // namespace agw::h248
