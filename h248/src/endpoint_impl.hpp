// The inside of endpoint: the transaction machine between links and handlers. Split by direction: endpoint.cpp has the life cycle and
// our requests, endpoint_receive.cpp what comes in.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

#include <agw/core/event.hpp>
#include <agw/core/log_limit.hpp>
#include <agw/core/scope_guard.hpp>
#include <agw/core/task_group.hpp>
#include <agw/h248/endpoint.hpp>
#include <agw/h248/transaction_machine.hpp>

#include "endpoint_metrics.hpp"
#include "occasion.hpp"

namespace agw::h248 {

struct endpoint::impl {
  impl(loop_executor executor, endpoint_config config, agw::metrics* metrics);

  // One of our requests, in the frame of request().
  struct waiting {
    event done;
    std::optional<result<incoming_reply>> outcome;
    std::function<void(const incoming_reply&)> arrived;
    std::optional<peer_address> only_peer;  // ends with the connection to it
    std::map<std::uint16_t, incoming_reply> segments;  // of the reply, by their numbers
    std::size_t segment_bytes = 0;
  };

  // Life cycle and sending: endpoint.cpp.
  awaitable<void> keep_time();
  awaitable<void> keep_sending();
  void send_due();
  void wake();  // after anything that may have changed what is due
  void stopped();
  void fail(const request_table::failure& f);
  void peer_state(const peer_address& peer, peer_event what);
  void tell(const peer_address& peer, peer_event what);
  message_link* find_link(transport via) const noexcept;

  // A message that came in. A stranger is a peer that no version was agreed with, over a transport that does not prove its address: it
  // gets no more octets than it sent, so that nobody can have us flood another.
  struct arrival {
    peer_address from;
    std::shared_ptr<parsed_message> in;
    bool stranger = false;
    std::size_t answer_bytes = 0;  // that a stranger may still get
  };

  void note(const peer_address& from, std::string what);
  std::string remark(const peer_address& peer) const;

  // What was refused, for log and metrics: endpoint_refusals.cpp.
  void tell_refused(const peer_address& to, const transaction_request& request, const transaction_reply& reply);
  void tell_refused(const peer_address& to, std::string_view what, const error_descriptor& error);

  // Receiving: endpoint_receive.cpp.
  void on_text(const peer_address& from, std::string text);
  void on_unreadable(arrival& a);
  void on_error(const arrival& a, const error_descriptor& error);
  void on_link_state(const peer_address& peer, bool connected);
  void on_transaction(arrival& a, const transaction& t, bool too_many);
  void on_request(arrival& a, const transaction& whole, const transaction_request& t, bool too_many);
  bool may_read(const peer_address& from);
  void work_ended(const peer_address& from);
  void on_reply(const peer_address& from, const std::shared_ptr<parsed_message>& in, const transaction_reply& t);
  void on_segment(const peer_address& from, const std::shared_ptr<parsed_message>& in, const transaction_reply& t);
  void answered(transaction_id id, const incoming_reply& reply);
  awaitable<void> serve(execution_id id, incoming_request request);
  void settle(const peer_address& to, const transaction_request& request, outgoing_reply& reply);
  awaitable<void> answer_in_turns(execution_id id, reply_cutter& pieces);
  void answer(execution_id id, const peer_address& to, const transaction_request& request, outgoing_reply reply);
  void answer_unremembered(arrival& a, const transaction_request& request, std::uint8_t version, error_code code,
                           std::string_view text);
  void on_version_refused(const peer_address& from, const std::shared_ptr<parsed_message>& in, const error_descriptor& error);
  void answer_message(arrival& a, std::uint8_t version, error_code code);
  bool accepted(const peer_address& from) const;
  bool accepted(const peer_address& from, const h248::mid& sender) const;
  bool agreed_with(const peer_address& from) const;
  peer_address heard_as(const peer_address& from) const;
  void heard(const peer_address& from);
  std::uint8_t reply_version(std::uint8_t asked) const noexcept { return std::min(asked, config.version); }

  loop_executor executor;
  endpoint_config config;
  transaction_machine machine;
  endpoint_metrics counts;
  mid_name self;
  std::vector<std::unique_ptr<message_link>> links;

  request_handler handler;
  admission decide;
  std::vector<message_observer> message_observers;
  std::vector<peer_observer> peer_observers;

  task_group* group = nullptr;  // while run() runs
  bool ended = false;           // it has
  event send_wanted;
  timer alarm;
  clock::time_point alarm_at = no_deadline;
  std::unordered_map<std::uint32_t, waiting*> waiters;
  std::unordered_map<execution_id, outgoing_reply*> executions;
  std::map<peer_address, std::uint8_t> versions;
  std::optional<std::vector<trusted_peer>> peers;  // that may talk to us; nothing: all
  std::map<peer_address, clock::time_point> last_heard;
  occasion<peer_address> complaints{std::chrono::minutes(1), 1024};  // of a peer that says error, in the log
  occasion<peer_address> refusals{std::chrono::minutes(1), 1024};    // of what is not taken from a peer, in the log
  occasion<peer_address> unread{std::chrono::minutes(1), 1024};      // what could not be read, in the log
  occasion<peer_address> replies_to_unread{std::chrono::seconds(1), 1024};
  std::map<peer_address, std::size_t> in_work;  // requests of a connection that are executed
  bool paused = false;                          // some connection is not read
  std::set<peer_address> silent;      // that did not answer
  struct remarked {
    std::string what;
    clock::time_point at;
  };
  std::map<asio::ip::address, remarked> remarks;  // what was wrong with what came from there last
  log_limit<std::uint16_t> refused_lines{std::chrono::seconds(1), 20, 256};  // of each error code
  std::vector<outgoing_message> outgoing;
  std::string scratch;
};

}  // namespace agw::h248
