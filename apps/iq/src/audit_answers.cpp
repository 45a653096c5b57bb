// What an Audit descriptor is answered with: whole descriptors, or exactly the items it names.
#include <algorithm>

#include "audits.hpp"
#include "observation.hpp"

namespace agw::iq {

using h248::error_code;

namespace {

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

h248::property property_of(h248::action_state& at, const stored_property& p) {
  h248::property one;
  one.name = h248::item_name::of(at.keep(p.name));
  one.values = values_of(at, p);
  return one;
}

/// The answer to one name, wildcards included. A property that was never set has its default, if it has one.
void answer_properties(h248::action_state& at, h248::list<h248::property>& out, h248::item_name asked,
                       const std::vector<h248::property>& known, std::uint8_t place) {
  bool found = false;
  for (const auto& p : known) {
    if (!asked.matches(p.name)) continue;
    found = true;
    if (!h248::find(out, p.name)) out.push_back(p);
  }
  if (found || asked.any_item() || asked.any_package()) return;
  const auto* item = h248::find_item(h248::item_kind::property, asked);
  if (!item || item->value.type != h248::value_type::boolean || (item->places & place) == 0) return;
  h248::property standard;
  standard.name = {at.keep(asked.package), at.keep(asked.item)};
  standard.values = h248::one("OFF");
  out.push_back(std::move(standard));
}

std::vector<h248::property> state_properties(h248::action_state& at, const termination_record& t) {
  std::vector<h248::property> out;
  if (t.groups.empty()) return out;
  h248::property groups;
  groups.name = h248::item_name::of("mgroup/sem");
  groups.values.form = t.groups.size() == 1 ? h248::value_form::single : h248::value_form::sublist;
  for (const auto& g : t.groups) groups.values.values.push_back(h248::quoted(at.keep(g)));
  out.push_back(std::move(groups));
  return out;
}

std::vector<h248::property> stream_properties(h248::action_state& at, const stream_record& s) {
  std::vector<h248::property> out;
  for (const auto& [key, p] : s.properties) out.push_back(property_of(at, p));
  return out;
}

/// Every stream's number and record that an audit without a stream number means.
std::vector<std::uint16_t> implied_stream(const termination_record& t) {
  if (t.streams.contains(1)) return {1};
  if (t.streams.size() == 1) return {t.streams.begin()->first};
  return {};
}

void answer_stream(h248::action_state& at, h248::media_descriptor& media, std::uint16_t n, const stream_record& s,
                   const h248::audit_stream& wanted, const gateway::termination_statistics& counted) {
  h248::stream_descriptor out;
  out.id = h248::stream_id{n};
  auto& p = out.parameters;
  if (wanted.control) {
    auto& control = p.control.emplace();
    const auto& asked = *wanted.control;
    const bool all = !asked.mode && !asked.reserve_value && !asked.reserve_group && asked.properties.empty();
    if (asked.mode || all) control.mode = s.mode;
    if (asked.reserve_value) control.reserve_value = s.reserve_value;
    if (asked.reserve_group) control.reserve_group = s.reserve_group;
    const auto known = stream_properties(at, s);
    for (const auto& one : asked.properties) answer_properties(at, control.properties, one.name, known, h248::place::local_control);
    if (all) {
      for (const auto& one : known) control.properties.push_back(one);
    }
    if (!control.mode && !control.reserve_value && !control.reserve_group && control.properties.empty()) p.control.reset();
  }
  if (wanted.local && s.has_local) p.local = at.keep(s.local);
  if (wanted.remote && s.has_remote) p.remote = at.keep(s.remote);
  if (!wanted.statistics.empty()) {
    if (const auto found = counted.find(gateway::stream_number{n}); found != counted.end()) {
      auto some = statistics_of(at, found->second, wanted.statistics);
      if (!some.entries.empty()) p.statistics.emplace(std::move(some));
    }
  }
  // A Stream with nothing in it is none: the grammar has no such thing.
  if (p.control || p.local || p.remote || p.statistics) media.streams.push_back(std::move(out));
}

checked<void> answer_media(h248::action_state& at, h248::command& answer, const h248::audit_media& wanted, const termination_record& t,
                           const gateway::termination_statistics& counted) {
  h248::media_descriptor media;
  if (wanted.state) {
    auto& state = media.state.emplace();
    const auto& asked = *wanted.state;
    if (asked.service) state.service = t.state();
    if (asked.buffer) state.buffer = h248::event_buffer_control::off;
    const auto known = state_properties(at, t);
    for (const auto& one : asked.properties) answer_properties(at, state.properties, one.name, known, h248::place::termination_state);
  }
  if (wanted.single) {
    for (const auto n : implied_stream(t)) answer_stream(at, media, n, t.streams.at(n), *wanted.single, counted);
  }
  for (const auto& one : wanted.streams) {
    const auto found = t.streams.find(one.id.value);
    if (found == t.streams.end()) return command_error(error_code::audited_item_missing, "Stream=" + std::to_string(one.id.value));
    answer_stream(at, media, one.id.value, found->second, one.parameters, counted);
  }
  add_media(answer, std::move(media));
  return {};
}

h248::media_descriptor whole_media(h248::action_state& at, const termination_record& t) {
  h248::media_descriptor media;
  auto& state = media.state.emplace();
  state.service = t.state();
  for (auto& p : state_properties(at, t)) state.properties.push_back(std::move(p));
  for (const auto& [n, s] : t.streams) {
    auto& stream = media.streams.emplace_back();
    stream.id = h248::stream_id{n};
    auto& control = stream.parameters.control.emplace();
    control.mode = s.mode;
    if (s.reserve_value) control.reserve_value = true;
    if (s.reserve_group) control.reserve_group = true;
    for (auto& p : stream_properties(at, s)) control.properties.push_back(std::move(p));
    if (s.has_local) stream.parameters.local = at.keep(s.local);
    if (s.has_remote) stream.parameters.remote = at.keep(s.remote);
  }
  return media;
}

void answer_events(h248::action_state& at, h248::command& answer, const h248::audit_events* wanted, const termination_record& t) {
  h248::events_descriptor out;
  at.whole().hold(t.commanded);  // the answer refers to it
  if (t.events && (!wanted || !wanted->id || wanted->id->is_all() || (t.events->id && *wanted->id == *t.events->id))) {
    for (const auto& e : t.events->events) {
      const bool asked = !wanted || wanted->events.empty() ||
                         std::ranges::any_of(wanted->events, [&](h248::item_name n) { return n.matches(e.name); });
      if (asked) out.events.push_back(e);
    }
    if (!out.events.empty()) out.id = t.events->id;
  }
  answer.add(std::move(out));
}

void answer_signals(h248::action_state& at, h248::command& answer, const h248::audit_signals* wanted, const termination_record& t) {
  h248::signals_descriptor out;
  const auto asked = [&](const playing_signal& s) {
    if (!wanted || wanted->entries.empty()) return true;
    return std::ranges::any_of(wanted->entries, [&](const h248::signal_entry& entry) {
      if (const auto* one = std::get_if<h248::signal_request>(&entry)) return !s.list && one->name.matches(s.what->name);
      const auto& list = std::get<h248::signal_list>(entry);
      return s.list == list.id && (list.signals.empty() || list.signals.front().name.matches(s.what->name));
    });
  };
  for (const auto& s : t.signals.playing()) {
    if (!asked(s)) continue;
    at.whole().hold(s.keeps);
    if (!s.list) {
      out.entries.push_back(h248::signal_entry(*s.what));
      continue;
    }
    h248::signal_list list;
    list.id = *s.list;
    list.signals.push_back(*s.what);
    out.entries.push_back(h248::signal_entry(std::move(list)));
  }
  answer.add(std::move(out));
}

void answer_observed(h248::action_state& at, h248::command& answer, const termination_record& t) {
  if (t.pending.empty()) {
    answer.add(h248::audit_token::observed_events);
    return;
  }
  h248::observed_events_descriptor out;
  out.id = h248::request_id{t.pending.front().request_id};
  const auto copied = std::make_shared<const lazy_deque<observed>>(t.pending);  // the record goes on without the answer
  for (const auto& o : *copied) out.events.push_back(as_h248(o));
  at.whole().hold(copied);
  answer.add(std::move(out));
}

/// A descriptor stands once: what several items made of Media becomes one.
void unite_media(h248::command& answer) {
  h248::list<h248::descriptor> out;
  h248::media_descriptor* whole = nullptr;
  for (auto& d : answer.descriptors) {
    auto* media = std::get_if<h248::media_descriptor>(&d);
    if (!media || !whole) {
      auto& kept = out.push_back(std::move(d));
      if (media) whole = std::get_if<h248::media_descriptor>(&kept);
      continue;
    }
    if (media->state && !whole->state) whole->state = std::move(media->state);
    for (auto& stream : media->streams) {
      const auto known = std::find_if(whole->streams.begin(), whole->streams.end(), [&](const auto& s) { return s.id == stream.id; });
      if (known == whole->streams.end()) {
        whole->streams.push_back(std::move(stream));
        continue;
      }
      auto& to = known->parameters;
      auto& from = stream.parameters;
      if (from.control && !to.control) to.control = std::move(from.control);
      if (from.local) to.local = from.local;
      if (from.remote) to.remote = from.remote;
      if (from.statistics) to.statistics = std::move(from.statistics);
    }
  }
  answer.descriptors = std::move(out);
}

}  // namespace

/// A TerminationState with nothing in it is none, and a descriptor with nothing in it its bare name.
void add_media(h248::command& answer, h248::media_descriptor media) {
  if (media.state && !media.state->service && !media.state->buffer && media.state->properties.empty()) media.state.reset();
  if (media.state || media.single || !media.streams.empty()) answer.add(std::move(media));
  else answer.add(h248::audit_token::media);
}

const h248::audit_descriptor& asked_for(const h248::command& c) {
  static const h248::audit_descriptor nothing;
  const auto* const audit = c.find<h248::audit_descriptor>();
  return audit ? *audit : nothing;
}

bool asks_for_statistics(const h248::audit_descriptor& wanted) {
  return std::ranges::any_of(wanted.items, [](const h248::audit_item& item) {
    const auto* token = std::get_if<h248::audit_token>(&item);
    return (token && *token == h248::audit_token::statistics) || std::holds_alternative<h248::audit_statistics>(item) ||
           std::holds_alternative<h248::audit_media>(item);
  });
}

checked<void> answer_audit(h248::action_state& at, h248::command& answer, const h248::audit_descriptor& wanted, const termination_record& t,
                           const gateway::termination_statistics& counted) {
  for (const auto& item : wanted.items) {
    if (const auto* token = std::get_if<h248::audit_token>(&item)) {
      switch (*token) {
        case h248::audit_token::media: answer.add(whole_media(at, t)); break;
        case h248::audit_token::events: answer_events(at, answer, nullptr, t); break;
        case h248::audit_token::signals: answer_signals(at, answer, nullptr, t); break;
        case h248::audit_token::statistics: answer_statistics(at, answer, counted); break;  // in version 3 a part of Media
        case h248::audit_token::packages: answer.add(implemented_packages()); break;
        case h248::audit_token::observed_events: answer_observed(at, answer, t); break;
        case h248::audit_token::mux:
        case h248::audit_token::modem:
        case h248::audit_token::digit_map:
        case h248::audit_token::event_buffer: answer.add(*token); break;
      }
    } else if (const auto* media = std::get_if<h248::audit_media>(&item)) {
      if (auto done = answer_media(at, answer, *media, t, counted); !done) return done.error();
    } else if (const auto* events = std::get_if<h248::audit_events>(&item)) {
      answer_events(at, answer, events, t);
    } else if (const auto* signals = std::get_if<h248::audit_signals>(&item)) {
      answer_signals(at, answer, signals, t);
    } else if (const auto* statistics = std::get_if<h248::audit_statistics>(&item)) {
      answer_statistics(at, answer, counted, statistics->names);
    } else if (const auto* packages = std::get_if<h248::audit_packages>(&item)) {
      answer.add(implemented_packages(&packages->packages));
    }
  }
  return {};
}

void add_audit(h248::action_state& at, h248::command& answer, const h248::audit_descriptor& wanted, const termination_record& t,
               const gateway::termination_statistics& counted) {
  // Media that is asked for holds what the command returns by itself.
  const bool media = std::ranges::any_of(wanted.items, [](const h248::audit_item& item) {
    const auto* token = std::get_if<h248::audit_token>(&item);
    return (token && *token == h248::audit_token::media) || std::holds_alternative<h248::audit_media>(item);
  });
  if (media) answer.descriptors.clear();
  const auto done = answer_audit(at, answer, wanted, t, counted);
  if (done) return unite_media(answer);
  answer.descriptors.clear();
  answer.add(at.whole().error(done.error().code, done.error().text));
}

void answer_root_audit(h248::action_state& at, h248::command& answer, const h248::audit_descriptor& wanted, const termination_record& root,
                       const std::vector<h248::property>& known, h248::service_state service) {
  for (const auto& item : wanted.items) {
    if (const auto* token = std::get_if<h248::audit_token>(&item); token && *token == h248::audit_token::media) {
      h248::media_descriptor media;
      media.state.emplace().service = service;
      for (const auto& p : known) media.state->properties.push_back(p);
      answer.add(std::move(media));
    } else if (token && *token == h248::audit_token::statistics) {
      answer.add(*token);  // ROOT counts nothing
    } else if (const auto* media = std::get_if<h248::audit_media>(&item)) {
      h248::media_descriptor out;
      auto& state = out.state.emplace();
      if (media->state && media->state->service) state.service = service;
      if (media->state) {
        for (const auto& one : media->state->properties) answer_properties(at, state.properties, one.name, known, h248::place::root);
      }
      add_media(answer, std::move(out));
    } else {
      h248::audit_descriptor one;
      one.items.push_back(item);
      (void)answer_audit(at, answer, one, root, {});
    }
  }
}

}  // namespace agw::iq
