// Where usrsctp's callbacks find an association: by an opaque id, never by a pointer that a late callback, or a peer that sends a
// cookie back (CVE-2020-6514), could turn into an access to freed memory.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>

#include "agw/core/awaitable.hpp"
#include "agw/core/pipe.hpp"

namespace agw::sctp {

using association_id = std::uintptr_t;

/// What a mailbox wakes, on its executor.
class mailbox_owner {
 public:
  /// A packet that usrsctp sends while the owner's own thread is inside a call made for this association.
  virtual void on_packet(bytes_view packet) = 0;
  /// Packets sent by another thread (timers), none or many; and something may be there to be read.
  virtual void on_foreign(const datagram_batch& packets) = 0;
  /// A callback of usrsctp's threw (no memory): what it had to say is lost. Called inside usrsctp, so the owner only takes a note, and
  /// ends the association when it is outside.
  virtual void on_exhausted() noexcept = 0;

 protected:
  ~mailbox_owner() = default;
};

/// One per association; outlives it while another thread holds it.
class mailbox : public std::enable_shared_from_this<mailbox> {
 public:
  mailbox(association_id id, loop_executor executor, mailbox_owner& owner)
      : id_(id), executor_(std::move(executor)), owner_(&owner) {}

  association_id id() const noexcept { return id_; }
  /// From any thread: wakes the owner. `packet` may be empty: then only the wake counts.
  void put(bytes_view packet);
  /// From any thread: put() threw. The owner hears of it with the next delivery.
  void exhausted() noexcept { exhausted_ = true; }
  /// On the executor: no callback reaches the owner any more, and nothing is posted to its executor.
  void close();

 private:
  void deliver();

  const association_id id_;
  const loop_executor executor_;
  mailbox_owner* owner_;  // touched on the executor only
  std::mutex mutex_;      // guards what follows: timers fire on the stack's thread
  datagram_batch packets_;
  bool posted_ = false;
  bool closed_ = false;
  std::atomic<bool> exhausted_ = false;
};

/// Adds an association to the table. Its id is known to usrsctp as an address; it is new, or has not been in use for two seconds.
std::shared_ptr<mailbox> register_mailbox(loop_executor executor, mailbox_owner& owner);
void unregister_mailbox(mailbox& box);

/// A packet goes to usrsctp, or comes from it: unless it is a HEARTBEAT or the answer to one, timers of usrsctp's run from now on.
void note_work(bytes_view packet) noexcept;

/// While it lives, what usrsctp sends for `id` from this thread goes straight to `owner`.
class inside_usrsctp {
 public:
  inside_usrsctp(association_id id, mailbox_owner& owner) noexcept;
  ~inside_usrsctp();
  inside_usrsctp(const inside_usrsctp&) = delete;
  inside_usrsctp& operator=(const inside_usrsctp&) = delete;

 private:
  association_id previous_id_;
  mailbox_owner* previous_owner_;
};

}  // namespace agw::sctp
