#include "agw/msrp/split_transactions.hpp"

#include <algorithm>
#include <array>
#include <charconv>

namespace agw::msrp {
namespace {

constexpr std::size_t prefix_size = 12;  // 71 bits of randomness
constexpr std::size_t extra_size = 6;

}  // namespace

void split_transactions::open(std::string_view original_id, failure_report wanted) {
  if (chunks_.size() == max_split_chunks) chunks_.pop_front();
  auto& chunk = chunks_.emplace_back();
  chunk.prefix = ids_.make(prefix_size);
  chunk.original_id = original_id;
  chunk.wanted = wanted;
}

std::string split_transactions::next_id(bytes_view body) {
  auto& chunk = chunks_.back();
  std::array<char, 16> number{};
  const auto end = std::to_chars(number.data(), number.data() + number.size(), chunk.issued++, 36).ptr;  // 12 digits at most
  std::string id = chunk.prefix;
  id.append(".").append(number.data(), static_cast<std::size_t>(end - number.data()));
  // Sender and receiver together could put ids of earlier pieces into a body: then an unpredictable suffix is added.
  if (occurs(chunk.prefix, body)) id.append(".").append(ids_.make_absent_from(body, extra_size));
  return id;
}

void split_transactions::close() { chunks_.back().closed = true; }

split_transactions::outcome split_transactions::on_response(std::string_view transaction_id, unsigned status) {
  if (transaction_id.size() <= prefix_size || transaction_id[prefix_size] != '.') return {};
  const auto prefix = transaction_id.substr(0, prefix_size);
  const auto found = std::find_if(chunks_.begin(), chunks_.end(), [&](const split_chunk& c) { return c.prefix == prefix; });
  if (found == chunks_.end()) return {};

  auto& chunk = *found;
  outcome out;
  out.what = verdict::absorb;
  chunk.answered = std::min(chunk.answered + 1, chunk.issued);
  const bool success = status >= 200 && status < 300;
  const bool all_answered = chunk.closed && chunk.answered == chunk.issued;
  if (!chunk.told && chunk.wanted != failure_report::no && (!success || (all_answered && chunk.wanted == failure_report::yes))) {
    chunk.told = true;
    out.what = verdict::answer;
    out.original_id = chunk.original_id;
  }
  if (all_answered) chunks_.erase(found);
  return out;
}

}  // namespace agw::msrp
