// What an SSL object reads and writes: one record in, datagrams out, and its timer.
#pragma once

#include <sys/time.h>

#include "agw/core/pipe.hpp"
#include "dtls/openssl_ptr.hpp"

namespace agw::dtls {

/// The far side of the BIO. It outlives the SSL object.
class bio_port {
 public:
  bytes_view incoming;                  ///< the next read takes all of it; empty = "try again"
  datagram_batch* outgoing = nullptr;   ///< a write appends one datagram; null = it is lost
  /// OpenSSL has set or stopped (zero) its retransmission timer, whose time, in the system's real time, is in `next`.
  virtual void timer_changed(timeval& next) noexcept = 0;

 protected:
  ~bio_port() = default;
};

/// A datagram BIO on `port`. Throws std::bad_alloc.
bio_ptr make_bio(bio_port& port);

}  // namespace agw::dtls
