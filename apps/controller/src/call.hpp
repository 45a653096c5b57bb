// One call: steps 1 to 15 of the call flow, and what follows until it is released.
#pragma once

#include <chrono>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include <boost/json.hpp>

#include "agw/core/task_group.hpp"
#include "agw/transports/port_pool.hpp"
#include "agw/transports/tcp.hpp"
#include "agw/transports/tls_stream.hpp"
#include "bot.hpp"
#include "mgc.hpp"
#include "wic_sdp.hpp"

namespace agw::controller {

namespace json = boost::json;

struct call_options {
  bool aware = false;
  bool tls = false;  ///< towards the core
  std::string core_setup = "actpass";
  std::optional<std::uint16_t> sctp_port;  ///< asked of the gateway; absent: it chooses
  std::string mode = "sendrecv";
  struct external_peer {
    asio::ip::address address;
    std::uint16_t port = 0;
    std::string path;
    std::string fingerprint;  ///< of its certificate, with TLS; empty: it is not checked
  };
  std::optional<external_peer> peer;
};

/// What the WebSocket says to a call, in order.
struct call_message {
  std::string type;  ///< answer, modify, mode, release, audit
  std::string sdp;
  std::optional<std::vector<channel>> channels;  ///< of modify: absent where it has an sdp
  std::optional<std::uint16_t> id;
  std::string mode;
  std::string cause = "requested";  ///< of release
};

/// What calls share. All of it outlives them.
struct call_environment {
  mgc& control;
  asio::ip::address bot_address;
  port_pool& ports;
  std::shared_ptr<tls::context> bot_tls;
  std::function<void(json::object)> send;  ///< to the WIC
};

/// Lives on the controller's loop, as long as its run().
class call final : public call_control {
 public:
  call(std::string name, call_environment environment, call_options options);

  /// The whole life of a WIC-originated call, or of a WIC-terminated one (`offer` empty). Ends with `released` told.
  awaitable<void> run(std::string offer, std::vector<channel> channels);
  void post(call_message message);

  void on_notify(const h248::command& notify) override;
  void on_traced(const traced_message& message) override;
  void on_gateway_over() override;
  void on_gateway_back() override;

 private:
  /// A channel of the call: its H.248 stream on both terminations, and the bot's connection.
  struct leg {
    std::uint16_t stream = 0;
    channel wic;
    std::string bot_path;
    std::string wic_to_path;  ///< what the WIC puts into To-Path
    std::unique_ptr<tcp::listener> listener;
    std::string core_local;   ///< as the gateway filled it in; empty: T2 does not have the stream
    event wic_known;          ///< the WIC's path came with its answer
    event core_known;         ///< core_local is there
    event dropped;            ///< the leg has left the call, or its bot has ended
    bool bot_runs = false;
    bool on_access = false;   ///< T1 has its stream
    bool ended = false;       ///< the gateway said that the channel, or its core side, has ended
  };
  /// A channel as the WIC asked for it: its leg, or why it gets none.
  struct asked_channel {
    channel asked;
    leg* taken = nullptr;
    std::string refused;
  };
  struct stage_state {
    clock::time_point begin{};
    bool started = false;
    bool done = false;
  };
  /// The call is to end before it was set up: by what end_cause_ says.
  struct ended_early {};

  // call.cpp
  awaitable<void> live(task_group& tasks, std::string offer, std::vector<channel> channels);
  awaitable<void> converse(task_group& tasks);
  awaitable<void> obey(task_group& tasks, call_message m);
  void end(std::string cause);
  void fail(const class call_failure& e);

  // call_setup.cpp
  awaitable<void> originate(task_group& tasks, std::string offer, std::vector<channel> channels);
  awaitable<void> terminate(task_group& tasks, std::vector<channel> channels);
  awaitable<call_message> answer_of_wic();
  awaitable<void> take_answer(std::vector<channel> answered);
  void place();

  // call_modify.cpp
  awaitable<void> modify(task_group& tasks, std::vector<channel> channels);
  awaitable<void> renegotiate(std::string offer);
  awaitable<void> add_legs(task_group& tasks, const std::vector<leg*>& fresh);
  awaitable<void> take_back(std::vector<leg*> fresh);

  // call_channels.cpp
  std::vector<asked_channel> take_channels(std::vector<channel> channels, bool offered);
  leg* find_leg(const channel& c) const;
  leg& add_leg(channel c);
  std::unique_ptr<leg> remove_leg(const leg& l);
  void close_leg(std::unique_ptr<leg> l);
  json::array channels_json(const std::vector<asked_channel>& asked) const;

  // call_core.cpp: the bot, or another peer, in the core
  std::string answer_of_core_peer(leg& l, task_group& tasks);
  std::string core_remote(const asio::ip::address& address, std::uint16_t port, std::string_view setup, std::string_view path,
                          std::string_view fingerprint) const;
  std::string own_wic_path() const;
  std::string_view core_protocol() const;
  awaitable<void> run_bot(leg& l, bool dial);
  awaitable<void> serve_bot(leg& l, bool dial);

  // call_h248.cpp
  awaitable<void> reserve_core(leg& l, const std::string* remote);
  awaitable<void> configure_core(leg& l, std::string remote);
  awaitable<void> release_core(std::vector<std::uint16_t> streams);
  awaitable<void> configure_access(const std::string* remote, std::string_view setup);
  awaitable<void> update_association(std::string local, std::string remote, bool anew);
  awaitable<void> set_mode(std::optional<std::uint16_t> id, std::string mode);
  awaitable<void> audit();
  awaitable<void> verify();
  awaitable<void> subtract();
  awaitable<h248::incoming_reply> perform(composed& what);
  h248::action& action_of(composed& what);
  void add_core_stream(composed& what, h248::media_descriptor& media, leg& l, const std::string* remote);
  std::string group_value() const;

  // call_events.cpp
  void started(const std::string& stage, unsigned stream);
  void finished(const std::string& stage, unsigned stream);
  void failed(const std::string& stage, unsigned stream, std::string reason);
  void tell_stage(const std::string& stage, unsigned stream, std::string_view state, std::optional<double> ms, std::string reason);
  void tell_step(int step, std::string_view from, std::string_view to, std::string_view summary, std::string text);
  void observed(const h248::observed_event& e);
  bool expects_end(const std::string& stage, unsigned stream, bool fails);
  void expect_another_association();
  double since_begin() const;
  std::string next_session();
  leg* leg_of(unsigned stream) const;

  std::string name_;
  call_environment env_;
  call_options options_;
  clock::time_point begin_ = clock::now();
  std::string doing_;  ///< the message that is carried out: `of` in errors
  std::deque<call_message> inbox_;
  event inbox_changed_;
  event over_;         ///< nothing is left to do: the flow has ended, or the gateway
  std::optional<std::string> end_cause_;
  call_place place_;
  std::string t1_, t2_;
  std::string access_local_;  ///< S1 as the gateway filled it in
  std::string own_setup_;     ///< the gateway's role in the DTLS handshake
  std::uint32_t session_ = 0;   ///< of o= towards the WIC, with its version
  unsigned session_version_ = 0;
  wic_description wic_;
  std::deque<std::unique_ptr<leg>> legs_;
  std::deque<std::unique_ptr<leg>> closed_legs_;  ///< their bots may still run
  std::map<std::pair<std::string, unsigned>, stage_state> stages_;
  std::set<std::pair<std::string, unsigned>> ending_;  ///< stages of the association that a new one replaces
  json::array statistics_;
};

/// The other role; passive where the WIC leaves the choice, whose first flight need not wait for us then.
inline std::string_view opposite_setup(std::string_view theirs) { return theirs == "passive" ? "active" : "passive"; }

}  // namespace agw::controller
