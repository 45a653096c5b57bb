// The process's SCTP stack: the one place that starts, drives and ends usrsctp.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>

namespace agw::sctp {

struct stack_config {
  std::uint32_t hash_buckets = 4096;      ///< associations by verification tag and endpoints by port; a power of two
  std::chrono::milliseconds tick{10};     ///< how often timers are checked while there are associations: their resolution
  std::chrono::milliseconds idle_tick{200}; ///< the same while no association has had anything but HEARTBEATs for seconds
  std::uint32_t max_queued_chunks = 8192; ///< chunks and messages waiting to be sent or read, per association: bounds the memory
                                          ///< that very small messages cost beyond their bytes
  std::size_t send_memory_bytes = 256 << 20;  ///< what the send buffers of all associations may grow by beyond config::send_buffer_bytes
  bool own_thread = true;                 ///< false: nothing but advance() moves SCTP's time (tests)
};

/// What there is of SCTP in the process.
struct stack_counts {
  std::size_t associations = 0;   ///< of ours
  std::uint32_t established = 0;  ///< by usrsctp's own count
};

/// usrsctp, started. Its state is global: there is one stack at a time, made before the first association (in main()) and
/// destroyed after the last one. Associations may live on any thread; timers run on the stack's own thread, which sleeps
/// while there are no associations, and what they send is handed over to the association's executor.
class stack {
 public:
  /// Throws std::logic_error when a stack exists already.
  explicit stack(const stack_config& config = {});
  /// Ends the thread and frees everything. Associations that still exist by then are a bug and are reported in the log.
  ~stack();
  stack(const stack&) = delete;
  stack& operator=(const stack&) = delete;

  /// Lets SCTP's time pass: for tests, without own_thread. Retransmissions reach an association through its executor.
  void advance(std::chrono::milliseconds by);

  /// How many associations exist now. Safe from any thread.
  static std::size_t associations() noexcept;
  /// Safe from any thread while there is a stack.
  static stack_counts counts() noexcept;

 private:
  struct impl;
  std::unique_ptr<impl> impl_;
};

}  // namespace agw::sctp
