#include "sctp/pacer.hpp"

#include <algorithm>

namespace agw::sctp {

namespace {

using namespace std::chrono_literals;

// Packets that leave together are cheaper: a step of time carries up to `step_bytes`, a third of a small socket buffer.
constexpr clock::duration least_step = 1ms;
constexpr clock::duration longest_step = 4ms;
constexpr double step_bytes = 32 * 1200;
// Packets that waited because the loop was busy are made up for; a sender that paused has no right to a burst.
constexpr clock::duration longest_delay = 16ms;
constexpr std::size_t kept_packets = 64;

clock::duration takes(double bytes, double rate) { return std::chrono::duration_cast<clock::duration>(std::chrono::duration<double>(bytes / rate)); }

}  // namespace

bool pacer::open(clock::time_point now) const noexcept { return due_ <= now + step_ / 2; }

void pacer::charge(std::size_t bytes, clock::time_point now, double rate) noexcept {
  if (rate < 1) return;
  const auto late = empty() ? step_ : longest_delay;
  step_ = step_bytes >= rate ? longest_step : std::clamp(takes(step_bytes, rate), least_step, longest_step);
  due_ = std::max(due_, now - late) + takes(static_cast<double>(bytes), rate);
}

void pacer::clear() {
  urgent_ = lane();
  others_ = lane();
}

void pacer::lane::pop() {
  bytes_ -= packets_[next_++].size();
  if (next_ == packets_.size()) {
    if (packets_.size() > kept_packets) packets_ = datagram_batch();
    packets_.reuse();
    next_ = 0;
  } else if (next_ > kept_packets && next_ > packets_.size() / 2) {
    datagram_batch rest;
    for (; next_ < packets_.size(); ++next_) rest.push(packets_[next_]);
    packets_ = std::move(rest);
    next_ = 0;
  }
}

}  // namespace agw::sctp
