#include "client.hpp"

#include "agw/core/error.hpp"
#include "agw/core/log.hpp"
#include "agw/core/scope_guard.hpp"
#include "agw/version.hpp"
#include "messages.hpp"

namespace agw::controller {

namespace {

constexpr std::size_t most_calls = 64;

}  // namespace

void client::tell_gateway() {
  auto o = to_json(env_.control.gateways());
  o["type"] = "gateway";
  send(std::move(o));
}

void client::tell_traced(const traced_message& m) { send(to_json(m)); }

awaitable<void> client::run() {
  json::object welcome;
  welcome["type"] = "welcome";
  welcome["program"] = "agw-controller";
  welcome["version"] = std::string(version);
  welcome["gateway"] = to_json(env_.control.gateways());
  send(std::move(welcome));
  auto body = [this](task_group& tasks) { return serve(tasks); };
  co_await with_tasks("client", body);
}

awaitable<void> client::serve(task_group& tasks) {
  for (;;) {
    auto text = co_await port_.receive();
    if (!text) break;
    handle(tasks, *text);
  }
  call_message release;
  release.type = "release";
  for (const auto& [name, c] : calls_) c->post(release);
  while (!calls_.empty()) co_await calls_changed_.wait();
}

void client::refuse(const json::object* message, std::string_view code, std::string_view text) {
  json::object o;
  o["type"] = "error";
  if (message) {
    if (const auto* name = message->if_contains("call"); name && name->is_string()) o["call"] = *name;
    if (const auto* type = message->if_contains("type"); type && type->is_string()) o["of"] = *type;
  }
  o["code"] = code;
  o["text"] = text;
  send(std::move(o));
}

void client::handle(task_group& tasks, std::string_view text) {
  json::error_code ec;
  const auto parsed = json::parse(json::string_view(text.data(), text.size()), ec);
  if (ec || !parsed.is_object()) {
    refuse(nullptr, "bad-message", "not a JSON object");
    return;
  }
  const auto& message = parsed.as_object();
  try {
    const auto type = text_of(message, "type", true);
    if (type == "offer" || type == "call-me") {
      start_call(tasks, message, type == "offer");
      return;
    }
    if (type == "audit" && !message.if_contains("call")) {
      if (std::exchange(auditing_, true)) return;
      auto audit = [this]() -> awaitable<void> {
        const scope_guard done([this] { auditing_ = false; });
        co_await env_.control.audit_gateways();
      };
      tasks.spawn("audit", std::move(audit));
      return;
    }
    if (type != "answer" && type != "modify" && type != "mode" && type != "release" && type != "audit") {
      refuse(&message, "bad-message", "unknown type");
      return;
    }
    const auto found = calls_.find(name_of(message, "call", true));
    if (found == calls_.end()) {
      refuse(&message, "unknown-call", "no such call");
      return;
    }
    found->second->post(call_message_of(message));
  } catch (const bad_member& bad) {
    refuse(&message, "bad-message", "member " + bad.name + " is missing or wrong");
  }
}

std::string client::free_name() {
  std::string name;
  do {
    name = "c" + std::to_string(next_name_++);
  } while (calls_.contains(name));
  return name;
}

// The calls that a new one takes the place of end with a cause of their own.
void client::replace(const std::string& name) {
  call_message release;
  release.type = "release";
  release.cause = "replaced";
  calls_.at(name)->post(std::move(release));
}

void client::start_call(task_group& tasks, const json::object& message, bool offer) {
  auto name = name_of(message, "call", false);
  if (name.empty()) name = free_name();
  const auto replaced = name_of(message, "replaces", false);
  auto sdp = text_of(message, "sdp", offer);
  if (offer && sdp.empty()) throw bad_member{"sdp"};
  auto channels = channels_of(message);
  auto options = options_of(message);
  if (calls_.contains(name)) {
    refuse(&message, "call-exists", "there is such a call");
    return;
  }
  if (!replaced.empty() && !calls_.contains(replaced)) {
    refuse(&message, "unknown-call", "the call to be replaced is none of this connection");
    return;
  }
  if (calls_.size() >= most_calls) {
    refuse(&message, "limit", "too many calls");
    return;
  }
  if (!replaced.empty()) replace(replaced);
  call_environment environment{env_.control, env_.bot_address, env_.ports, env_.bot_tls, [this](json::object o) { send(std::move(o)); }};
  auto fresh = std::make_shared<call>(name, std::move(environment), std::move(options));
  calls_.emplace(name, fresh);
  auto live = [this, name, fresh, own_sdp = offer ? std::move(sdp) : std::string(), channels = std::move(channels)]() mutable -> awaitable<void> {
    const scope_guard forget([this, &name] {
      calls_.erase(name);
      calls_changed_.set();
    });
    const gauge_share counted(env_.counted, "agw_controller_calls");
    try {
      co_await fresh->run(std::move(own_sdp), std::move(channels));
    } catch (const stage_error& e) {
      log::warn("call {}: {}", name, e.what());
    }
  };
  tasks.spawn("call", std::move(live));
}

}  // namespace agw::controller
