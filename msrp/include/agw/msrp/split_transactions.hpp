// The transactions of the pieces of split chunks, and what their responses mean for the original transaction.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "agw/core/lazy_deque.hpp"
#include "agw/msrp/bytes.hpp"
#include "agw/msrp/chunk.hpp"
#include "agw/msrp/transaction_id.hpp"

namespace agw::msrp {

/// Shared by the two directions of a relay. A split chunk costs one small record however many pieces it has: the pieces' ids
/// share twelve random characters and differ in a number. At most `max_split_chunks` records are kept; beyond that the oldest
/// is forgotten, and its sender, left without an answer, times out as if the response had been lost.
class split_transactions {
 public:
  static constexpr std::size_t max_split_chunks = 256;
  /// The longest id that next_id() makes, characters.
  static constexpr std::size_t max_id_size = 32;

  explicit split_transactions(id_source& ids) : ids_(ids) {}

  /// Begins a split chunk; one at a time. `wanted`: which answers its sender asked for.
  void open(std::string_view original_id, failure_report wanted);
  /// The id of the next piece of that chunk, which does not occur in its body.
  std::string next_id(bytes_view body);
  /// The last piece has got its id.
  void close();

  enum class verdict : std::uint8_t {
    not_ours,  ///< a response to a transaction of the peers: pass it on
    absorb,    ///< a response to a piece that is not passed on
    answer,    ///< the response that answers `original_id`: the first error, or the 200 that completes all pieces
  };
  struct outcome {
    verdict what = verdict::not_ours;
    std::string original_id;
  };
  outcome on_response(std::string_view transaction_id, unsigned status);

  /// Records kept, for tests and the memory account.
  std::size_t size() const noexcept { return chunks_.size(); }

 private:
  struct split_chunk {
    std::string prefix;
    std::string original_id;
    failure_report wanted = failure_report::yes;
    std::uint64_t issued = 0;
    std::uint64_t answered = 0;
    bool closed = false;
    bool told = false;  // the sender has its answer
  };

  id_source& ids_;
  lazy_deque<split_chunk> chunks_;
};

}  // namespace agw::msrp
