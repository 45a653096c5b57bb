// MSRP messages of the load: each is one chunk with a number and its intended time of sending in front of the body. No I/O.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "agw/core/clock.hpp"
#include "agw/msrp/chunk_parser.hpp"

namespace agw::load {

/// What a body begins with.
struct body_head {
  std::uint64_t number = 0;
  std::int64_t intended_ns = 0;  ///< by agw::clock: both ends are in one process
};
inline constexpr std::size_t body_head_bytes = 16;

/// Makes the SENDs of one direction of a session: with Failure-Report no, so that nothing is answered.
class chunk_maker {
 public:
  /// `body_bytes`: at least body_head_bytes.
  chunk_maker(std::string_view to_path, std::string_view from_path, std::size_t body_bytes);

  /// The next message; valid until the next call.
  bytes_view make(std::uint64_t number, clock::time_point intended);
  std::size_t body_bytes() const noexcept { return body_bytes_; }
  std::size_t chunk_bytes() const noexcept { return chunk_.size(); }

 private:
  std::size_t body_bytes_;
  std::string chunk_;
  std::size_t body_at_ = 0;
  std::vector<std::size_t> number_at_;  // where the ids have their counting part
};

/// Reads what a chunk_maker has made, from a stream or from messages.
class chunk_reader {
 public:
  struct message {
    std::uint64_t number = 0;
    clock::time_point intended{};
    std::size_t body_bytes = 0;
  };

  /// Calls `arrived(message)` for each message that is complete. False: this is not MSRP any more, or not what we send.
  template <class F>
  bool read(bytes_view in, F arrived) {
    for (;;) {
      const auto step = next(in);
      if (step == progress::failed) return false;
      if (step == progress::need_more) return true;
      arrived(std::as_const(message_));
    }
  }
  /// Requests that are none of ours, and responses.
  std::uint64_t strangers() const noexcept { return strangers_; }

 private:
  enum class progress : std::uint8_t { need_more, complete, failed };
  progress next(bytes_view& in);

  msrp::chunk_parser parser_;
  std::array<std::byte, body_head_bytes> head_{};
  message message_;
  bool ours_ = false;
  std::uint64_t strangers_ = 0;
};

}  // namespace agw::load
