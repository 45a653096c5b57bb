// What an association has on its way, driven by a script: each two octets are an event and its argument, and a SACK's gaps and counts are octets of the
// script as they are. What is unacknowledged is counted beside the scoreboard; what is given out as lost is what had left; a timer comes to rest at one
// moment; and whatever the peer has said, usrsctp's timer gets everything acknowledged in the end.
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <deque>
#include <map>
#include <span>
#include <vector>

#include "sctp/chunks.hpp"
#include "sctp/congestion.hpp"
#include "sctp/crc32c.hpp"

namespace {

using namespace agw;
using namespace agw::sctp;

constexpr std::size_t packet_bytes = 1200;
constexpr std::size_t most_chunks = 300;

void demand(bool holds) {
  if (!holds) std::abort();
}

class script {
 public:
  explicit script(std::uint32_t first) : next_(first) { control_.recover(true); }

  void step(unsigned event, unsigned argument, bytes_view& rest) {
    switch (event % 10) {
      case 0: now_ += std::chrono::milliseconds(argument); break;
      case 1: send_new(argument); break;
      case 2: for (unsigned i = 0; i < argument; ++i) send_new(16); break;
      case 3: sack(argument, rest); break;
      case 4: foreign(argument, rest); break;
      case 5: repair(argument % 2 == 0); break;
      case 6: release(1 + argument); break;
      case 7: resend(front() + argument / 8, 1 + argument % 8); break;
      case 8: argument == 0 ? control_.recover(false) : take(make_sack(front() - 1 + (argument << 24), {}, 0)); break;
      default: answer(argument % 4); break;
    }
    check();
  }

  void finish() {
    while (!left_.empty()) {
      release(waiting_.size());
      now_ += std::chrono::seconds(60);
      if (!left_.empty()) demand(resend(front(), 1));
      release(waiting_.size());
      take(make_sack(front(), {}, 0));
      check();
    }
    demand(control_.in_flight() == 0 && control_.board().held_bytes() == 0 && control_.board().held_chunks() == 0);
  }

 private:
  using octets = std::vector<std::byte>;

  std::uint32_t front() const { return left_.empty() ? next_ : first_left_; }

  octets packet_of(std::uint32_t from, unsigned chunks) const {
    octets out(common_header_bytes);
    for (auto tsn = from; tsn != from + chunks; ++tsn) {
      const auto c = left_.find(tsn);
      if (c != left_.end()) append_chunk(out, out, c->second);
    }
    return out;
  }

  void send_new(unsigned argument) {
    if (left_.size() >= most_chunks) return;
    const auto from = next_;
    if (left_.empty()) first_left_ = next_;
    const unsigned chunks = 1 + argument % 4;
    for (unsigned i = 0; i < chunks; ++i) {
      octets c(8 + argument % 64 * 6 + argument % 3, static_cast<std::byte>(next_ * 31));
      const std::uint32_t type = argument % 3 == 0 ? chunk::i_data : chunk::data;
      put_word(c, 0, type << 24 | static_cast<std::uint32_t>(c.size()));
      put_word(c, 4, next_);
      bytes_ += padded(c.size());
      left_.emplace(next_++, c);
    }
    control_.sent(packet_of(from, chunks), now_, argument % 5 == 0);
  }

  static octets make_sack(std::uint32_t cumulative, bytes_view blocks, std::uint32_t counts) {
    octets out(common_header_bytes + 16);
    put_word(out, 12, 0x03000000 | static_cast<std::uint32_t>(16 + blocks.size()));
    put_word(out, 16, cumulative);
    put_word(out, 24, counts);
    out.insert(out.end(), blocks.begin(), blocks.end());
    return out;
  }

  // Of a peer that may say anything of what has left.
  void sack(unsigned argument, bytes_view& rest) {
    const auto blocks = rest.first(std::min<std::size_t>(rest.size(), argument / 8 * 4));
    rest = rest.subspan(blocks.size());
    const auto count = static_cast<std::uint32_t>(blocks.size() / 4);
    take(make_sack(front() + argument % 8 - 2, blocks, argument % 7 == 0 ? 0xffffffff : count << 16));
  }

  // One that tells of a single gap: what an honest peer says at first.
  void answer(unsigned missing) {
    octets block(4);
    const auto size = static_cast<std::uint32_t>(left_.size());
    if (size < missing + 2) return;
    put_word(block, 0, (missing + 2) << 16 | size);
    take(make_sack(front() - 1, block, 1 << 16));
  }

  void foreign(unsigned size, bytes_view& rest) {
    const auto chunks = rest.first(std::min<std::size_t>(rest.size(), size));
    rest = rest.subspan(chunks.size());
    octets packet(common_header_bytes);
    packet.insert(packet.end(), chunks.begin(), chunks.end());
    take(packet);
  }

  void take(const octets& packet) {
    const auto before = front();
    control_.received(packet, now_);
    if (left_.empty()) return;
    const auto acknowledged = control_.board().acknowledged();
    demand(acknowledged - (before - 1) <= left_.size());
    for (first_left_ = before; first_left_ != acknowledged + 1; ++first_left_) {
      const auto c = left_.find(first_left_);
      bytes_ -= padded(c->second.size());
      left_.erase(c);
    }
  }

  void repair(bool may_ask) {
    for (int i = 0; i < 5; ++i) {
      const auto lost = control_.lost(now_, packet_bytes, may_ask);
      for (std::size_t k = 0; k < lost.size(); ++k) {
        unsigned chunks = 0;
        demand(checksum_holds(lost[k]));
        each_chunk(lost[k], [&](std::uint8_t, bytes_view c) {
          ++chunks;
          const auto was = left_.find(word_at(c, 4));
          demand(was != left_.end() && std::equal(c.begin(), c.end(), was->second.begin(), was->second.end()));
        });
        demand(chunks > 0 && (chunks == 1 || lost[k].size() <= packet_bytes));
        waiting_.emplace_back(lost[k].begin(), lost[k].end());
      }
    }
    demand(control_.next_repair(may_ask) > now_);
  }

  void release(std::size_t count) {
    for (; count > 0 && !waiting_.empty(); --count) {
      if (control_.missing(waiting_.front())) control_.sent(waiting_.front(), now_, false);
      waiting_.pop_front();
    }
  }

  // usrsctp's timer.
  bool resend(std::uint32_t from, unsigned chunks) {
    const auto packet = packet_of(from, chunks);
    if (!has_data(packet) || !control_.queue_again(packet, !waiting_.empty(), now_)) return false;
    waiting_.push_back(packet);
    return true;
  }

  void check() const {
    const auto& board = control_.board();
    demand(board.in_flight() + board.held_bytes() == bytes_);
    demand(board.unacknowledged_chunks() == left_.size() && board.held_chunks() <= left_.size());
    demand((board.held_chunks() == 0) == (board.held_bytes() == 0));
    demand(std::isfinite(control_.rate()) && control_.rate() >= 0);
    demand(control_.window_bytes() >= packet_bytes);
  }

  congestion_control control_{packet_bytes};
  clock::time_point now_{std::chrono::hours(1)};
  std::uint32_t next_, first_left_ = 0;
  std::map<std::uint32_t, octets> left_;  // unacknowledged
  std::size_t bytes_ = 0;                 // of it
  std::deque<octets> waiting_;            // to leave again
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  auto rest = std::as_bytes(std::span(data, size));
  script play(static_cast<std::uint32_t>(0 - size % 64));  // numbers wrap around early
  while (rest.size() >= 2) {
    const auto event = std::to_integer<unsigned>(rest[0]), argument = std::to_integer<unsigned>(rest[1]);
    rest = rest.subspan(2);
    play.step(event, argument, rest);
  }
  play.finish();
  return 0;
}
