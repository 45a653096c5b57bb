#include "notifier.hpp"

#include <algorithm>

#include "agw/core/log.hpp"

namespace agw::iq {

using gateway::gateway_event;

namespace {

/// Of one termination: when no MGC answers, the newest are kept.
constexpr std::size_t most_pending = 64;

}  // namespace

observed make_observed(std::string_view package, std::string_view item, std::uint16_t stream) {
  observed out;
  out.package = package;
  out.item = item;
  out.stream = stream;
  out.time = h248::current_time_stamp();
  return out;
}

void add_word(observed& o, std::string_view name, std::string_view value) { o.parameters.emplace_back(name, value); }
void add_text(observed& o, std::string_view name, std::string_view value) {
  o.parameters.emplace_back(name, "\"" + std::string(value));
}

namespace {

observed make(std::string_view package, std::string_view item, const gateway_event& e) {
  return make_observed(package, item, e.stream.value);
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
    add_word(o, found ? "port" : "nrsp", std::to_string(e.port));
    out.push_back(std::move(o));
    return out;
  }
  const bool failed = e.what == gateway_event::kind::failed;
  const bool network = e.stage == "ice" || e.stage == "dtls" || e.stage == "tls" || e.stage == "sctp" || e.stage == "tcp";
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
      add_word(o, "result", failed ? "Fail" : "Ok");
      with_cause(std::move(o));
    }
  } else if (network) {
    auto o = make(e.stage == "sctp" ? "sctpbcc" : e.stage == "tcp" ? "tcpbcc" : "tlsbsc", "BNCChange", e);
    add_word(o, "Type", type_of(e.what));
    with_cause(std::move(o));
  } else if (failed || e.stage == "channel") {
    // What fails in the channel's subprotocol is told as the channel's failure, whatever the stage is called.
    auto o = make("dcc", "chg", e);
    add_word(o, "Type", failed ? "Fail" : e.what == gateway_event::kind::released ? "Close" : "Open");
    if (e.sid) add_word(o, "sid", std::to_string(*e.sid));
    if (!e.label.empty()) add_text(o, "label", e.label);
    if (!e.subprotocol.empty()) add_text(o, "proto", e.subprotocol);
    with_cause(std::move(o));
  }
  if (failed && network) {
    auto netfail = make("nt", "netfail", e);
    add_text(netfail, "cs", e.cause);
    out.push_back(std::move(netfail));
  }
  if (e.what != gateway_event::kind::established && !out.empty()) {
    auto cause = make("g", "cause", e);
    add_word(cause, "Generalcause", failed ? "FT" : "NR");
    add_text(cause, "Failurecause", failed ? e.cause : e.stage + ":released");
    out.push_back(std::move(cause));
  }
  return out;
}

const h248::requested_event* match(const termination_record& t, const observed& event) {
  if (!t.events) return nullptr;
  for (const auto& asked : t.events->events) {
    if (!asked.name.matches(h248::item_name{event.package, event.item})) continue;
    if (asked.stream && asked.stream->value != 0 && asked.stream->value != event.stream) continue;
    // A parameter that the event has too narrows it down: BNCChange{Type=Est}.
    const bool fits = std::ranges::all_of(event.parameters, [&](const auto& p) {
      const auto* wanted = h248::find(asked.parameters, std::string_view(p.first));
      if (!wanted) return true;
      std::string_view plain = p.second;
      if (plain.starts_with('"')) plain.remove_prefix(1);
      const bool among = std::ranges::any_of(wanted->values.values, [&](const h248::value& v) { return v.is_all() || h248::iequals(v.text, plain); });
      const auto is = h248::value{plain}.as_integer(), bound = wanted->values.first().as_integer();
      switch (wanted->values.rel) {
        case h248::relation::equal: return among;
        case h248::relation::not_equal: return !among;
        case h248::relation::greater: return is && bound && *is > *bound;
        case h248::relation::less: return is && bound && *is < *bound;
      }
      return among;
    });
    if (fits) return &asked;
  }
  return nullptr;
}

h248::observed_event as_h248(const observed& o) {
  h248::observed_event event;
  event.name = h248::item_name{o.package, o.item};
  if (o.stream != 0) event.stream = h248::stream_id{o.stream};
  event.time = o.time;
  for (const auto& [name, value] : o.parameters) {
    const bool text = value.starts_with('"');
    auto values = text ? h248::one(h248::quoted(std::string_view(value).substr(1))) : h248::one(std::string_view(value));
    // A parameter stands once; what has several values has them as a list.
    if (!event.parameters.empty() && event.parameters.back().name == name) {
      auto& before = event.parameters.back().values;
      before.values.push_back(values.first());
      before.form = h248::value_form::sublist;
      continue;
    }
    h248::parameter p;
    p.name = name;
    p.values = std::move(values);
    event.parameters.push_back(std::move(p));
  }
  return event;
}

notifier::notifier(asio::any_io_executor executor, h248::registration& registration, const h248::package_names& names)
    : registration_(registration), names_(names), tasks_(std::move(executor), "notify") {}

void notifier::notify(std::shared_ptr<context_record> context, std::shared_ptr<termination_record> termination, observed event) {
  if (termination->pending.size() >= most_pending) termination->pending.pop_front();
  termination->pending.push_back(std::move(event));
  if (termination->notifying) return;
  termination->notifying = true;
  tasks_.spawn("notify", [this, context, termination] { return send(context, termination); });
}

void notifier::service_change(std::string termination, h248::change_method method, h248::change_reason reason) {
  tasks_.spawn("service change", [this, termination, method, reason] { return tell(termination, method, reason); });
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
    // Events of one Events descriptor travel together.
    const auto id = termination->pending.front().request_id;
    std::vector<observed> batch;
    while (!termination->pending.empty() && termination->pending.front().request_id == id) {
      batch.push_back(std::move(termination->pending.front()));
      termination->pending.pop_front();
    }
    h248::observed_events_descriptor events;
    events.id = h248::request_id{id};
    for (const auto& o : batch) events.events.push_back(as_h248(o));
    h248::command notify;
    notify.kind = h248::command_kind::notify;
    notify.terminations.push_back(h248::termination_id{termination->name});
    notify.add(std::move(events));
    h248::action action;
    action.context = context->id;
    action.commands.push_back(std::move(notify));
    auto sending = request(std::move(action), termination->name);
    const bool done = co_await std::move(sending);
    // The next MGC is to hear of it, as long as the termination is there.
    const bool there = context->id.is_null() || context->holds(*termination);
    if (done || !there) continue;
    while (!batch.empty() && termination->pending.size() < most_pending) {
      termination->pending.push_front(std::move(batch.back()));
      batch.pop_back();
    }
  }
}

awaitable<void> notifier::tell(std::string termination, h248::change_method method, h248::change_reason reason) {
  h248::services_descriptor services;
  services.method = method;
  services.reason = h248::quoted(h248::to_text(reason));
  services.time = h248::current_time_stamp();
  h248::command change;
  change.kind = h248::command_kind::service_change;
  change.terminations.push_back(h248::termination_id{termination});
  change.add(std::move(services));
  h248::action action;
  action.context = h248::context_id::null();
  action.commands.push_back(std::move(change));
  // The next MGC is to hear of it, if it still holds.
  const auto mine = ++told_;
  latest_[termination] = mine;
  const auto holds = [&] {
    const auto found = latest_.find(termination);
    return found != latest_.end() && found->second == mine;
  };
  bool done = false;
  while (!done && holds()) {
    auto copy = action;
    auto sending = request(std::move(copy), termination);
    done = co_await std::move(sending);
  }
  if (holds()) latest_.erase(termination);
}

// False: no MGC has it, and the next one may. Whoever asks again waits for a registration first.
awaitable<bool> notifier::request(h248::action action, std::string about) {
  h248::transaction_request whole;
  whole.actions.push_back(std::move(action));
  h248::transaction translated(std::move(whole));
  names_.to_wire(translated);
  h248::list<h248::action> actions = std::move(std::get<h248::transaction_request>(translated).actions);
  auto sent = registration_.request(std::move(actions));
  const auto reply = co_await std::move(sent);
  if (!reply) {
    log::warn("{}: the MGC was not told: {}", about, reply.error().message());
    const auto why = reply.error();
    co_return why != h248::make_error_code(h248::errc::timed_out) && why != h248::make_error_code(h248::errc::refused);
  }
  if (const auto* error = reply->error()) {
    // An answer with 411 or 430 to a heartbeat is a termination that nobody wants any more: H.248.36 leaves it to the operator.
    log::warn("{}: the MGC answers with error {} {}", about, static_cast<unsigned>(error->code), log::printable(error->text));
  }
  co_return true;
}

awaitable<void> notifier::close() { co_await tasks_.stop(); }

}  // namespace agw::iq
