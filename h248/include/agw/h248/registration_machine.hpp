// Which MGC an MG turns to next, how and when (H.248.1 9.2, 11.2, 11.3, 11.5). No I/O.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <random>
#include <variant>

#include <agw/h248/message.hpp>
#include <agw/h248/registration.hpp>

namespace agw::h248 {

class registration_machine {
 public:
  /// Nothing to do until then.
  struct wait {
    clock::time_point until;
  };
  /// A ServiceChange on ROOT to send.
  struct attempt {
    peer_name to;
    change_method method;
    std::uint16_t reason;
    std::uint8_t version;  // to offer
    friend bool operator==(const attempt&, const attempt&) = default;
  };
  /// Registered: nothing to do until lost() or hand_off().
  struct stay {};
  using step = std::variant<wait, attempt, stay>;

  /// `config` outlives the machine.
  registration_machine(const registration_config& config, std::uint64_t seed) : config_(config), random_(seed) {}

  step next(clock::time_point now);

  // The outcome of an attempt that next() asked for. No effect when it is not the current one any more.
  void accepted(const attempt& a, clock::time_point now);
  /// MgcIdToTry in the reply.
  void redirected(const attempt& a, const peer_name& to, clock::time_point now);
  /// Refused with an error, or (nothing) no reply.
  void failed(const attempt& a, std::optional<error_code> why, clock::time_point now);

  /// The MGC we are registered with does not answer: the others come first.
  void lost(clock::time_point now);
  /// The connection with it ended: it is asked first, once.
  void disconnected(clock::time_point now);
  /// When the MGC is to be asked whether it is there; no_deadline while there is none. `heard`: when something of it came last.
  clock::time_point question_due(std::optional<clock::time_point> heard) const;
  /// It is asked now; the next question is due when it has answered, and has been silent again.
  void asked(clock::time_point now) { asked_ = now; }
  /// The MGC we are registered with answers a request with an error. True: the error says that it does not know us, so it has restarted
  /// and is asked to take us again, as after disconnected(). An MGC that took us just now gets no credit: it says so to whatever comes.
  bool disowned(error_code error, clock::time_point now);

  /// Other MGCs are configured now. `left`: the one that took us was named before, and is not any more: the others are asked, and it is not.
  void mgcs_changed(bool left, clock::time_point now);

  /// It wants us to go to another one. Also while an attempt runs.
  void hand_off(const peer_name& to);

  bool registered() const noexcept { return registered_; }

 private:
  struct target {
    peer_name to;
    change_method method;
    std::uint16_t reason;
  };
  static constexpr unsigned most_redirections = 8;  // without an acceptance: two MGCs may each name the other

  bool is_current(const attempt& a) const;
  void fill(bool previous_last);
  void give_up_target(clock::time_point now);
  bool just_taken(clock::time_point now) const { return now - since_ < 10 * config_.min_retry_delay; }
  clock::duration jitter();

  const registration_config& config_;
  std::mt19937_64 random_;
  std::deque<target> targets_;
  std::optional<peer_name> previous_;  // the MGC we were or are registered with
  std::optional<std::uint8_t> offered_;
  clock::time_point wait_until_{};
  clock::time_point since_{};
  clock::time_point asked_{};
  unsigned rounds_ = 0;  // in which nobody took us
  unsigned redirections_ = 0;
  bool left_ = false;      // previous_ is not ours any more
  bool started_ = false;
  bool registered_ = false;
};

}  // namespace agw::h248
