// One WIC (the page or a test client) on its WebSocket, and its calls.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "agw/core/metrics.hpp"
#include "agw/core/task_group.hpp"
#include "call.hpp"

namespace agw::controller {

/// What a client's messages travel on.
class message_port {
 public:
  virtual ~message_port() = default;
  /// The next message; nothing once the connection has ended.
  virtual awaitable<std::optional<std::string>> receive() = 0;
  /// Never waits: a client that reads too slowly loses its connection.
  virtual void post(std::string text) = 0;
};

/// What all clients share. All of it outlives them.
struct client_environment {
  mgc& control;
  asio::ip::address bot_address;
  port_pool& ports;
  std::shared_ptr<tls::context> bot_tls;
  agw::metrics* counted = nullptr;  ///< may be null
};

/// Lives as long as its run(). When its connection ends, its calls are released first.
class client {
 public:
  client(client_environment environment, message_port& port) : env_(std::move(environment)), port_(port) {}

  awaitable<void> run();
  /// Something about the gateways has changed.
  void tell_gateway();
  /// H.248 messages that concern no call.
  void tell_traced(const traced_message& message);

 private:
  awaitable<void> serve(task_group& tasks);
  void handle(task_group& tasks, std::string_view text);
  void start_call(task_group& tasks, const json::object& message, bool offer);
  void replace(const std::string& name);
  std::string free_name();
  void send(json::object message) { port_.post(json::serialize(message)); }
  void refuse(const json::object* message, std::string_view code, std::string_view text);

  client_environment env_;
  message_port& port_;
  std::map<std::string, std::shared_ptr<call>> calls_;
  event calls_changed_;
  unsigned next_name_ = 1;
  bool auditing_ = false;  ///< the gateways, now
};

}  // namespace agw::controller
