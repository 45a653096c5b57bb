#include "sctp/pacer.hpp"

#include <algorithm>

namespace agw::sctp {

namespace {

using namespace std::chrono_literals;

// Timers are not exact, and packets that leave together are cheaper.
constexpr auto step = 1ms;
// What could have left earlier is made up for.
constexpr auto slack = 2ms;
constexpr std::size_t kept_packets = 64;

}  // namespace

bool pacer::open(clock::time_point now) const noexcept { return due_ <= now + step / 2; }

void pacer::charge(std::size_t bytes, clock::time_point now, double rate) noexcept {
  if (rate <= 0) return;
  const auto takes = std::chrono::duration<double>(static_cast<double>(bytes) / rate);
  due_ = std::max(due_, clock::time_point(now - slack)) + std::chrono::duration_cast<clock::duration>(takes);
}

void pacer::clear() {
  urgent_ = lane();
  others_ = lane();
}

void pacer::lane::pop() {
  bytes_ -= packets_[next_++].size();
  if (next_ == packets_.size()) {
    if (packets_.size() > kept_packets) packets_ = datagram_batch();
    packets_.clear();
    next_ = 0;
  } else if (next_ > kept_packets && next_ > packets_.size() / 2) {
    datagram_batch rest;
    for (; next_ < packets_.size(); ++next_) rest.push(packets_[next_]);
    packets_ = std::move(rest);
    next_ = 0;
  }
}

}  // namespace agw::sctp
