// One WebSocket: a WIC (the page or a test client) and its calls.
#pragma once

#include <map>
#include <memory>
#include <string>

#include "agw/core/task_group.hpp"
#include "agw/http/websocket.hpp"
#include "call.hpp"

namespace agw::controller {

/// Lives as long as its handler. When the WebSocket closes, its calls are released first.
class client {
 public:
  client(mgc& control, asio::ip::address bot_address, port_pool& ports, http::websocket& socket);

  awaitable<void> run();
  /// The gateway's registration changed.
  void tell_gateway();
  /// H.248 messages that concern no call.
  void tell_traced(const traced_message& message);

 private:
  awaitable<void> serve(task_group& tasks);
  void handle(task_group& tasks, std::string_view text);
  void start_call(task_group& tasks, const json::object& message, bool offer);
  void send(json::object message) { socket_.post(json::serialize(message)); }
  void refuse(const json::object* message, std::string_view code, std::string_view text);
  json::object gateway_json() const;

  mgc& control_;
  asio::ip::address bot_address_;
  port_pool& ports_;
  http::websocket& socket_;
  std::map<std::string, std::shared_ptr<call>> calls_;
  event calls_changed_;
  unsigned next_name_ = 1;
};

}  // namespace agw::controller
