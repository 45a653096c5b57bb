#include "plan.hpp"

#include <algorithm>
#include <charconv>
#include <utility>

#include "chosen_properties.hpp"
#include "media_properties.hpp"
#include "signal_orders.hpp"

namespace agw::iq {

using h248::error_code;

namespace {

/// mgroup/sem="DEAGG 1 2 3": a token, the deaggregation stream, its components.
std::optional<gateway::stream_group_config> group_of(std::string_view text) {
  std::vector<std::string_view> words;
  for (std::size_t at = 0; at < text.size();) {
    const auto end = std::min(text.find(' ', at), text.size());
    if (end > at) words.push_back(text.substr(at, end - at));
    at = end + 1;
  }
  if (words.size() < 2 || !h248::iequals(words.front(), "DEAGG")) return std::nullopt;
  gateway::stream_group_config out;
  for (std::size_t i = 1; i < words.size(); ++i) {
    std::uint16_t n = 0;
    const auto [end, ec] = std::from_chars(words[i].data(), words[i].data() + words[i].size(), n);
    if (ec != std::errc() || end != words[i].data() + words[i].size() || n == 0) return std::nullopt;
    if (i == 1) {
      out.deaggregation.value = n;
    } else {
      out.components.push_back(gateway::stream_number{n});
    }
  }
  return out;
}

/// The layers that `<package>/order=ON` holds back, by the kind of stream it stands on.
std::optional<gateway::layer> ordered_layer(h248::item_name name, bool access) {
  if (!h248::iequals(name.item, "order")) return std::nullopt;
  if (h248::iequals(name.package, "tcpbcc")) return gateway::layer::tcp;
  if (h248::iequals(name.package, "tlsbsc")) return access ? gateway::layer::dtls : gateway::layer::tls;
  if (h248::iequals(name.package, "sctpbcc")) return gateway::layer::sctp;
  if (h248::iequals(name.package, "dcep")) return gateway::layer::channel;
  if (h248::iequals(name.package, "ostuncc")) return gateway::layer::ice;
  return std::nullopt;
}

checked<termination_plan> media_of(const h248::command& c, const h248::sessions_by_stream& sessions, const termination_record& termination,
                                   const gateway_facts& facts) {
  termination_plan out;
  out.change.id = termination.id;
  out.change.name = termination.name;
  const auto& interface = *facts.interface(termination.interface);
  out.change.addresses = interface.addresses;
  const auto* media = c.find<h248::media_descriptor>();
  if (!media) return out;
  if (media->state) {
    if (const auto* groups = h248::find(media->state->properties, "mgroup/sem")) {
      if (groups->values.form == h248::value_form::alternatives) {
        return command_error(error_code::invalid_aggregation, "mgroup/sem: alternatives");
      }
      out.groups.emplace();
      out.change.groups.emplace();
      for (const auto& v : groups->values.values) {
        auto group = group_of(v.text);
        if (!group) return command_error(error_code::invalid_aggregation, "mgroup/sem=\"" + std::string(v.text) + "\"");
        out.groups->emplace_back(v.text);
        out.change.groups->push_back(std::move(*group));
      }
    }
  }
  std::optional<command_error> failed;
  media->for_each_stream([&](h248::stream_id id, const h248::stream_parameters& p) {
    if (failed) return;
    const auto known = termination.streams.find(id.value);
    stream_record record = known == termination.streams.end() ? stream_record() : known->second;
    gateway::stream_change wanted;
    const auto flag = [&](std::optional<bool> h248::local_control::* said, bool before) {
      return p.control ? (*p.control.*said).value_or(false) : before;
    };
    const bool reserved = record.reserve_value || record.reserve_group;
    record.reserve_value = flag(&h248::local_control::reserve_value, record.reserve_value);
    record.reserve_group = flag(&h248::local_control::reserve_group, record.reserve_group);
    const bool keeps = record.reserve_value || record.reserve_group;
    if (p.control || p.local) wanted.keep_alternatives = keeps;
    if (reserved && !keeps) record.local = selected(record.local, h248::sdp());
    static const h248::read_sessions nothing;
    const auto read = sessions.find(id.value);
    auto choice = choose(read == sessions.end() ? nothing : read->second, record, keeps, interface);
    if (!choice) {
      failed = choice.error();
      if (failed->code == error_code::missing_local_or_remote) failed->text += " of stream " + std::to_string(id.value);
      return;
    }
    if (choice->unsupportable) {
      out.choices.insert_or_assign(id.value, std::move(*choice));
      return;
    }
    if (choice->gives_back) {
      wanted.remove = true;
      record = stream_record();
    }
    if (choice->forgets_remote) {
      wanted.forget_remote = true;
      record.remote.clear();
      record.has_remote = false;
    }
    if (!choice->locals.empty()) {
      wanted.local = choice->locals.front();
      wanted.alternatives.assign(choice->locals.begin() + 1, choice->locals.end());
      record.local = choice->descriptions.front().to_text();
      record.has_local = true;
      record.kind = kind_of_local(*wanted.local);
    }
    if (choice->remote) {
      wanted.remote = choice->remote;
      record.remote = choice->remote_over_specified ? choice->remote_description->to_text() : std::string(*p.remote);
      record.has_remote = true;
      if (choice->locals.empty()) record.local = selected(record.local, *choice->remote_description);
    }
    if (!choice->locals.empty() || choice->remote_over_specified) out.choices.insert_or_assign(id.value, std::move(*choice));
    if (p.control) {
      const auto mode = p.control->mode.value_or(h248::stream_mode::inactive);
      if (mode == stream_mode::loopback) {
        failed.emplace(error_code::unsupported_mode, "Loopback");
        return;
      }
      wanted.mode = record.mode = mode;
      auto properties = choose_properties(p.control->properties, interface, facts.config.interfaces, out.words);
      if (!properties) {
        failed = properties.error();
        return;
      }
      auto settings = settings_of(properties->all);
      if (!settings) {
        failed = settings.error();
        return;
      }
      wanted.settings = std::move(*settings);
      record.properties.clear();
      // What LocalControl leaves out is OFF again.
      for (const auto l : {gateway::layer::ice, gateway::layer::dtls, gateway::layer::sctp, gateway::layer::channel, gateway::layer::tcp,
                           gateway::layer::tls}) {
        wanted.waits_for_order[l] = false;
      }
      for (const auto& property : properties->all) {
        auto kept = stored(property);
        record.properties.insert_or_assign(lower(kept.name), std::move(kept));
        const bool access = record.has_local && record.kind != stream_kind::bearer;
        if (const auto l = ordered_layer(property.name, access)) {
          wanted.waits_for_order[*l] = property.values.first().as_boolean().value_or(false);
        }
      }
      if (!properties->chosen.empty()) out.chosen.insert_or_assign(id.value, std::move(properties->chosen));
    }
    out.streams.insert_or_assign(id.value, std::move(record));
    out.change.streams.insert_or_assign(gateway::stream_number{id.value}, std::move(wanted));
  });
  if (failed) return std::move(*failed);
  return out;
}

/// Whether the streams that its Signals name are there, and have what a signal is for. 449, 513.
checked<void> check_signals(const h248::command& c, const termination_plan& media, const termination_record& termination) {
  const auto* signals = c.find<h248::signals_descriptor>();
  std::optional<command_error> why;
  const auto check = [&](const h248::signal_request& s) {
    const auto n = s.stream ? s.stream->value : std::uint16_t{0};
    if (n == 0 || why) return;
    const auto full = h248::to_text(s.name) + " { Stream = " + std::to_string(n) + " }";
    const auto changed = media.streams.find(n);
    const auto known = termination.streams.find(n);
    const auto* record = changed != media.streams.end() ? &changed->second : known != termination.streams.end() ? &known->second : nullptr;
    if (!record) why.emplace(h248::error_code::unknown_value, full);
    else if (!signal_layer(s, record->kind)) why.emplace(h248::error_code::cannot_generate_signals, full);
  };
  if (!signals) return {};
  for (const auto& entry : signals->entries) {
    if (const auto* one = std::get_if<h248::signal_request>(&entry)) check(*one);
    else std::ranges::for_each(std::get<h248::signal_list>(entry).signals, check);
  }
  if (why) return *why;
  return {};
}

/// The stream's place in an answer, which may be there already.
h248::stream_descriptor& stream_in(h248::media_descriptor& media, std::uint16_t number) {
  const auto known = std::find_if(media.streams.begin(), media.streams.end(), [&](const auto& s) { return s.id.value == number; });
  if (known != media.streams.end()) return *known;
  auto& fresh = media.streams.emplace_back();
  fresh.id = h248::stream_id{number};
  return fresh;
}

}  // namespace

stored_property stored(const h248::property& p) {
  stored_property out;
  out.name = h248::to_text(p.name);
  out.form = p.values.form;
  for (const auto& v : p.values.values) {
    out.values.emplace_back(v.text);
    out.quoted = v.quoted;
  }
  return out;
}

checked<termination_plan> plan_termination(const h248::command& c, const h248::sessions_by_stream& sessions, const termination_record& now,
                                           const gateway_facts& facts) {
  auto out = media_of(c, sessions, now, facts);
  if (!out) return out;
  if (auto played = check_signals(c, *out, now); !played) return played.error();
  return out;
}

// What was under- or over-specified returns with the choice: a Local that held a $ or several descriptions, whole; a Remote that
// held several; a Local whose ICE credentials a restart by the WIC has changed; and nothing else.
void commit(h248::action_state& at, h248::command& answer, termination_plan change, const gateway::termination_answer& chosen,
            termination_record& termination) {
  for (auto& [n, record] : change.streams) {
    termination.streams.insert_or_assign(n, std::move(record));
  }
  if (change.groups) termination.groups = std::move(*change.groups);
  for (const auto& [n, answered] : chosen.streams) termination.streams[n.value].answer = answered;
  h248::media_descriptor media;
  for (const auto& [n, choice] : change.choices) {
    h248::stream_descriptor stream;
    stream.id = h248::stream_id{n};
    auto& returned = stream.parameters;
    if (choice.unsupportable) {
      returned.local = std::string_view();
      media.streams.push_back(std::move(stream));
      continue;
    }
    auto& record = termination.streams[n];
    if (!choice.descriptions.empty()) {
      std::vector<h248::sdp> filled_in;
      bool asked = choice.local_over_specified;
      const auto take = [&, &descriptions = choice.descriptions](std::size_t place, const gateway::stream_answer& answered) {
        asked = asked || descriptions[place].has_choose();
        filled_in.push_back(filled(descriptions[place], answered));
      };
      if (const auto taken = chosen.taken.find(gateway::stream_number{n}); taken != chosen.taken.end()) {
        for (const auto& one : taken->second) take(one.place, one.answer);
      } else {
        take(0, record.answer);
      }
      record.local = h248::to_text(filled_in);
      if (choice.remote) record.local = selected(record.local, *choice.remote_description);
      if (asked) returned.local = at.keep(record.local);
    }
    if (choice.remote_over_specified) returned.remote = at.keep(record.remote);
    if (returned.local || returned.remote) media.streams.push_back(std::move(stream));
  }
  for (const auto n : chosen.restarted) {
    auto& stream = stream_in(media, n.value);
    if (stream.parameters.local) continue;
    auto& record = termination.streams[n.value];
    record.local = restarted(record.local, record.answer);
    stream.parameters.local = at.keep(record.local);
  }
  for (const auto& [n, properties] : change.chosen) {
    auto& stream = stream_in(media, n);
    auto& control = stream.parameters.control.emplace();
    for (const auto& p : properties) {
      auto& one = control.properties.emplace_back();
      one.name = {at.keep(p.name.package), at.keep(p.name.item)};
      one.values = h248::one(h248::value{at.keep(p.values.first().text), p.values.first().quoted});
    }
  }
  if (!media.streams.empty()) answer.add(std::move(media));
  for (const auto n : chosen.removed) termination.streams.erase(n.value);
  termination.touched = clock::now();
}

std::optional<gateway::termination_change> service_change_of(const termination_record& t, const gateway_facts& facts) {
  gateway::termination_change out;
  out.id = t.id;
  out.name = t.name;
  out.addresses = facts.interface(t.interface)->addresses;
  const bool serves = t.serves();
  for (const auto& [n, stream] : t.streams) {
    if (!stream.has_local || stream.kind == stream_kind::association) continue;
    out.streams[gateway::stream_number{n}].mode = serves ? stream.mode : stream_mode::inactive;
  }
  if (out.streams.empty()) return std::nullopt;
  return out;
}

}  // namespace agw::iq
