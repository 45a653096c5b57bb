// One call: steps 1 to 15 of the call flow, and what follows until it is released.
#pragma once

#include <chrono>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <boost/json.hpp>

#include "agw/core/task_group.hpp"
#include "agw/transports/port_pool.hpp"
#include "agw/transports/tcp.hpp"
#include "bot.hpp"
#include "mgc.hpp"
#include "wic_sdp.hpp"

namespace agw::controller {

namespace json = boost::json;

struct call_options {
  bool aware = false;
  std::string core_setup = "actpass";
  std::optional<std::uint16_t> sctp_port;  ///< asked of the gateway; absent: it chooses
  std::string mode = "SendReceive";
  struct external_peer {
    std::string address;
    std::uint16_t port = 0;
    std::string path;
  };
  std::optional<external_peer> peer;
};

/// What the WebSocket says to a call, in order.
struct call_message {
  std::string type;  ///< answer, modify, mode, release, audit
  std::string sdp;
  std::vector<channel> channels;
  std::optional<std::uint16_t> id;
  std::string mode;
};

struct call_environment {
  mgc& control;
  asio::ip::address bot_address;
  port_pool& ports;
  std::function<void(json::object)> send;  ///< to the WIC
};

/// Lives on the controller's loop, as long as its run().
class call final : public call_control {
 public:
  call(std::string name, call_environment environment, call_options options);
  ~call() override;

  /// The whole life of a WIC-originated call, or of a WIC-terminated one (`offer` empty). Ends with `released` told.
  awaitable<void> run(std::string offer, std::vector<channel> channels);
  void post(call_message message);

  void on_notify(const h248::command& notify) override;
  void on_traced(const traced_message& message) override;

 private:
  /// A channel of the call: its H.248 stream on both terminations, and the bot's connection.
  struct leg {
    std::uint16_t stream = 0;
    channel wic;
    std::string bot_path;
    std::string wic_to_path;  ///< what the WIC puts into To-Path
    std::unique_ptr<tcp::listener> listener;
    std::string core_local;
    event wic_known;          ///< the WIC's path came with its answer
    bool on_access = false;   ///< T1 has its stream
    bool open = false;
  };
  struct stage_state {
    clock::time_point begin{};
    bool started = false;
    bool done = false;
  };

  awaitable<void> originate(task_group& tasks, std::string offer, std::vector<channel> channels);
  awaitable<void> terminate(task_group& tasks, std::vector<channel> channels);
  awaitable<void> converse(task_group& tasks);
  awaitable<void> modify(task_group& tasks, std::vector<channel> channels);
  awaitable<void> set_mode(const call_message& m);
  awaitable<void> audit();
  awaitable<void> subtract();

  leg& add_leg(channel c);
  awaitable<void> reserve_core(leg& l, const std::string* remote);
  awaitable<void> configure_core(leg& l, std::string remote);
  awaitable<void> configure_access(const std::string* remote, std::string_view setup);
  /// The bot's side of a leg: its Remote for T2, and its connection.
  std::string answer_of_core_peer(leg& l, task_group& tasks);
  awaitable<void> serve_bot(leg& l, bool dial);
  awaitable<h248::incoming_reply> perform(composed& what);
  awaitable<result<h248::incoming_reply>> exchange(composed& what);
  h248::action& action_of(composed& what);
  void add_core_stream(composed& what, h248::media_descriptor& media, leg& l, const std::string* remote);
  std::string group_value() const;
  json::array channels_json() const;
  void started(const std::string& stage, unsigned stream);
  void finished(const std::string& stage, unsigned stream);
  void failed(const std::string& stage, unsigned stream, std::string reason);
  void tell_stage(const std::string& stage, unsigned stream, std::string_view state, std::optional<double> ms, std::string reason);
  void tell_step(int step, std::string_view from, std::string_view to, std::string_view summary, std::string text);
  double since_begin() const;
  leg* leg_of(unsigned stream);

  std::string name_;
  call_environment env_;
  call_options options_;
  clock::time_point begin_ = clock::now();
  std::deque<call_message> inbox_;
  event inbox_changed_;
  std::optional<std::string> end_cause_;
  h248::context_id context_ = h248::context_id::choose();
  std::string t1_, t2_;
  std::string access_local_;  ///< S1 as the gateway filled it in
  wic_description wic_;
  std::deque<std::unique_ptr<leg>> legs_;
  std::deque<std::unique_ptr<leg>> closed_legs_;
  std::uint16_t next_stream_ = 2;
  std::map<std::pair<std::string, unsigned>, stage_state> stages_;
  json::array statistics_;
};

}  // namespace agw::controller
