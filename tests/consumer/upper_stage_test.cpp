// The stage, played by hand: what it answers, and that it ends with its channel.
#include <deque>
#include <iostream>
#include <optional>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>

#include "upper_stage.hpp"

using namespace agw;

namespace {

int failures = 0;
void check(bool holds, const char* what) {
  if (holds) return;
  ++failures;
  std::cerr << "failed: " << what << '\n';
}

class played_channel final : public message_pipe {
 public:
  awaitable<bool> receive(std::vector<message>& into) override {
    if (coming.empty()) co_return false;
    into.push_back(std::move(coming.front()));
    coming.pop_front();
    co_return true;
  }
  bool try_send(bytes_view m, message_kind) override {
    sent.emplace_back(reinterpret_cast<const char*>(m.data()), m.size());
    return true;
  }
  awaitable<void> send_ready() override { co_return; }
  std::size_t max_message_bytes() const noexcept override { return 65536; }
  awaitable<void> close(deadline) override { co_return; }

  void say(std::string_view text) {
    const auto* first = reinterpret_cast<const std::byte*>(text.data());
    coming.emplace_back(message_kind::text, std::vector<std::byte>(first, first + text.size()));
  }
  std::deque<message> coming;
  std::vector<std::string> sent;
};

class played_component final : public gateway::component_context {
 public:
  message_pipe& channel() override { return wic; }
  awaitable<byte_stream*> bearer() override { co_return nullptr; }
  msrp::flow_gate& gate() override { return mode; }
  void count_with(std::function<gateway::component_counters()>) override {}
  void finish_with(std::function<void()>) override {}
  const gateway::channel_local& local() const override { return local_; }
  const gateway::channel_remote& remote() const override { return remote_; }
  const gateway::bearer_local* core_local() const override { return nullptr; }
  const gateway::bearer_remote* core_remote() const override { return nullptr; }

  played_channel wic;
  msrp::flow_gate mode{msrp::stream_mode::send_receive, msrp::stream_mode::send_receive};

 private:
  gateway::channel_local local_;
  gateway::channel_remote remote_;
};

}  // namespace

int main() {
  gateway::subprotocol_registry registry;
  add_upper(registry);
  const auto* stage = registry.find("upper");
  check(stage != nullptr, "the stage has its name");

  played_component component;
  component.wic.say("one");
  component.wic.say("Two!");
  std::optional<gateway::component_end> end;
  asio::io_context loop(1);
  auto body = [&]() -> awaitable<void> { end = co_await (*stage)(component); };
  asio::co_spawn(loop, body, [](std::exception_ptr e) { check(!e, "the stage does not throw"); });
  loop.run();
  check(component.wic.sent == std::vector<std::string>{"ONE", "TWO!"}, "each message is answered in capitals");
  check(end == gateway::component_end::wic, "the end of the channel ends the stage");
  return failures;
}
