// The H.248 message model: what travels between a gateway (MG) and its controller (MGC), in versions 1 to 3, both
// directions, free of any encoding. Plain values: build one by filling in the members (strings are views, kept alive by the
// caller or by owned_message::keep), or let text.hpp parse one into an arena.
//
//   owned_message reply;
//   reply->version = 3;
//   reply->from = {mid::form::ip4, "127.0.0.1", 2944};
//   auto& answer = reply->transactions.push_back(transaction_reply{.id = request.id});
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>
#include <variant>

#include <agw/h248/arena.hpp>
#include <agw/h248/command.hpp>
#include <agw/h248/ids.hpp>

namespace agw::h248 {

enum class topology_direction : std::uint8_t { bothway, isolate, oneway, oneway_external, oneway_both };

struct topology_triple {
  termination_id a;
  termination_id b;
  topology_direction direction = topology_direction::bothway;
  std::optional<stream_id> stream{};  // version 3
  bool operator==(const topology_triple&) const = default;
};

// Changes in a request, current values in a reply. Absent means unchanged, or not asked for.
struct context_properties {
  list<topology_triple> topology{};
  std::optional<std::uint16_t> priority{};  // 0 to 15
  std::optional<bool> emergency{};
  std::optional<bool> ieps{};               // version 3
  list<context_id> contexts{};              // ContextList, version 3
  list<property> attributes{};              // version 3

  bool empty() const noexcept {
    return topology.empty() && !priority && !emergency && !ieps && contexts.empty() && attributes.empty();
  }
  bool operator==(const context_properties&) const = default;
};

enum class select_logic : std::uint8_t { all_of, any_of };

// Which properties of the context are to be returned, and (version 3) of which contexts.
struct context_audit {
  bool topology = false;
  bool emergency = false;
  bool priority = false;
  bool ieps = false;
  list<item_name> attributes{};
  context_properties selection{};  // its topology is never set
  std::optional<select_logic> logic{};
  bool operator==(const context_audit&) const = default;
};

// What is to be done, or was done, in one context; in a request properties come first, then the audit, then the commands.
struct action {
  context_id context{};
  context_properties properties{};
  box<context_audit> audit{};  // requests only
  list<command> commands{};
  // In a reply: what went wrong, after the replies that stand in `commands`. In a request only the parser sets it: the rest of
  // the action, or of the transaction, could not be read; execute `commands`, then answer this action with it and stop.
  box<error_descriptor> error{};
  bool operator==(const action&) const = default;
};

struct transaction_request {
  transaction_id id{};  // 0 with an error: unreadable
  list<action> actions{};
  // Set by the parser alone: nothing of the transaction could be read. Answer with a reply that holds only this.
  box<error_descriptor> error{};
  bool operator==(const transaction_request&) const = default;
};

// A part of a reply too long for one message (version 3).
struct reply_segment {
  std::uint16_t number = 1;
  bool last = false;
  bool operator==(const reply_segment&) const = default;
};

struct transaction_reply {
  transaction_id id{};
  std::optional<reply_segment> segment{};
  bool immediate_ack = false;  // ImmAckRequired
  list<action> actions{};
  box<error_descriptor> error{};  // instead of actions
  bool operator==(const transaction_reply&) const = default;
};

struct transaction_pending {
  transaction_id id{};
  bool operator==(const transaction_pending&) const = default;
};

struct ack_range {
  transaction_id first{};
  transaction_id last{};  // the same as `first` for a single id
  bool operator==(const ack_range&) const = default;
};

// TransactionResponseAck: these replies have arrived.
struct transaction_ack {
  list<ack_range> ranges{};
  bool operator==(const transaction_ack&) const = default;
};

// Acknowledges one segment of a reply (version 3).
struct segment_reply {
  transaction_id id{};
  reply_segment segment{};
  bool operator==(const segment_reply&) const = default;
};

using transaction = std::variant<transaction_request, transaction_reply, transaction_pending, transaction_ack, segment_reply>;

// The interim authentication header (RFC 3525 10.2); agw neither makes nor verifies it.
struct authentication {
  std::uint32_t parameter_index = 0;
  std::uint32_t sequence = 0;
  std::string_view data{};  // 24 to 64 hexadecimal digits
  bool operator==(const authentication&) const = default;
};

struct message {
  std::uint8_t version = 1;
  mid from{};
  list<transaction> transactions{};
  box<error_descriptor> error{};  // instead of transactions
  box<authentication> auth{};
  bool operator==(const message&) const = default;
};

// A message together with memory for the strings it refers to. Moves without moving either.
class owned_message {
 public:
  owned_message() : at_(std::make_unique<state>()) {}

  message& operator*() noexcept { return at_->value; }
  const message& operator*() const noexcept { return at_->value; }
  message* operator->() noexcept { return &at_->value; }
  const message* operator->() const noexcept { return &at_->value; }
  arena& memory() noexcept { return at_->memory; }
  // A copy of `text` that lives as long as the message.
  std::string_view keep(std::string_view text) { return at_->memory.keep(text); }

 private:
  struct state {
    state() {}
    arena memory;
    message value;
  };
  std::unique_ptr<state> at_;
};

}  // namespace agw::h248
