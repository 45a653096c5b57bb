// One side of H.248 control, MG or MGC: sends requests and gets their replies, executes the requests of peers at most once,
// over any number of links.
//
//   auto link = open_udp_link(executor, local);                // result
//   endpoint control(executor, config, &metrics);
//   control.add_link(std::move(*link));
//   control.on_request(handler);                               // before run()
//   group.spawn("h248", [&]() -> awaitable<void> { co_await control.run(); });
//   …
//   auto reply = co_await control.request(mgc, std::move(actions));   // result<incoming_reply>
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <agw/core/awaitable.hpp>
#include <agw/core/clock.hpp>
#include <agw/h248/error.hpp>
#include <agw/h248/link.hpp>
#include <agw/h248/message.hpp>
#include <agw/h248/reply_size.hpp>
#include <agw/h248/text.hpp>
#include <agw/h248/transaction_config.hpp>

namespace agw {
class metrics;
}

namespace agw::h248 {

/// Which addresses a peer may send from.
enum class trust : std::uint8_t {
  address,  // the one it is known by, host and port
  host,     // any port of that host
};

/// Who may talk to us: an address and, once it is known, the mId that its messages must carry.
struct trusted_peer {
  peer_address address{};
  std::optional<mid_name> mid{};
};

struct endpoint_config {
  mid_name mid{};                       // who we say we are; empty: the address of the first link
  std::uint8_t version = 3;             // of messages to peers nothing else is known of; requests above it get error 406
  layout style = layout::compact;
  std::vector<peer_address> peers{};    // who may talk to us; empty: everybody. Others are dropped and counted
  trust trusted = trust::address;       // what of their addresses counts
  transaction_config transactions{};
  parse_limits limits{};
  std::uint64_t seed = 0;               // of transaction ids and timers; 0: from the system
};

/// The first error in a reply, at whatever level; null: everything was done.
const error_descriptor* first_error(const transaction_reply& reply) noexcept;

/// A request of a peer, with the message it came in. Cheap to copy; what it refers to lives as long as a copy does.
class incoming_request {
 public:
  incoming_request(peer_address from, std::shared_ptr<parsed_message> in, const transaction_request& of)
      : from_(std::move(from)), in_(std::move(in)), of_(&of) {}
  const peer_address& from() const noexcept { return from_; }
  const mid& sender() const noexcept { return (*in_)->from; }
  std::uint8_t version() const noexcept { return (*in_)->version; }
  const transaction_request& operator*() const noexcept { return *of_; }
  const transaction_request* operator->() const noexcept { return of_; }
  /// The same message with `other` in the transaction's place, which the caller keeps: for names that were translated.
  incoming_request with(const transaction_request& other) const { return incoming_request(from_, in_, other); }

 private:
  peer_address from_;
  std::shared_ptr<parsed_message> in_;
  const transaction_request* of_;
};

/// The reply being built. Strings it refers to: those of the request, literals, and what keep() returns.
class outgoing_reply {
 public:
  static constexpr std::size_t no_bound = std::numeric_limits<std::size_t>::max();

  /// `max_bytes`: of its text; beyond it the requester gets error 533 instead.
  explicit outgoing_reply(std::size_t max_bytes = no_bound) noexcept : max_bytes_(max_bytes) {}
  outgoing_reply(outgoing_reply&& other) noexcept
      : memory_(std::move(other.memory_)),
        reply_(std::move(other.reply_)),
        held_(std::move(other.held_)),
        max_bytes_(other.max_bytes_),
        counted_(other.counted_),
        growing_(std::exchange(other.growing_, nullptr)),
        given_up_(other.given_up()) {}
  outgoing_reply& operator=(outgoing_reply&&) = delete;

  list<action>& actions() noexcept { return reply_.actions; }
  /// Answers the transaction as a whole with an error: `text` empty takes the code's own.
  void fail(error_code code, std::string_view text = {}) { reply_.error.emplace(error(code, text)); }
  /// An error descriptor whose text is kept.
  error_descriptor error(error_code code, std::string_view text = {});
  std::string_view keep(std::string_view text) { return memory_->keep(text); }
  arena& memory() noexcept { return *memory_; }
  /// What answers refer to, and would be gone before they are written: lives as long as this.
  void hold(std::shared_ptr<const void> owner) { held_.push_back(std::move(owner)); }
  /// It took too long: the peer has been answered with error 506, and this goes nowhere. Who executes stops after the command that
  /// runs, and leaves nothing behind that it can take back.
  /// Who executes may be on another thread than the endpoint.
  bool given_up() const noexcept { return given_up_.load(std::memory_order_relaxed); }
  void give_up() noexcept { given_up_.store(true, std::memory_order_relaxed); }
  /// The answers so far are longer than the reply may be: it will be error 533, whatever else is added. Who executes stops, as with
  /// given_up(). action_state counts its answers; others are counted by count(). Costs one look at the last answer.
  bool full() const noexcept { return counted_bytes() > max_bytes_; }
  /// The bound, and what stands against it: never more than the text will have.
  std::size_t max_bytes() const noexcept { return max_bytes_; }
  std::size_t counted_bytes() const noexcept { return counted_ + (growing_ != nullptr ? octets_of(*growing_) : 0); }
  void count(std::size_t bytes) noexcept { counted_ += bytes; }
  /// Counts `answer` as it is whenever full() is asked, until the next one, or null, takes its place; until then it stays where it is.
  void count_growing(const command* answer) noexcept {
    counted_ = counted_bytes();
    growing_ = answer;
  }
  /// That answer is not counted after all: it goes, or was counted in pieces.
  void uncount_growing() noexcept { growing_ = nullptr; }
  transaction_reply& operator*() noexcept { return reply_; }
  transaction_reply* operator->() noexcept { return &reply_; }

 private:
  std::unique_ptr<arena> memory_ = std::make_unique<arena>();
  transaction_reply reply_;
  std::vector<std::shared_ptr<const void>> held_;
  std::size_t max_bytes_;
  std::size_t counted_ = 0;
  const command* growing_ = nullptr;
  std::atomic<bool> given_up_ = false;
};

/// The reply to a request of ours, with the message it came in.
class incoming_reply {
 public:
  incoming_reply(peer_address from, std::shared_ptr<parsed_message> in, const transaction_reply& of)
      : from_(std::move(from)), in_(std::move(in)), of_(&of) {}
  const peer_address& from() const noexcept { return from_; }
  const mid& sender() const noexcept { return (*in_)->from; }
  std::uint8_t version() const noexcept { return (*in_)->version; }
  const transaction_reply& operator*() const noexcept { return *of_; }
  const transaction_reply* operator->() const noexcept { return of_; }
  const error_descriptor* error() const noexcept { return first_error(*of_); }
  /// What could not be read of the message, the first of it: then error() may be what the parser put in its place. Null: all was read.
  const parse_error* unread() const noexcept { return in_->ok() ? nullptr : &in_->errors().front(); }

 private:
  peer_address from_;
  std::shared_ptr<parsed_message> in_;
  const transaction_reply* of_;
};

enum class direction : std::uint8_t { sent, received };

/// Called once for each new request, in a child task of run(). Both references live until it returns; it may await, hop to a
/// shard too. Cancelled when run() is. When the peer was told 506 the reply says given_up(). An exception other than a cancellation is
/// answered with error 500.
using request_handler = std::function<awaitable<void>(const incoming_request&, outgoing_reply&)>;
/// May refuse a request before it runs: an error code is the reply (505 before registration, 504). Called once for each request.
using admission = std::function<std::optional<error_code>(const incoming_request&)>;
/// Sees every message as it is on the wire. `text` lives during the call.
using message_observer = std::function<void(direction, const peer_address&, std::string_view text, clock::time_point)>;
enum class peer_event : std::uint8_t {
  alive,         // it speaks again after one of these
  silent,        // a request to it timed out
  disconnected,  // its connection ended, or could not be made
};
using peer_observer = std::function<void(const peer_address&, peer_event what)>;

/// Shard-bound: every member is called on `executor`, run() included; others hop with agw::on(). Destroyed after run() ended.
class endpoint {
 public:
  /// `metrics` may be null.
  endpoint(loop_executor executor, endpoint_config config, agw::metrics* metrics = nullptr);
  ~endpoint();
  endpoint(const endpoint&) = delete;
  endpoint& operator=(const endpoint&) = delete;

  // Before run().
  void add_link(std::unique_ptr<message_link> carrier);
  void on_request(request_handler handler);
  void on_admission(admission decide);
  /// Several may watch.
  void on_message(message_observer observer);
  void on_peer(peer_observer observer);

  /// Serves until cancelled; by then every handler has ended and every request() of ours fails with errc::stopped. Call it once.
  /// Throws only when a link is lost as a whole.
  awaitable<void> run();

  /// Sends a TransactionRequest and waits for its reply, however often it takes to send it. What `actions` refer to must live
  /// until this is awaited, no longer. Errors: timed_out, too_many_pendings, too_long, too_many_requests, no_link, stopped; a
  /// reply with an error descriptor is a reply. Any number may run at a time. A cancelled one is sent no more. Before
  /// run() it waits for that.
  awaitable<result<incoming_reply>> request(peer_address to, list<action> actions);
  /// The same with a version of its own: the first ServiceChange is headed MEGACO/1 (H.248.1 11.3). `arrived`, if not empty, sees the
  /// reply before anything that came behind it is looked at. With `patience` it is for this peer alone: it fails after that time (more
  /// when a TransactionPending comes: T-MAX from then), and with errc::disconnected when its connection cannot be made or ends. `started`,
  /// if not empty, learns the transaction's id before any observer sees a message with it; a request that cannot start has none.
  awaitable<result<incoming_reply>> request(peer_address to, list<action> actions, std::uint8_t version,
                                            std::function<void(const incoming_reply&)> arrived = {}, clock::duration patience = {},
                                            std::function<void(transaction_id)> started = {});

  /// The version that was agreed with a peer; config.version for others. Setting 0 forgets it.
  void set_version(const peer_address& peer, std::uint8_t version);
  std::uint8_t version(const peer_address& peer) const;

  /// Who may talk to us from now on: these and nobody else (also when there are none).
  void set_peers(std::vector<trusted_peer> peers);
  /// Whether something from `from` counts as from `known`, by the configuration's trust.
  bool same_peer(const peer_address& from, const peer_address& known) const noexcept;

  /// A sender's finished transactions are not remembered any more: it has registered anew, and may use their ids again.
  void forget_transactions(const h248::mid& sender);

  /// Requests to `from` that are unanswered are sent to `to` from now on (HandOff, Failover: H.248.1 11.5).
  void redirect(const peer_address& from, const peer_address& to);

  /// Takes effect for what starts from now on: the root package's timers and limits.
  void set_transactions(const transaction_config& config);
  const transaction_config& transactions() const noexcept;

  const mid_name& mid() const noexcept;
  /// Of the first link of that kind; errc::no_link.
  result<peer_address> local(transport kind) const;
  /// When something that counts last came from the peer; nothing if never. Where everybody may talk to us, and with trust::host, from its
  /// host.
  std::optional<clock::time_point> last_heard(const peer_address& peer) const;
  /// What was wrong with the last message that came from the peer's host and did not count, not longer ago than T-MAX, for the log; or nothing.
  std::string remark(const peer_address& peer) const;
  /// Own requests without reply, and requests of peers in execution.
  std::size_t unanswered() const noexcept;
  std::size_t executing() const noexcept;
  const loop_executor& get_executor() const noexcept;

 private:
  struct impl;
  std::unique_ptr<impl> impl_;
};

}  // namespace agw::h248
