// Hang-ups, slow readers, gate changes and finish() in random order, against a simple model: what a side had sent before its orderly close is at
// the other side whole, or an error says why.
#include <catch2/catch.hpp>

#include "support/choices.hpp"
#include "unit/core/relay_world.hpp"

using namespace agw;
using namespace agw::test;
using namespace std::chrono_literals;

namespace {

using lines = std::vector<std::string>;

class script {
 public:
  script(std::uint64_t seed, bool hard) : choose_(seed), hard_(hard) {
    if (choose_.one_in(2)) w.wic.window = choose_.below(4);
    if (choose_.one_in(2)) w.core.window = choose_.below(60);
    w.wic.batch = 1 + choose_.below(4);
    w.settle();
  }

  void play() {
    const auto steps = 5 + choose_.below(40);
    for (std::size_t i = 0; i < steps && !w.ended; ++i) step();
    // Both sides take everything now, and hang up.
    w.gate.set(side::wic, stream_mode::send_receive);
    w.gate.set(side::core, stream_mode::send_receive);
    w.wic.give_room(unlimited);
    w.core.give_room(unlimited);
    if (choose_.one_in(2)) w.settle();
    if (!finished_ && !wic_over_ && !core_failed_) close_wic();
    if (choose_.one_in(2)) w.settle();
    if (!finished_ && !core_over_ && !wic_failed_) close_core();
    w.settle();
    w.advance(100ms);
  }

  void check() {
    REQUIRE(w.ended);
    INFO("failure: " << w.failure() << ", closed first: " << (w.closed_first ? name_of(*w.closed_first) : "nobody"));
    const std::string to_core = all_to_core();
    const lines to_wic = all_to_wic();
    // Nothing is doubled, changed or out of order.
    CHECK(to_core.starts_with(w.core.sent));
    REQUIRE(w.wic.sent.size() <= to_wic.size());
    CHECK(std::equal(w.wic.sent.begin(), w.wic.sent.end(), to_wic.begin()));
    const bool wic_whole = w.core.sent == to_core;
    const bool core_whole = w.wic.sent == to_wic;
    if (!hard_) CHECK(w.failure() == "");
    if (w.failure().empty()) {
      // Of two that have hung up, neither takes what the other one sent.
      if (w.closed_first == side::wic && !core_gone_) CHECK(wic_whole);
      if (w.closed_first == side::core && !wic_over_) CHECK(core_whole);
      if (!w.closed_first) CHECK(finished_);
      if (!w.closed_first && !wic_over_ && !core_over_) {
        // What was not taken is where it was, and what was taken has been passed on.
        CHECK(std::count(w.core.sent.begin(), w.core.sent.end(), '\n') + static_cast<std::ptrdiff_t>(w.wic.waiting()) ==
              static_cast<std::ptrdiff_t>(from_wic_.size()));
        std::size_t octets = 0;
        for (const auto& line : w.wic.sent) octets += line.size() + 1;
        CHECK(octets + w.core.waiting() == from_core_.size());
      }
    } else {
      CHECK((w.failure() == "channel:reset" || w.failure() == "tcp:reset"));
      // A side that fails has sent something before.
      if (wic_failed_ && !core_over_ && !finished_) CHECK(wic_whole);
      if (core_failed_ && !wic_over_ && !finished_) CHECK(core_whole);
    }
    // The core goes on reading after its FIN: what had arrived before that reaches it, too.
    if (w.closed_first == side::core && !core_gone_ && !gated_ && !hard_) CHECK(w.core.sent.size() >= to_core_before_fin_);
  }

  relay_world w;

 private:
  void step() {
    switch (choose_.below(12)) {
      case 0:
      case 1:
        if (!wic_over_) say();
        break;
      case 2:
      case 3:
        if (!core_over_) answer();
        break;
      case 4: w.wic.give_room(w.wic.window == unlimited ? unlimited : w.wic.window + choose_.below(4)); break;
      case 5: w.core.give_room(w.core.window == unlimited ? unlimited : w.core.window + choose_.below(40)); break;
      case 6: {
        static const std::vector<stream_mode> modes{stream_mode::send_receive, stream_mode::send_receive, stream_mode::inactive,
                                                    stream_mode::receive_only, stream_mode::send_only};
        const auto s = choose_.one_in(2) ? side::wic : side::core;
        w.gate.set(s, choose_.of(modes));
        if (!w.gate.open(side::wic) || !w.gate.open(side::core)) gated_ = true;
        break;
      }
      case 7:
        if (!choose_.one_in(3)) break;
        if (choose_.one_in(2) && !wic_over_)
          close_wic();
        else if (!core_over_)
          close_core();
        break;
      case 8:
        if (!choose_.one_in(8)) break;
        finished_ = finished_ || !w.ended;
        w.finish();
        break;
      case 9:
        if (passed_ + 25ms > 350ms) break;
        passed_ += 25ms;
        w.advance(25ms);
        break;
      case 10: w.settle(); break;
      default:
        w.context.restart();
        for (auto n = choose_.below(8); n > 0; --n) w.context.poll_one();
        break;
    }
  }
  void say() {
    for (auto n = 1 + choose_.below(3); n > 0; --n) {
      from_wic_.push_back(std::string(choose_.below(30), static_cast<char>('a' + from_wic_.size() % 26)));
      w.wic.arrive(from_wic_.back());
    }
  }
  void answer() {
    std::string text;
    for (auto n = 1 + choose_.below(3); n > 0; --n)
      text += std::string(choose_.below(30), static_cast<char>('A' + answers_++ % 26)) + "\n";
    // Cut in two, so that a unit is on its way for a while.
    const auto cut = choose_.below(text.size());
    w.core.arrive(text.substr(0, cut));
    if (choose_.one_in(2)) w.settle();
    w.core.arrive(text.substr(cut));
    from_core_ += text;
  }
  void close_wic() {
    wic_over_ = true;
    if (hard_ && choose_.one_in(2)) {
      wic_failed_ = true;
      w.wic.fail();
    } else {
      w.wic.peer_closes();
    }
  }
  void close_core() {
    core_over_ = true;
    if (hard_ && choose_.one_in(2)) {
      core_failed_ = true;
      w.core.peer_resets();
    } else if (choose_.one_in(2)) {
      core_gone_ = true;
      w.core.peer_is_gone();
    } else {
      to_core_before_fin_ = all_to_core().size();
      w.core.peer_closes();
    }
  }
  std::string all_to_core() const {
    std::string out;
    for (const auto& one : from_wic_) out += one + "\n";
    return out;
  }
  lines all_to_wic() const {
    lines out;
    for (std::size_t at = 0; at < from_core_.size();) {
      const auto end = from_core_.find('\n', at);
      out.push_back(from_core_.substr(at, end - at));
      at = end + 1;
    }
    return out;
  }

  agw::test::choices choose_;
  bool hard_;
  lines from_wic_;
  std::string from_core_;
  std::size_t answers_ = 0;
  std::size_t to_core_before_fin_ = 0;
  clock::duration passed_{};
  bool wic_over_ = false, core_over_ = false;
  bool wic_failed_ = false, core_failed_ = false, core_gone_ = false;
  bool finished_ = false;
  bool gated_ = false;
};

void play_all(bool hard, std::uint64_t seeds) {
  for (std::uint64_t seed = 0; seed < seeds; ++seed) {
    INFO("seed " << seed);
    script s(seed, hard);
    s.play();
    s.check();
  }
}

}  // namespace

TEST_CASE("whenever the two sides hang up orderly, nothing that they had sent is lost, and nothing is an error") {
  play_all(false, 4000);
}

TEST_CASE("when a side fails, what it had sent before is passed on, and the error is told") { play_all(true, 4000); }
