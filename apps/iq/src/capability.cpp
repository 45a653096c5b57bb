// What the gateway can do: the answer to AuditCapability, from the package table; and the properties of ROOT.
#include <algorithm>

#include "audits.hpp"
#include "termination_name.hpp"

namespace agw::iq {

using h248::error_code;

namespace {

/// The values an item may have; nothing for strings, of which there is no list.
std::optional<h248::value_set> range_of(h248::action_state& at, const h248::value_rule& rule) {
  h248::value_set out;
  const auto add = [&](std::string_view text) { out.values.push_back(h248::value{text, false}); };
  switch (rule.type) {
    case h248::value_type::boolean:
      out.form = h248::value_form::alternatives;
      add("ON");
      add("OFF");
      return out;
    case h248::value_type::integer:
      out.form = h248::value_form::range;
      add(at.keep(std::to_string(rule.min)));
      add(at.keep(std::to_string(rule.max)));
      return out;
    case h248::value_type::enumeration:
      out.form = h248::value_form::alternatives;
      for (const auto word : rule.words) add(word);
      return out;
    case h248::value_type::real:
    case h248::value_type::string:
    case h248::value_type::octets: break;
  }
  return std::nullopt;
}

template <class F>
void each(h248::item_kind kind, F f) {
  for (const auto& package : h248::package_table()) {
    if (!package.implemented) continue;
    for (const auto& item : package.items) {
      if (item.kind == kind) f(h248::item_name{package.name, item.name}, item);
    }
  }
}

h248::list<h248::parameter> parameters_of(h248::action_state& at, const h248::item_info& item) {
  h248::list<h248::parameter> out;
  for (const auto& p : item.parameters) {
    auto range = range_of(at, p.value);
    if (!range) continue;
    h248::parameter one;
    one.name = p.name;
    one.values = std::move(*range);
    out.push_back(std::move(one));
  }
  return out;
}

h248::media_descriptor media_capability(h248::action_state& at, const state& s, bool root) {
  h248::media_descriptor out;
  h248::list<h248::property> of_state, of_stream;
  each(h248::item_kind::property, [&](h248::item_name name, const h248::item_info& item) {
    auto range = range_of(at, item.value);
    if (name.is("ipdc/realm")) {
      range.emplace();
      range->form = h248::value_form::alternatives;
      for (const auto& i : s.config.interfaces) range->values.push_back(h248::quoted(at.keep(i.realm)));
    }
    if (!range) return;
    h248::property one;
    one.name = name;
    one.values = std::move(*range);
    const auto place = root ? h248::place::root : h248::place::termination_state;
    if (item.places & place) of_state.push_back(one);
    if (!root && (item.places & h248::place::local_control)) of_stream.push_back(std::move(one));
  });
  if (!of_state.empty()) out.state.emplace().properties = std::move(of_state);
  if (!of_stream.empty()) {
    auto& stream = out.streams.emplace_back();
    stream.id = h248::stream_id{1};
    stream.parameters.control.emplace().properties = std::move(of_stream);
  }
  return out;
}

void answer_capability(h248::action_state& at, h248::command& answer, const h248::audit_descriptor& wanted, const state& s, bool root) {
  for (const auto& item : wanted.items) {
    const auto* token = std::get_if<h248::audit_token>(&item);
    const auto asks = [&](h248::audit_token t) { return token && *token == t; };
    if (asks(h248::audit_token::media) || std::holds_alternative<h248::audit_media>(item)) {
      answer.add(media_capability(at, s, root));
    } else if (asks(h248::audit_token::events) || std::holds_alternative<h248::audit_events>(item)) {
      h248::events_descriptor events;
      events.id = h248::request_id::all();
      each(h248::item_kind::event, [&](h248::item_name name, const h248::item_info& info) {
        auto& event = events.events.emplace_back();
        event.name = name;
        event.parameters = parameters_of(at, info);
      });
      answer.add(std::move(events));
    } else if (asks(h248::audit_token::signals) || std::holds_alternative<h248::audit_signals>(item)) {
      h248::signals_descriptor signals;
      each(h248::item_kind::signal, [&](h248::item_name name, const h248::item_info& info) {
        h248::signal_request one;
        one.name = name;
        one.parameters = parameters_of(at, info);
        signals.entries.push_back(h248::signal_entry(std::move(one)));
      });
      answer.add(std::move(signals));
    } else if (asks(h248::audit_token::statistics) || std::holds_alternative<h248::audit_statistics>(item)) {
      h248::statistics_descriptor statistics;
      each(h248::item_kind::statistic, [&](h248::item_name name, const h248::item_info&) {
        statistics.entries.emplace_back().name = name;
      });
      answer.add(std::move(statistics));
    } else if (asks(h248::audit_token::packages)) {
      answer.add(implemented_packages());
    } else if (const auto* some = std::get_if<h248::audit_packages>(&item)) {
      answer.add(implemented_packages(&some->packages));
    } else if (token) {
      answer.add(*token);
    }
  }
}

}  // namespace

h248::packages_descriptor implemented_packages(const h248::list<h248::package_version>* only) {
  h248::packages_descriptor out;
  for (const auto& p : h248::package_table()) {
    if (!p.implemented) continue;
    const bool asked = !only || std::ranges::any_of(*only, [&](const auto& o) { return h248::iequals(o.name, p.name); });
    if (asked) out.packages.push_back(h248::package_version{p.name, p.version});
  }
  return out;
}

std::vector<h248::property> root_properties(h248::action_state& at, const state& s) {
  std::vector<h248::property> out;
  const auto add = [&](std::string_view name, std::uint64_t value) {
    const auto set = s.root_properties.find(lower(name));
    h248::property p;
    p.name = h248::item_name::of(name);
    p.values = h248::one(at.keep(set == s.root_properties.end() ? std::to_string(value) : set->second.values.front()));
    out.push_back(std::move(p));
  };
  const auto ms = [](clock::duration d) {
    return static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::milliseconds>(d).count());
  };
  const auto& t = s.control.transactions();
  add("root/maxNumberOfContexts", s.config.max_contexts);
  add("root/maxTerminationsPerContext", s.config.max_terminations_per_context);
  add("root/normalMGExecutionTime", ms(t.normal_execution_time));
  add("root/normalMGCExecutionTime", ms(t.provisional_timeout));
  add("root/MGProvisionalResponseTimerValue", ms(t.normal_execution_time));
  add("root/MGCProvisionalResponseTimerValue", ms(t.provisional_timeout));
  add("root/MGCOriginatedPendingLimit", t.received_pending_limit);
  add("root/MGOriginatedPendingLimit", t.sent_pending_limit);
  h248::property realms;
  realms.name = h248::item_name::of("ipra/ar");
  realms.values.form = h248::value_form::sublist;
  for (const auto& realm : s.realms()) realms.values.values.push_back(h248::quoted(at.keep(realm)));
  if (realms.values.values.size() == 1) realms.values.form = h248::value_form::single;
  if (!realms.values.values.empty()) out.push_back(std::move(realms));
  return out;
}

awaitable<void> command_runner::audit_capability(h248::action_state& at, const h248::command& c) {
  static const h248::audit_descriptor nothing;
  const auto* wanted = c.find<h248::audit_descriptor>();
  if (!wanted) wanted = &nothing;
  const auto name = c.termination();
  if (name.has_choose()) {
    at.fail(c, error_code::incorrect_identifier, name.name);
    co_return;
  }
  if (name.is_root()) {
    answer_capability(at, at.answer(c), *wanted, state_, true);
    co_return;
  }
  // What ephemeral terminations can do is the same for all, and for those that are yet to be made.
  if (at.asked().context.is_null() && name.has_all() && split(name)) {
    answer_capability(at, at.answer(c), *wanted, state_, false);
    co_return;
  }
  for (const auto& [record, termination] : matching(at, c)) {
    if (!record_) at.answer_under(record->id);
    answer_capability(at, at.answer(c, h248::termination_id{termination->name}), *wanted, state_, false);
  }
}

}  // namespace agw::iq
