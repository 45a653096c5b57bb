// What the gateway can do: the answer to AuditCapability, from the package table; and the properties of ROOT.
#include <algorithm>
#include <functional>

#include "audits.hpp"
#include "root_values.hpp"
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

/// Which items are asked for: all, or those that one of the names means.
using item_filter = std::function<bool(h248::item_name)>;
bool any_item(h248::item_name) { return true; }
item_filter of_names(const h248::list<h248::item_name>& names) {
  return [&names](h248::item_name n) {
    return names.empty() || std::ranges::any_of(names, [n](h248::item_name asked) { return asked.matches(n); });
  };
}

/// Items of a kind that may stand on ROOT, or on a termination.
template <class F>
void each(h248::item_kind kind, bool root, const item_filter& asked, F f) {
  const auto here = root ? h248::place::root : static_cast<std::uint8_t>(h248::place::termination_state | h248::place::local_control);
  for (const auto& package : h248::package_table()) {
    if (!package.implemented) continue;
    for (const auto& item : package.items) {
      const h248::item_name name{package.name, item.name};
      const bool placed = kind == h248::item_kind::statistic ? !root : (item.places & here) != 0;
      if (item.kind == kind && placed && asked(name)) f(name, item);
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

/// The properties of one place, as what each may be; a property whose values cannot be listed is left out.
h248::list<h248::property> properties_at(h248::action_state& at, const state& s, std::uint8_t place, const item_filter& asked) {
  h248::list<h248::property> out;
  each(h248::item_kind::property, place == h248::place::root, asked, [&](h248::item_name name, const h248::item_info& item) {
    if ((item.places & place) == 0) return;
    auto range = range_of(at, item.value);
    if (name.is("ipdc/realm")) {
      range.emplace();
      range->form = h248::value_form::alternatives;
      for (const auto& i : s.config.interfaces) range->values.push_back(h248::quoted(at.keep(i.realm)));
    }
    if (!range) return;
    auto& one = out.emplace_back();
    one.name = name;
    one.values = std::move(*range);
  });
  return out;
}

item_filter of_properties(const h248::list<h248::property>& properties) {
  return [&properties](h248::item_name n) {
    return std::ranges::any_of(properties, [n](const h248::property& asked) { return asked.name.matches(n); });
  };
}

h248::media_descriptor media_capability(h248::action_state& at, const state& s, bool root, const h248::audit_media* wanted) {
  h248::media_descriptor out;
  const auto state_place = root ? h248::place::root : h248::place::termination_state;
  if (!wanted || wanted->state) {
    auto found = properties_at(at, s, state_place, wanted ? of_properties(wanted->state->properties) : any_item);
    if (!found.empty()) out.state.emplace().properties = std::move(found);
  }
  const auto add = [&](h248::stream_id id, const h248::audit_stream* asked) {
    if (root || (asked && !asked->control)) return;
    const bool all = !asked || asked->control->properties.empty();
    auto found = properties_at(at, s, h248::place::local_control, all ? any_item : of_properties(asked->control->properties));
    if (found.empty()) return;
    auto& stream = out.streams.emplace_back();
    stream.id = id;
    stream.parameters.control.emplace().properties = std::move(found);
  };
  if (!wanted) add(h248::stream_id{1}, nullptr);
  if (wanted && wanted->single) add(h248::stream_id{1}, wanted->single.get());
  if (wanted) {
    for (const auto& one : wanted->streams) add(one.id, &one.parameters);
  }
  return out;
}

void answer_events(h248::action_state& at, h248::command& answer, bool root, const item_filter& asked) {
  h248::events_descriptor out;
  each(h248::item_kind::event, root, asked, [&](h248::item_name name, const h248::item_info& info) {
    auto& event = out.events.emplace_back();
    event.name = name;
    event.parameters = parameters_of(at, info);
  });
  if (!out.events.empty()) out.id = h248::request_id::all();
  answer.add(std::move(out));
}

void answer_signals(h248::action_state& at, h248::command& answer, bool root, const item_filter& asked) {
  h248::signals_descriptor out;
  each(h248::item_kind::signal, root, asked, [&](h248::item_name name, const h248::item_info& info) {
    h248::signal_request one;
    one.name = name;
    one.parameters = parameters_of(at, info);
    out.entries.push_back(h248::signal_entry(std::move(one)));
  });
  answer.add(std::move(out));
}

void answer_statistics(h248::command& answer, bool root, const item_filter& asked) {
  h248::statistics_descriptor out;
  each(h248::item_kind::statistic, root, asked, [&](h248::item_name name, const h248::item_info&) { out.entries.emplace_back().name = name; });
  if (out.entries.empty()) answer.add(h248::audit_token::statistics);
  else answer.add(std::move(out));
}

item_filter of_signals(const h248::audit_signals& wanted) {
  return [&wanted](h248::item_name n) {
    const auto meant = [n](const h248::signal_request& s) { return s.name.matches(n); };
    return wanted.entries.empty() || std::ranges::any_of(wanted.entries, [&](const h248::signal_entry& entry) {
      if (const auto* one = std::get_if<h248::signal_request>(&entry)) return meant(*one);
      return std::ranges::any_of(std::get<h248::signal_list>(entry).signals, meant);
    });
  };
}

void answer_capability(h248::action_state& at, h248::command& answer, const h248::audit_descriptor& wanted, const state& s, bool root) {
  for (const auto& item : wanted.items) {
    if (const auto* token = std::get_if<h248::audit_token>(&item)) {
      switch (*token) {
        case h248::audit_token::media: add_media(answer, media_capability(at, s, root, nullptr)); break;
        case h248::audit_token::events: answer_events(at, answer, root, any_item); break;
        case h248::audit_token::signals: answer_signals(at, answer, root, any_item); break;
        case h248::audit_token::statistics: answer_statistics(answer, root, any_item); break;
        case h248::audit_token::packages: answer.add(implemented_packages()); break;
        default: answer.add(*token); break;
      }
    } else if (const auto* media = std::get_if<h248::audit_media>(&item)) {
      add_media(answer, media_capability(at, s, root, media));
    } else if (const auto* events = std::get_if<h248::audit_events>(&item)) {
      answer_events(at, answer, root, of_names(events->events));
    } else if (const auto* signals = std::get_if<h248::audit_signals>(&item)) {
      answer_signals(at, answer, root, of_signals(*signals));
    } else if (const auto* statistics = std::get_if<h248::audit_statistics>(&item)) {
      answer_statistics(answer, root, of_names(statistics->names));
    } else if (const auto* some = std::get_if<h248::audit_packages>(&item)) {
      answer.add(implemented_packages(&some->packages));
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
    h248::property p;
    p.name = h248::item_name::of(name);
    p.values = h248::one(at.keep(std::to_string(value)));
    out.push_back(std::move(p));
  };
  add("root/maxNumberOfContexts", s.config.max_contexts);
  add("root/maxTerminationsPerContext", s.config.max_terminations_per_context);
  for (const auto* name : {"root/normalMGExecutionTime", "root/normalMGCExecutionTime", "root/MGProvisionalResponseTimerValue",
                           "root/MGCProvisionalResponseTimerValue", "root/MGCOriginatedPendingLimit", "root/MGOriginatedPendingLimit"}) {
    if (const auto value = root_value(h248::item_name::of(name), s.control.transactions())) add(name, *value);
  }
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
    if (at.asked().context.is_null()) answer_capability(at, at.answer(c), *wanted, state_, true);
    else at.fail(c, error_code::incorrect_identifier, "ROOT");
    co_return;
  }
  // What ephemeral terminations can do is the same for all, and for those that are yet to be made.
  const auto fields = split(name);
  const auto meant = [&](const interface_config& i) { return name.matches(h248::termination_id{make_name(state_.config.group, i.name, 1)}); };
  if (at.asked().context.is_null() && fields && fields->id == "*" && std::ranges::any_of(state_.config.interfaces, meant)) {
    answer_capability(at, at.answer(c), *wanted, state_, false);
    co_return;
  }
  for (const auto& [record, termination] : matching(at, c)) {
    if (!record_) at.answer_under(record->id);
    answer_capability(at, at.answer(c, h248::termination_id{termination->name}), *wanted, state_, false);
  }
}

}  // namespace agw::iq
