#include "notifier.hpp"

#include <algorithm>

#include "agw/core/log.hpp"

namespace agw::iq {

using gateway::gateway_event;

namespace {

observed make(std::string_view package, std::string_view item, const gateway_event& e) {
  observed out;
  out.package = package;
  out.item = item;
  out.stream = e.stream.value;
  out.time = h248::current_time_stamp();
  return out;
}

void add(observed& o, std::string_view name, std::string_view value) { o.parameters.emplace_back(name, value); }
void add_text(observed& o, std::string_view name, std::string_view value) {
  o.parameters.emplace_back(name, "\"" + std::string(value));
}

std::string_view type_of(gateway_event::kind what) {
  switch (what) {
    case gateway_event::kind::established: return "Est";
    case gateway_event::kind::released: return "Rel";
    case gateway_event::kind::failed: return "Fail";
    case gateway_event::kind::candidate:
    case gateway_event::kind::latched: break;  // have their own items
  }
  return "Fail";
}

}  // namespace

std::vector<observed> names_of(const gateway_event& e) {
  std::vector<observed> out;
  if (e.what == gateway_event::kind::candidate || e.what == gateway_event::kind::latched) {
    const bool found = e.what == gateway_event::kind::candidate;
    auto o = found ? make("ostuncc", "nprc", e) : make("adr", "rsac", e);
    add_text(o, found ? "address" : "nrsa", e.address.to_string());
    add(o, found ? "port" : "nrsp", std::to_string(e.port));
    out.push_back(std::move(o));
    return out;
  }
  const bool failed = e.what == gateway_event::kind::failed;
  const auto with_cause = [&](observed o) {
    if (failed) {
      add_text(o, "Cause", e.cause);
    }
    out.push_back(std::move(o));
  };
  if (e.stage == "ice") {
    if (e.cause == "ice:consent") {
      with_cause(make("stuncf", "fail", e));
    } else {
      auto o = make("ostuncc", "ccr", e);
      add(o, "result", failed ? "Fail" : "Success");
      with_cause(std::move(o));
    }
  } else if (e.stage == "dtls" || e.stage == "tls" || e.stage == "sctp" || e.stage == "tcp") {
    auto o = make(e.stage == "sctp" ? "sctpbcc" : e.stage == "tcp" ? "tcpbcc" : "tlsbsc", "BNCChange", e);
    add(o, "Type", type_of(e.what));
    with_cause(std::move(o));
  } else if (failed || e.stage == "channel") {
    // What fails in the channel's subprotocol is told as the channel's failure, whatever the stage is called.
    auto o = make("dcc", "chg", e);
    add(o, "Type", failed ? "Fail" : e.what == gateway_event::kind::released ? "Close" : "Open");
    if (e.sid) add(o, "sid", std::to_string(*e.sid));
    if (!e.label.empty()) add_text(o, "label", e.label);
    if (!e.subprotocol.empty()) add_text(o, "proto", e.subprotocol);
    with_cause(std::move(o));
  }
  if (e.what != gateway_event::kind::established && !out.empty()) {
    auto cause = make("g", "cause", e);
    add(cause, "Generalcause", failed ? "FT" : "NR");
    add_text(cause, "Failurecause", failed ? e.cause : e.stage + ":released");
    out.push_back(std::move(cause));
  }
  return out;
}

bool wanted(const termination_record& t, const observed& event) {
  return std::any_of(t.events.begin(), t.events.end(), [&](const subscribed_event& s) {
    if (s.package != "*" && !h248::iequals(s.package, event.package)) return false;
    if (s.item != "*" && !h248::iequals(s.item, event.item)) return false;
    if (s.stream != 0 && s.stream != event.stream) return false;
    // A parameter that the event has too narrows it down: BNCChange{Type=Est}.
    for (const auto& [name, value] : event.parameters) {
      const auto asked = std::find_if(s.parameters.begin(), s.parameters.end(),
                                      [&, n = std::string_view(name)](const auto& p) { return h248::iequals(p.first, n); });
      if (asked == s.parameters.end()) continue;
      const std::string_view plain = !value.empty() && value.front() == '"' ? std::string_view(value).substr(1) : std::string_view(value);
      const bool match = std::any_of(asked->second.begin(), asked->second.end(),
                                     [&](const std::string& v) { return v == "*" || h248::iequals(v, plain); });
      if (!match) return false;
    }
    return true;
  });
}

notifier::notifier(asio::any_io_executor executor, h248::registration& registration, const h248::package_names& names)
    : registration_(registration), names_(names), tasks_(std::move(executor), "notify") {}

void notifier::notify(std::shared_ptr<context_record> context, std::shared_ptr<termination_record> termination,
                      const std::vector<observed>& events) {
  // Bounded: a termination whose MGC does not answer keeps the newest.
  constexpr std::size_t most_pending = 64;
  for (const auto& event : events) {
    if (!wanted(*termination, event)) continue;
    if (termination->pending.size() >= most_pending) termination->pending.pop_front();
    termination->pending.push_back(event);
  }
  if (termination->pending.empty() || termination->notifying) return;
  termination->notifying = true;
  tasks_.spawn("notify", [this, context, termination] { return send(context, termination); });
}

awaitable<void> notifier::send(std::shared_ptr<context_record> context, std::shared_ptr<termination_record> termination) {
  struct guard {
    explicit guard(termination_record& r) : record(r) {}
    guard(const guard&) = delete;
    ~guard() { record.notifying = false; }
    termination_record& record;
  };
  guard while_sending(*termination);
  while (!termination->pending.empty()) {
    const std::vector<observed> batch(termination->pending.begin(), termination->pending.end());
    termination->pending.clear();
    h248::observed_events_descriptor events;
    events.id = h248::request_id{termination->request_id};
    for (const auto& o : batch) {
      h248::observed_event event;
      event.name = h248::item_name{o.package, o.item};
      event.stream = h248::stream_id{o.stream};
      event.time = o.time;
      for (const auto& [name, value] : o.parameters) {
        const bool text = !value.empty() && value.front() == '"';
        h248::parameter p;
        p.name = name;
        p.values = text ? h248::one(h248::quoted(std::string_view(value).substr(1))) : h248::one(std::string_view(value));
        event.parameters.push_back(std::move(p));
      }
      events.events.push_back(std::move(event));
    }
    h248::command notify;
    notify.kind = h248::command_kind::notify;
    notify.terminations.push_back(h248::termination_id{termination->name});
    notify.add(std::move(events));
    h248::action action;
    action.context = context->id;
    action.commands.push_back(std::move(notify));
    h248::transaction_request whole;
    whole.actions.push_back(std::move(action));
    h248::transaction translated(std::move(whole));
    names_.to_wire(translated);
    h248::list<h248::action> actions = std::move(std::get<h248::transaction_request>(translated).actions);
    auto request = registration_.request(std::move(actions));
    const auto reply = co_await std::move(request);
    if (!reply) log::warn("{}: Notify failed: {}", termination->name, reply.error().message());
  }
}

awaitable<void> notifier::close() { co_await tasks_.stop(); }

}  // namespace agw::iq
