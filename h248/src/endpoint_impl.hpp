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
#include <agw/core/task_group.hpp>
#include <agw/h248/endpoint.hpp>
#include <agw/h248/transaction_machine.hpp>

#include "endpoint_metrics.hpp"

namespace agw::h248 {

struct endpoint::impl {
  impl(asio::any_io_executor executor, endpoint_config config, agw::metrics* metrics);

  // One of our requests, in the frame of request().
  struct waiting {
    event done;
    std::optional<result<incoming_reply>> outcome;
    std::function<void(const incoming_reply&)> arrived;
    std::optional<peer_address> only_peer;  // ends with the connection to it
    std::map<std::uint16_t, incoming_reply> segments;  // of the reply, by their numbers
  };
  // Its entries in the tables go with it, however it ends.
  class waiting_entry;

  // Life cycle and sending: endpoint.cpp.
  awaitable<void> keep_time();
  awaitable<void> keep_sending();
  void send_due();
  void wake();  // after anything that may have changed what is due
  void stopped();
  void fail(const request_table::failure& f);
  void peer_state(const peer_address& peer, bool alive);
  message_link* find_link(transport via) const noexcept;

  // Receiving: endpoint_receive.cpp.
  void on_text(const peer_address& from, std::string text);
  void on_link_state(const peer_address& peer, bool connected);
  void on_transaction(const peer_address& from, const std::shared_ptr<parsed_message>& in, const transaction& t, bool too_many);
  void on_request(const peer_address& from, const std::shared_ptr<parsed_message>& in, const transaction& whole,
                  const transaction_request& t, bool too_many);
  void on_reply(const peer_address& from, const std::shared_ptr<parsed_message>& in, const transaction_reply& t);
  void on_segment(const peer_address& from, const std::shared_ptr<parsed_message>& in, const transaction_reply& t);
  void answered(transaction_id id, const incoming_reply& reply);
  awaitable<void> serve(execution_id id, incoming_request request);
  void answer(execution_id id, const transaction_request& request, outgoing_reply reply);
  void answer_unremembered(const peer_address& from, const transaction_request& request, std::uint8_t version, error_code code,
                           std::string_view text);
  void on_version_refused(const peer_address& from, const std::shared_ptr<parsed_message>& in, const error_descriptor& error);
  void answer_message(const peer_address& from, std::uint8_t version, const parse_error& error);
  bool accepted(const peer_address& from) const;
  void heard(const peer_address& from);
  std::uint8_t reply_version(std::uint8_t asked) const noexcept { return std::min(asked, config.version); }

  asio::any_io_executor executor;
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
  std::optional<std::set<asio::ip::address>> hosts;  // that may talk to us; nothing: all
  std::map<asio::ip::address, clock::time_point> last_heard;
  std::optional<clock::time_point> last_complaint;  // of a peer, in the log
  std::set<peer_address> silent;      // that did not answer
  std::vector<outgoing_message> outgoing;
  std::string scratch;
};

}  // namespace agw::h248
