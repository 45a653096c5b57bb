#include "call.hpp"

#include <algorithm>

#include "agw/core/error.hpp"
#include "agw/core/log.hpp"
#include "call_failure.hpp"

namespace agw::controller {

namespace {

constexpr std::size_t most_waiting_messages = 256;

}  // namespace

call::call(std::string name, call_environment environment, call_options options)
    : name_(std::move(name)), env_(std::move(environment)), options_(std::move(options)) {}

void call::post(call_message message) {
  if (message.type == "release") {
    end(std::move(message.cause));
    return;
  }
  if (inbox_.size() >= most_waiting_messages) {
    doing_ = message.type;
    fail(call_failure("limit", "too many messages wait"));
    return;
  }
  inbox_.push_back(std::move(message));
  inbox_changed_.set();
}

// The first cause counts. Whoever waits in the call looks at it next.
void call::end(std::string cause) {
  if (!end_cause_) end_cause_ = std::move(cause);
  inbox_changed_.set();
}

void call::on_gateway_over() {
  end_cause_ = "gateway";
  over_.set();
}

void call::on_gateway_back() {
  if (std::ranges::any_of(inbox_, [](const call_message& m) { return m.type == "verify"; })) return;
  call_message verify;
  verify.type = "verify";
  inbox_.push_back(std::move(verify));
  inbox_changed_.set();
}

void call::fail(const call_failure& e) {
  json::object error;
  error["type"] = "error";
  error["call"] = name_;
  error["of"] = doing_;
  error["code"] = e.code();
  error["text"] = e.what();
  if (e.h248()) error["h248"] = *e.h248();
  env_.send(std::move(error));
}

// A gateway that is gone ends the call wherever it is; everything else ends it between two requests, so that what was asked for is known
// and can be subtracted.
awaitable<void> call::run(std::string offer, std::vector<channel> channels) {
  auto body = [&](task_group& tasks) -> awaitable<void> {
    auto flow = [&]() -> awaitable<void> {
      co_await live(tasks, std::move(offer), std::move(channels));
      over_.set();
    };
    tasks.spawn("flow", std::move(flow));
    co_await over_.wait();
  };
  co_await with_tasks("call " + name_, body);
  place_.leave();
  json::object released;
  released["type"] = "released";
  released["call"] = name_;
  released["cause"] = end_cause_.value_or("requested");
  released["statistics"] = std::move(statistics_);
  env_.send(std::move(released));
}

awaitable<void> call::live(task_group& tasks, std::string offer, std::vector<channel> channels) {
  doing_ = offer.empty() ? "call-me" : "offer";
  try {
    if (offer.empty()) {
      co_await terminate(tasks, std::move(channels));
    } else {
      co_await originate(tasks, std::move(offer), std::move(channels));
    }
    co_await converse(tasks);
  } catch (const call_failure& e) {
    fail(e);
    end("rejected");
  } catch (const ended_early&) {
    log::debug("call {}: ended before it was set up: {}", name_, *end_cause_);
  }
  co_await subtract();
}

// The established call: what the WIC asks and the gateway notifies, until one of them ends it.
awaitable<void> call::converse(task_group& tasks) {
  while (!end_cause_) {
    if (inbox_.empty()) {
      co_await inbox_changed_.wait();
      continue;
    }
    auto m = std::move(inbox_.front());
    inbox_.pop_front();
    co_await obey(tasks, std::move(m));
  }
}

// What fails here leaves the call as it was.
awaitable<void> call::obey(task_group& tasks, call_message m) {
  doing_ = m.type;
  try {
    if (m.type == "modify") {
      if (m.channels) co_await modify(tasks, std::move(*m.channels));
      else co_await renegotiate(std::move(m.sdp));
    } else if (m.type == "mode") {
      co_await set_mode(m.id, std::move(m.mode));
    } else if (m.type == "audit") {
      co_await audit();
    } else if (m.type == "verify") {
      co_await verify();
    } else {
      throw call_failure("bad-message", "the call has its " + m.type);
    }
  } catch (const call_failure& e) {
    fail(e);
  }
}

}  // namespace agw::controller
