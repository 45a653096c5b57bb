#include "observation.hpp"


#include <algorithm>
#include <utility>

#include "agw/core/give_back.hpp"
#include "agw/h248/registration.hpp"

namespace agw::iq {

using gateway::gateway_event;

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

// The WIC chooses these names, of up to 65 535 octets each; a Notify over UDP has 1 200.
constexpr std::size_t longest_label = 256;
constexpr std::size_t longest_protocol = 64;

/// At most `octets` of `name`, ending with a whole UTF-8 character.
std::string_view cut(std::string_view name, std::size_t octets) {
  if (name.size() <= octets) return name;
  while (octets > 0 && (static_cast<unsigned char>(name[octets]) & 0xc0) == 0x80) --octets;
  return name.substr(0, octets);
}

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
  using gateway::layer;
  const bool network = e.layer && e.layer != layer::channel;
  const auto with_cause = [&](observed o) {
    if (failed) {
      add_text(o, "Cause", e.cause);
    }
    out.push_back(std::move(o));
  };
  if (e.layer == layer::ice) {
    if (e.cause == "ice:consent") {
      with_cause(make("stnconfres", "fail", e));
    } else {
      auto o = make("ostuncc", "ccr", e);
      add_word(o, "result", failed ? "Fail" : "Ok");
      with_cause(std::move(o));
    }
  } else if (network) {
    auto o = make(e.layer == layer::sctp ? "sctpbcc" : e.layer == layer::tcp ? "tcpbcc" : "tlsbsc", "BNCChange", e);
    add_word(o, "Type", type_of(e.what));
    with_cause(std::move(o));
  } else if (failed || e.layer == layer::channel) {
    // What fails in the channel's subprotocol is told as the channel's failure, whatever the stage is called.
    auto o = make("dcep", "chg", e);
    add_word(o, "Type", failed ? "Fail" : e.what == gateway_event::kind::released ? "Close" : "Open");
    if (e.sid) add_word(o, "sid", std::to_string(*e.sid));
    if (!e.label.empty()) add_text(o, "label", cut(e.label, longest_label));
    if (!e.subprotocol.empty()) add_text(o, "proto", cut(e.subprotocol, longest_protocol));
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

namespace {

std::string_view word_of(h248::completion_reason why) {
  switch (why) {
    case h248::completion_reason::time_out: return "TO";
    case h248::completion_reason::by_event: return "EV";
    case h248::completion_reason::by_signals: return "SD";
    case h248::completion_reason::other:
    case h248::completion_reason::iteration: break;
  }
  return "NC";
}

// Of each hundred, as many as the configuration says, evenly and the first one always; 0: that one only.
bool lets_through(termination_record& termination, const observed& event, unsigned percent) {
  const auto n = termination.regulated[event.package + "/" + event.item]++;
  return n == 0 || n * std::min(percent, 100u) % 100 < std::min(percent, 100u);
}

bool due(const h248::requested_event& asked, termination_record& termination, const observed& event, unsigned percent) {
  switch (asked.behaviour->kind) {
    case h248::notify_kind::never: return false;
    case h248::notify_kind::immediate: return true;
    case h248::notify_kind::regulated: break;
  }
  return lets_through(termination, event, percent);
}

}  // namespace

std::optional<observed> completion_of(const playing_signal& signal, h248::completion_reason why) {
  const auto& reasons = signal.what->notify_completion;
  if (!reasons || !reasons->has(why)) return std::nullopt;
  auto o = make_observed("g", "sc", signal.what->stream ? signal.what->stream->value : std::uint16_t{0});
  add_text(o, "SigID", h248::to_text(signal.what->name));
  add_word(o, "Meth", word_of(why));
  if (signal.list) add_word(o, "SLID", std::to_string(*signal.list));
  return o;
}

const h248::requested_event* subscribed(const termination_record& t, std::string_view name) {
  if (!t.events) return nullptr;
  const auto found = std::ranges::find_if(t.events->events, [&](const auto& e) { return e.name.matches(h248::item_name::of(name)); });
  return found == t.events->events.end() ? nullptr : &*found;
}

std::int64_t number(const h248::requested_event& e, std::string_view parameter, std::int64_t otherwise) {
  const auto* p = h248::find(e.parameters, parameter);
  return p ? p->values.first().as_integer().value_or(otherwise) : otherwise;
}

namespace {

void activate(termination_record& t, const h248::events_descriptor& events) {
  t.events = &events;
  t.timed = subscribed(t, "adid/ipstop") || subscribed(t, "hangterm/thb");
}

}  // namespace

void subscribe(const h248::command& c, termination_record& termination) {
  const auto* events = c.find<h248::events_descriptor>();
  if (!events) return;
  termination.commanded = std::make_shared<const owned_events>(*events);
  activate(termination, termination.commanded->descriptor);
  termination.stopped = false;
  termination.subscribed = clock::now();
  termination.regulated.clear();
}

reaction react(termination_record& termination, observed event, unsigned regulated_percent) {
  reaction out;
  const auto* asked = match(termination, event);
  if (!asked) return out;
  const auto keeps = termination.commanded;  // `asked` points into it
  const bool completion = event.package == "g" && event.item == "sc";
  event.request_id = termination.events->id ? termination.events->id->value : 0;
  const bool told = !asked->behaviour || due(*asked, termination, event, regulated_percent);
  if (told) out.notify = std::move(event);

  // An event stops what is being signalled, unless it says KeepActive; then what it embeds becomes active.
  if (!asked->keep_active) out.stopped = termination.signals.stop();
  // What RegulatedNotify embeds is for events that it kept back, and for all where there is nothing else; Embed for those told.
  const auto* embedded = asked->embedded.get();
  if (asked->behaviour && (!embedded || (!told && !asked->behaviour->embedded.empty()))) embedded = &asked->behaviour->embedded;
  if (asked->reset_events) activate(termination, keeps->descriptor);
  if (!embedded) return out;
  if (embedded->events) activate(termination, *embedded->events);
  // The end of a signal starts none: otherwise two of them could call each other for ever.
  if (embedded->signals && !completion) {
    auto& later = termination.embedded.emplace_back();
    later.keeps = keeps;
    later.signals = embedded->signals.get();
  }
  return out;
}

namespace {

constexpr std::size_t most_pending = 64;

}  // namespace

void keep_for_notice(termination_record& t, observed event) {
  if (t.pending.size() >= most_pending) t.pending.pop_front();
  t.pending.push_back(std::move(event));
}

notice take_notice(termination_record& t, h248::context_id context) {
  notice out;
  out.context = context;
  out.termination = t.name;
  out.request_id = t.pending.front().request_id;
  out.serial = t.notice;
  while (!t.pending.empty() && t.pending.front().request_id == out.request_id) {
    out.events.push_back(std::move(t.pending.front()));
    t.pending.pop_front();
  }
  if (t.pending.empty()) give_back(t.pending);
  return out;
}

void put_back(termination_record& t, std::vector<observed> unheard) {
  while (!unheard.empty() && t.pending.size() < most_pending) {
    t.pending.push_front(std::move(unheard.back()));
    unheard.pop_back();
  }
}

}  // namespace agw::iq
