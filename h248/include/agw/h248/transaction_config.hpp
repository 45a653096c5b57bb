// The figures of the transaction layer. The defaults are those of H.248.1 D.1 and of its field practice.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>

#include <agw/core/clock.hpp>

namespace agw::h248 {

struct transaction_config {
  // Requester.
  clock::duration first_timeout = std::chrono::milliseconds(200);  // until delays have been measured
  clock::duration min_timeout = std::chrono::milliseconds(100);    // below this, a busy peer would be repeated to
  clock::duration max_timeout = std::chrono::seconds(4);           // D.1.3
  clock::duration t_max = std::chrono::seconds(26);                // give up; LONG-TIMER less what the network can hold back
  // Between a TransactionPending and the next one or the reply; then the request is repeated (root package, …ProvisionalResponseTimerValue).
  clock::duration provisional_timeout = std::chrono::seconds(4);
  // The peer's normal execution time (root package, normalMGCExecutionTime): a request is not repeated before, though replies came faster.
  // 0: unknown.
  clock::duration peer_execution_time{};
  std::uint32_t received_pending_limit = 30;  // root package, the peer's …OriginatedPendingLimit
  std::size_t max_requests = 16384;           // unanswered ones of our own
  clock::duration segmentation_timeout = std::chrono::seconds(4);  // from one segment of a reply to the next; then the request is repeated
  std::uint16_t max_segments = 1024;          // of one reply, both ways

  // Responder.
  clock::duration long_timer = std::chrono::seconds(30);                // how long a transaction id is remembered
  clock::duration normal_execution_time = std::chrono::milliseconds(1500);  // then a TransactionPending goes out, and again after the same time
  // The longest from a request to its first TransactionPending (root package, MGProvisionalResponseTimerValue); 0: normal_execution_time.
  clock::duration provisional_response_time{};
  std::uint32_t sent_pending_limit = 30;      // root package, our …OriginatedPendingLimit; then error 506
  std::size_t max_running = 4096;             // of all peers; what comes beyond is dropped over UDP, where its sender repeats it, and waits elsewhere
  std::size_t max_running_per_peer = 1024;
  std::size_t max_remembered = 65536;         // finished transactions; beyond, the oldest is forgotten early
  std::size_t max_remembered_bytes = 64u << 20;  // of their replies; beyond, the oldest reply is forgotten but not its id
  std::size_t max_peers = 4096;               // delay estimates; beyond, the one that was idle longest is forgotten
  // To peers of version 3 a reply beyond datagram_bytes over UDP, or beyond one message elsewhere, is cut into segments (Iq has none over UDP).
  bool segment_replies = false;
  // A request under a remembered id whose content is another one is executed: for controllers that begin their ids anew without a
  // registration, against H.248.1 D.1.2.1.
  bool compare_requests = false;
  std::size_t max_reply_bytes = 1u << 20;  // of one reply, in segments or not; beyond, it is error 533

  // Messages.
  std::size_t max_transactions = 10;      // in one message (the profile's limit, both ways)
  std::size_t datagram_bytes = 1400;      // what is put together for UDP; a longer transaction travels alone, fragmented by IP
  bool acknowledge = true;                // TransactionResponseAck beside other transactions, without being asked for it
};

}  // namespace agw::h248
