// Application datagrams that wait for the path's reader, in runs of one source each.
#pragma once

#include <utility>

#include "agw/core/give_back.hpp"
#include "agw/core/lazy_deque.hpp"
#include "agw/core/pipe.hpp"
#include "agw/transports/ice_agent.hpp"

namespace agw::ice {

/// DTLS says of a batch whether it was authentic, and the endpoint has to know of whom: so no batch mixes sources. Bounded by bytes.
class source_queue {
 public:
  bool empty() const noexcept { return runs_.empty(); }
  std::size_t bytes() const noexcept { return bytes_; }

  /// False, and nothing is kept, when the queue would hold more than `max_bytes`.
  bool push(bytes_view datagram, const route& source, std::size_t max_bytes) {
    if (bytes_ + datagram.size() > max_bytes) return false;
    if (runs_.empty() || runs_.back().source != source) runs_.emplace_back(source);
    runs_.back().datagrams.push(datagram);
    bytes_ += datagram.size();
    return true;
  }

  void clear() noexcept {
    give_back(runs_);
    bytes_ = 0;
  }

  /// Appends the first run to `into`, and returns its source. Not on an empty queue.
  route pop(datagram_batch& into) {
    auto first = std::move(runs_.front());
    runs_.pop_front();
    if (runs_.empty()) give_back(runs_);
    bytes_ -= first.datagrams.bytes();
    if (into.empty()) {
      into = std::move(first.datagrams);
    } else {
      for (std::size_t i = 0; i < first.datagrams.size(); ++i) into.push(std::as_const(first.datagrams)[i]);
    }
    return first.source;
  }

 private:
  struct run {
    explicit run(const route& s) : source(s) {}
    route source;
    datagram_batch datagrams;
  };
  lazy_deque<run> runs_;
  std::size_t bytes_ = 0;
};

}  // namespace agw::ice
