// One direction of a TCP connection in a capture: segments in order, cut at TPKT frames (RFC 1006), also where some are missing.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "bytes.hpp"

namespace agw::h248_tool {

// Where in the capture something stands.
struct place_in_capture {
  std::size_t frame = 0;
  std::int64_t time_us = 0;
};

class tcp_half {
 public:
  // Calls `message(text, place)` for each message that is whole with this segment. What cannot be read is counted in lost().
  template <class F>
  void segment(place_in_capture place, std::uint32_t sequence, bool syn, std::string_view data, F&& message) {
    if (syn) {
      begin_at(sequence + 1);
      return;
    }
    if (data.empty()) return;
    if (next_ && !near(*next_, sequence)) {  // another connection, whose beginning is not in the capture
      flush(message);
      next_.reset();
    }
    if (!next_) {
      if (!begins_frame(data)) return;  // in the middle of a message
      begin_at(sequence);
    }
    auto& held = later_[sequence];
    if (held.data.size() < data.size()) held = {std::string(data), place};  // sent again with more behind it
    held_bytes_ += data.size();
    take(place, message);
    if (later_.size() > most_held || held_bytes_ > most_held_bytes) pass_hole(message);
  }

  // The capture ends, or the connection: what stands behind a hole is all that will come.
  template <class F>
  void flush(F&& message) {
    while (!later_.empty()) pass_hole(message);
  }

  std::size_t lost() const noexcept { return lost_; }

 private:
  struct held_segment {
    std::string data;
    place_in_capture place;
  };
  // By distance from what was expected when the stream began: the numbers wrap.
  struct before {
    bool operator()(std::uint32_t a, std::uint32_t b) const noexcept { return static_cast<std::int32_t>(a - b) < 0; }
  };
  static constexpr std::size_t most_held = 64, most_held_bytes = 1u << 20;
  static constexpr std::int32_t window = 1 << 26;

  static bool near(std::uint32_t a, std::uint32_t b) {
    const auto distance = static_cast<std::int32_t>(a - b);
    return distance > -window && distance < window;
  }
  static bool begins_frame(std::string_view data) { return data.size() >= 4 && data[0] == 3 && data[1] == 0; }

  void begin_at(std::uint32_t sequence) {
    next_ = sequence;
    buffer_.clear();
    later_.clear();
    held_bytes_ = 0;
  }

  // What is next, as far as it is there: it arrives with the segment `now`, if that is the later one.
  template <class F>
  void take(place_in_capture now, F&& message) {
    while (next_ && !later_.empty()) {
      const auto at = later_.begin();
      const auto known = static_cast<std::int32_t>(*next_ - at->first);
      if (known < 0) return;
      const auto part = std::move(at->second);
      later_.erase(at);
      if (static_cast<std::size_t>(known) >= part.data.size()) continue;
      buffer_ += std::string_view(part.data).substr(static_cast<std::size_t>(known));
      *next_ += static_cast<std::uint32_t>(part.data.size()) - static_cast<std::uint32_t>(known);
      cut(part.place.frame < now.frame ? now : part.place, message);
    }
    if (later_.empty()) held_bytes_ = 0;
  }

  template <class F>
  void cut(place_in_capture place, F&& message) {
    for (bytes all(buffer_); all.has(4); all = bytes(buffer_)) {
      const std::size_t length = all.be16(2);
      if (all.u8(0) != 3 || length < 4) {  // no TPKT: begin again where a segment begins with one
        ++lost_;
        buffer_.clear();
        next_.reset();
        skip_to_frame();
        return;
      }
      if (!all.has(length)) return;
      message(buffer_.substr(4, length - 4), place);
      buffer_.erase(0, length);
    }
  }

  // The segments before a held one are not in the capture: goes on where a held one begins a frame.
  template <class F>
  void pass_hole(F&& message) {
    ++lost_;
    buffer_.clear();
    if (!later_.empty() && !begins_frame(later_.begin()->second.data)) later_.erase(later_.begin());
    skip_to_frame();
    take({}, message);
  }

  void skip_to_frame() {
    while (!later_.empty() && !begins_frame(later_.begin()->second.data)) later_.erase(later_.begin());
    if (later_.empty()) {
      next_.reset();
    } else {
      next_ = later_.begin()->first;
    }
  }

  std::optional<std::uint32_t> next_;
  std::map<std::uint32_t, held_segment, before> later_;
  std::size_t held_bytes_ = 0;
  std::string buffer_;
  std::size_t lost_ = 0;
};

}  // namespace agw::h248_tool
