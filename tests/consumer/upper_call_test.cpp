// The stage in a call: a browser's ICE, DTLS and SCTP, the gateway, a TCP peer, all of them real, in this process.
#include <iostream>
#include <string>

#include <agw/gateway/testing/call.hpp>

#include "upper_stage.hpp"

int main() {
  agw::testing::rig rig;
  add_upper(rig.services.subprotocols);
  std::string heard;
  rig.run([&](agw::gateway::context& context) -> agw::awaitable<void> {
    agw::testing::call call(rig, true);
    call.adjust = [](agw::gateway::termination_change& asked) {
      auto& stream = asked.streams.at(agw::testing::s2);
      std::get<agw::gateway::channel_local>(*stream.local).subprotocol = "upper";
    };
    auto body = [&](agw::task_group&) -> agw::awaitable<void> {
      co_await call.say_text("hello, core");
      heard = co_await call.core_hears("CORE");
    };
    co_await call.run(context, body);
  });
  if (heard == "HELLO, CORE") return 0;
  std::cerr << "the core has heard: " << heard << '\n';
  return 1;
}
