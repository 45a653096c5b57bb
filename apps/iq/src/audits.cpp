// What AuditValue and Subtract return.
#include "agw/h248/packages.hpp"
#include "commands.hpp"

namespace agw::iq {

using h248::error_code;

namespace {

h248::statistic counted(h248::action_state& at, std::string_view package, std::string_view item, std::uint64_t value) {
  h248::statistic out;
  out.name = h248::item_name{package, item};
  out.values = h248::one(at.keep(std::to_string(value)));
  return out;
}

h248::statistics_descriptor statistics_of(h248::action_state& at, const gateway::stream_statistics& s) {
  h248::statistics_descriptor out;
  out.entries.push_back(counted(at, "nt", "os", s.octets_sent));
  out.entries.push_back(counted(at, "nt", "or", s.octets_received));
  out.entries.push_back(counted(at, "nt", "dur", static_cast<std::uint64_t>(s.duration.count())));
  if (s.srtt_ms) out.entries.push_back(counted(at, "sctpbcc", "srtt", *s.srtt_ms));
  if (s.retransmissions) out.entries.push_back(counted(at, "sctpbcc", "rtx", *s.retransmissions));
  if (s.messages_sent) out.entries.push_back(counted(at, "dcc", "ms", *s.messages_sent));
  if (s.messages_received) out.entries.push_back(counted(at, "dcc", "mr", *s.messages_received));
  if (s.chunks_forwarded) out.entries.push_back(counted(at, "msrp", "fwd", *s.chunks_forwarded));
  if (s.chunks_rejected) out.entries.push_back(counted(at, "msrp", "rej", *s.chunks_rejected));
  return out;
}

template <class T>
void add_to(std::optional<T>& sum, const std::optional<T>& more) {
  if (more) sum = sum.value_or(0) + *more;
}

h248::value_set values_of(h248::action_state& at, const stored_property& p) {
  h248::value_set out;
  out.form = p.form;
  for (const auto& v : p.values) {
    h248::value one;
    one.text = at.keep(v);
    one.quoted = p.quoted;
    out.values.push_back(one);
  }
  return out;
}

h248::media_descriptor media_of(h248::action_state& at, const termination_record& t) {
  h248::media_descriptor media;
  if (!t.groups.empty()) {
    h248::property groups;
    groups.name = h248::item_name::of("mgroup/sem");
    groups.values.form = t.groups.size() == 1 ? h248::value_form::single : h248::value_form::sublist;
    for (const auto& g : t.groups) groups.values.values.push_back(h248::quoted(at.keep(g)));
    media.state.emplace();
    media.state->properties.push_back(std::move(groups));
  }
  for (const auto& [n, s] : t.streams) {
    auto& stream = media.streams.emplace_back();
    stream.id = h248::stream_id{n};
    auto& control = stream.parameters.control.emplace();
    control.mode = s.mode;
    for (const auto& [key, p] : s.properties) {
      h248::property one;
      one.name = h248::item_name::of(at.keep(p.name));
      one.values = values_of(at, p);
      control.properties.push_back(std::move(one));
    }
    if (s.has_local) stream.parameters.local = at.keep(s.local);
    if (s.has_remote) stream.parameters.remote = at.keep(s.remote);
  }
  return media;
}

h248::events_descriptor events_of(h248::action_state& at, const termination_record& t) {
  h248::events_descriptor out;
  if (t.events.empty()) return out;
  out.id = h248::request_id{t.request_id};
  for (const auto& e : t.events) {
    auto& event = out.events.emplace_back();
    event.name = h248::item_name{at.keep(e.package), at.keep(e.item)};
    if (e.stream != 0) event.stream = h248::stream_id{e.stream};
    for (const auto& [name, values] : e.parameters) {
      h248::parameter p;
      p.name = at.keep(name);
      for (const auto& v : values) p.values.values.push_back(h248::value{at.keep(v), false});
      if (values.size() > 1) p.values.form = h248::value_form::alternatives;
      event.parameters.push_back(std::move(p));
    }
  }
  return out;
}

h248::packages_descriptor packages_of() {
  h248::packages_descriptor out;
  for (const auto& p : h248::package_table()) {
    if (p.implemented) out.packages.push_back(h248::package_version{p.name, p.version});
  }
  return out;
}

}  // namespace

void answer_statistics(h248::action_state& at, h248::command& answer, const gateway::termination_statistics& counted_streams) {
  if (counted_streams.empty()) return;
  if (at.request().version() >= 3) {
    h248::media_descriptor media;
    for (const auto& [n, s] : counted_streams) {
      auto& stream = media.streams.emplace_back();
      stream.id = h248::stream_id{n.value};
      stream.parameters.statistics.emplace(statistics_of(at, s));
    }
    answer.add(std::move(media));
    return;
  }
  gateway::stream_statistics sum;
  for (const auto& [n, s] : counted_streams) {
    sum.octets_sent += s.octets_sent;
    sum.octets_received += s.octets_received;
    sum.duration = std::max(sum.duration, s.duration);
    if (s.srtt_ms) sum.srtt_ms = s.srtt_ms;
    add_to(sum.retransmissions, s.retransmissions);
    add_to(sum.messages_sent, s.messages_sent);
    add_to(sum.messages_received, s.messages_received);
    add_to(sum.chunks_forwarded, s.chunks_forwarded);
    add_to(sum.chunks_rejected, s.chunks_rejected);
  }
  answer.add(statistics_of(at, sum));
}

void answer_audit(h248::action_state& at, h248::command& answer, const h248::audit_descriptor& wanted, const termination_record& t,
                  const gateway::termination_statistics& counted_streams) {
  for (const auto& item : wanted.items) {
    const auto* token = std::get_if<h248::audit_token>(&item);
    // An individual audit of a descriptor is answered with all of it.
    const auto media = (token && *token == h248::audit_token::media) || std::holds_alternative<h248::audit_media>(item);
    const auto events = (token && *token == h248::audit_token::events) || std::holds_alternative<h248::audit_events>(item);
    const auto statistics = (token && *token == h248::audit_token::statistics) || std::holds_alternative<h248::audit_statistics>(item);
    const auto packages = (token && *token == h248::audit_token::packages) || std::holds_alternative<h248::audit_packages>(item);
    const auto signals = (token && *token == h248::audit_token::signals) || std::holds_alternative<h248::audit_signals>(item);
    if (media) answer.add(media_of(at, t));
    if (events) answer.add(events_of(at, t));
    if (statistics) answer_statistics(at, answer, counted_streams);
    if (packages) answer.add(packages_of());
    if (signals) {
      h248::signals_descriptor out;
      for (const auto& name : t.signals) {
        h248::signal_request one;
        one.name = h248::item_name::of(at.keep(name));
        out.entries.push_back(h248::signal_entry(std::move(one)));
      }
      answer.add(std::move(out));
    }
    if (token && *token == h248::audit_token::observed_events) answer.add(*token);
    if (token && (*token == h248::audit_token::mux || *token == h248::audit_token::modem || *token == h248::audit_token::digit_map ||
                  *token == h248::audit_token::event_buffer)) {
      answer.add(*token);
    }
  }
}

void answer_root_audit(h248::action_state& at, h248::command& answer, const h248::audit_descriptor& wanted, const state& s) {
  for (const auto& item : wanted.items) {
    const auto* token = std::get_if<h248::audit_token>(&item);
    if ((token && *token == h248::audit_token::media) || std::holds_alternative<h248::audit_media>(item)) {
      h248::media_descriptor media;
      media.state.emplace();
      media.state->service = h248::service_state::in_service;
      const auto add = [&](std::string_view name, std::string_view value) {
        h248::property p;
        p.name = h248::item_name::of(name);
        p.values = h248::one(value);
        media.state->properties.push_back(std::move(p));
      };
      add("root/maxNumberOfContexts", at.keep(std::to_string(s.config.max_contexts)));
      add("root/maxTerminationsPerContext", at.keep(std::to_string(s.config.max_terminations_per_context)));
      for (const auto& [key, p] : s.root_properties) add(at.keep(p.name), at.keep(p.values.front()));
      answer.add(std::move(media));
    }
    if ((token && *token == h248::audit_token::packages) || std::holds_alternative<h248::audit_packages>(item)) {
      answer.add(packages_of());
    }
    if (token && (*token == h248::audit_token::events || *token == h248::audit_token::observed_events ||
                  *token == h248::audit_token::statistics || *token == h248::audit_token::signals)) {
      answer.add(*token);
    }
  }
}

awaitable<void> command_runner::audit_value(h248::action_state& at, const h248::command& c) {
  static const h248::audit_descriptor nothing;
  const auto* wanted = c.find<h248::audit_descriptor>();
  if (!wanted) wanted = &nothing;
  const auto context = at.asked().context;
  if (c.termination().has_choose()) {
    at.fail(c, error_code::incorrect_identifier, c.termination().name);
    co_return;
  }
  if (c.termination().is_root()) {
    if (context.is_all()) {  // the list of contexts: an action reply each
      for (const auto& [id, record] : state_.contexts) {
        at.answer_under(record->id);
        at.answer(c);
      }
      if (state_.contexts.empty()) answer_root_audit(at, at.answer(c), *wanted, state_);
      co_return;
    }
    if (!context.is_null()) {
      at.fail(c, error_code::incorrect_identifier, "ROOT");
      co_return;
    }
    answer_root_audit(at, at.answer(c), *wanted, state_);
    co_return;
  }
  if (context.is_null()) {  // IP terminations are ephemeral: none ever stands in the NULL context
    at.fail(c, c.termination().has_all() ? error_code::no_termination_matched : error_code::unknown_termination, c.termination().name);
    co_return;
  }
  for (auto& [record, termination] : matching(at, c)) {
    if (!record_) at.answer_under(record->id);
    gateway::termination_statistics counted_streams;
    if (wanted->asks_for(h248::audit_token::statistics)) {
      auto read = [gate = record->context.get(), id = termination->id]() -> awaitable<gateway::termination_statistics> {
        co_return gate->statistics(id);
      };
      counted_streams = co_await on(*record->home, read);
    }
    answer_audit(at, at.answer(c, h248::termination_id{termination->name}), *wanted, *termination, counted_streams);
  }
}

}  // namespace agw::iq
