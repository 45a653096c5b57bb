// Whose a message on the wire is. A message may hold transactions of several calls, and a transaction commands for several contexts: each
// call is shown its own part, and nobody else's. No I/O.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "agw/h248/endpoint.hpp"
#include "gateways.hpp"

namespace agw::controller {

/// A transaction on the wire, or a call's part of it.
struct traced_message {
  bool sent = false;
  std::string_view kind;     ///< request, reply, pending, ack
  std::uint32_t transaction = 0;
  std::string gateway;       ///< mId; empty while it is not known
  std::string summary;
  std::string text;          ///< as on the wire; what is another call's is left out
  int step = 0;              ///< of figure 6.2.10.x.2.2; 0: none
  bool repeated = false;
  std::optional<unsigned> error;
};

/// Who a traced message is shown to: a call, or (null) everybody, because it concerns the gateway as a whole.
struct traced_share {
  call_control* owner = nullptr;
  traced_message message;
};

/// Shard-bound. Entries are bounded: the oldest transactions are forgotten first, and are shown to nobody then.
class trace_book {
 public:
  /// Our request `id` starts, for `owner` (null: for no call).
  void started(h248::transaction_id id, gateway_ptr to, call_control* owner, std::string summary, int step);
  /// Nothing is shown to this call any more, nor to others what was its own.
  void forget(const call_control& owner);
  /// The parts of a message that was sent to `peer` or came from it, by who may see them.
  std::vector<traced_share> read(h248::direction way, const h248::peer_address& peer, const gateway_pool& gateways, std::string_view text);

 private:
  struct party {
    call_control* owner = nullptr;
    bool everybody = false;  // shown to all; with neither, to nobody
    friend bool operator==(const party&, const party&) = default;
  };
  struct own_entry {
    gateway_ptr to;
    party whose;
    std::string summary;
    int step = 0;
    unsigned seen = 0;
    unsigned answered = 0;
  };
  struct their_entry {
    std::string gateway;
    std::vector<std::pair<std::uint32_t, party>> contexts;
    unsigned seen = 0;
    unsigned answered = 0;
  };
  using their_key = std::pair<h248::peer_address, std::uint32_t>;
  class reader;

  own_entry* own(const h248::peer_address& peer, std::uint32_t id);
  own_entry& enter(std::uint32_t id, own_entry entry);
  their_entry& enter(const their_key& key, their_entry entry);

  std::map<std::uint32_t, own_entry> ours_;
  std::map<their_key, their_entry> theirs_;
  std::deque<std::uint32_t> our_order_;
  std::deque<their_key> their_order_;
};

}  // namespace agw::controller
