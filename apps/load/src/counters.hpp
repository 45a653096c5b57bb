// What the load's shards count while it runs: each counter is written by one shard and read by the reporting loop.
#pragma once

#include <atomic>
#include <cstdint>
#include <map>
#include <string>

#include "histogram.hpp"

namespace agw::load {

class tally {
 public:
  void add(std::uint64_t n = 1) noexcept { value_.store(value_.load(std::memory_order_relaxed) + n, std::memory_order_relaxed); }
  void subtract(std::uint64_t n = 1) noexcept { value_.store(value_.load(std::memory_order_relaxed) - n, std::memory_order_relaxed); }
  std::uint64_t get() const noexcept { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<std::uint64_t> value_{0};
};

/// One direction, as both ends saw it: octets of message bodies.
struct direction_tally {
  tally messages_sent, bytes_sent, messages_received, bytes_received;
  tally misplaced;  ///< received out of order, twice, or of another size
};

struct crew_tally {
  tally calls_begun, calls_up, calls_failed, calls_ended, standing;
  direction_tally up, down;
  tally unsent;  ///< messages whose time came but for which there was no room for very long
};

/// The same as plain numbers, to be added up and subtracted.
struct direction_counts {
  std::uint64_t messages_sent = 0, bytes_sent = 0, messages_received = 0, bytes_received = 0, misplaced = 0;
};
struct load_counts {
  std::uint64_t calls_begun = 0, calls_up = 0, calls_failed = 0, calls_ended = 0, standing = 0, unsent = 0;
  direction_counts up, down;

  void add(const crew_tally& t) noexcept;
  std::uint64_t messages_lost() const noexcept { return up.messages_sent - up.messages_received + down.messages_sent - down.messages_received; }
};
/// What happened between two readings; `standing` as it is now.
load_counts operator-(const load_counts& now, const load_counts& before) noexcept;

/// What is read by hopping to the shard.
struct crew_latencies {
  histogram up, down;   ///< of messages, from their intended time
  histogram setup;      ///< from a call's intended time until its channel carries data
  std::map<std::string, histogram, std::less<>> stages;  ///< h248, ice, dtls, sctp, channel, tcp: of the load's own side
  std::map<std::string, std::uint64_t, std::less<>> causes;  ///< of calls that failed
  void add(const crew_latencies& other);
};

}  // namespace agw::load
