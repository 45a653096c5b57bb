// Puts transactions together into messages (H.248.1 8.3, D.1): what goes to one peer in one turn of the loop shares a message
// as far as the count and the datagram allow, with the acknowledgements that are due.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <agw/core/clock.hpp>
#include <agw/h248/link_address.hpp>
#include <agw/h248/message.hpp>
#include <agw/h248/text.hpp>
#include <agw/h248/transaction_config.hpp>

namespace agw::h248 {

struct outgoing_message {
  peer_address to;
  std::string text;
};

/// What the machine must know of a transport.
struct transport_limits {
  bool reliable = false;
  std::size_t max_message_bytes = 65507;
};

/// Text of transactions, shared between a table that may send it again and the outbox.
using shared_text = std::shared_ptr<const std::string>;

class transaction_outbox {
 public:
  /// `config` outlives the outbox.
  explicit transaction_outbox(const transaction_config& config) : config_(config) {}

  /// Who we are, as it stands in every header.
  void set_sender(mid_name sender, layout style);
  void set_limits(transport via, transport_limits limits) { limits_[static_cast<std::size_t>(via)] = limits; }
  const transport_limits& limits(transport via) const noexcept { return limits_[static_cast<std::size_t>(via)]; }

  /// A transaction as text.
  shared_text encode(const transaction& t, std::uint8_t version) const;
  /// Whether it fits into one message.
  bool fits(const peer_address& to, std::uint8_t version, const std::string& text) const;
  /// How long the message is that holds `text` alone, bytes.
  std::size_t message_bytes(std::uint8_t version, const std::string& text) const { return header(version).size() + text.size(); }
  /// What a message holds beside the header, bytes.
  std::size_t message_room(const peer_address& to, std::uint8_t version) const {
    const auto taken = header(version).size(), all = limits(to.via).max_message_bytes;
    return all > taken ? all - taken : 0;
  }
  /// What a datagram is to hold beside the header, bytes.
  std::size_t datagram_room(std::uint8_t version) const {
    const auto taken = header(version).size();
    return config_.datagram_bytes > taken ? config_.datagram_bytes - taken : 0;
  }

  void push_request(const peer_address& to, std::uint8_t version, shared_text text);
  /// Replies and Pendings stand in front of requests: what they report came first.
  void push_reply(const peer_address& to, std::uint8_t version, shared_text text);
  /// A Segment ends its message: it has no end of its own, and peers read beyond it.
  void push_segment(const peer_address& to, std::uint8_t version, shared_text text);
  /// A reply that arrived. Urgent (ImmAckRequired) ones go out with the next flush, others when there is something to go with
  /// before LONG-TIMER ends.
  void acknowledge(const peer_address& to, std::uint8_t version, transaction_id id, bool urgent, clock::time_point now);

  bool empty() const noexcept { return !due_; }
  /// Appends the messages that are due.
  void flush(std::vector<outgoing_message>& into, clock::time_point now);

 private:
  struct destination {
    std::vector<shared_text> replies;
    std::vector<shared_text> requests;
    std::vector<shared_text> segments;
    std::vector<std::pair<std::uint32_t, clock::time_point>> acks;  // bounded: the oldest go first
    bool urgent = false;
  };
  using key = std::pair<peer_address, std::uint8_t>;

  const std::string& header(std::uint8_t version) const;
  shared_text take_acks(destination& d, std::uint8_t version, clock::time_point now) const;
  void compose(const key& to, const std::vector<shared_text>& parts, const std::vector<shared_text>& last_parts,
               std::vector<outgoing_message>& into) const;

  const transaction_config& config_;
  layout style_ = layout::compact;
  std::array<std::string, 4> headers_{};  // by version
  std::array<transport_limits, transports> limits_{};
  std::map<key, destination> destinations_;
  bool due_ = false;
};

}  // namespace agw::h248
