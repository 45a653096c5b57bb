#include "json_parts.hpp"

#include <string>

namespace agw::h248_tool::parts {
namespace {

using namespace agw::h248;

bool is_utf8(std::string_view s) noexcept {
  for (std::size_t i = 0; i < s.size();) {
    const auto c = static_cast<unsigned char>(s[i]);
    const std::size_t more = c < 0x80 ? 0 : c >= 0xC2 && c < 0xE0 ? 1 : c >= 0xE0 && c < 0xF0 ? 2 : c >= 0xF0 && c < 0xF5 ? 3 : 9;
    if (more == 9 || i + more >= s.size() + (more == 0 ? 1 : 0)) return false;
    for (std::size_t k = 1; k <= more; ++k) {
      if ((static_cast<unsigned char>(s[i + k]) & 0xC0u) != 0x80) return false;
    }
    // An overlong form, a surrogate, or beyond Unicode.
    const auto second = more == 0 ? 0u : static_cast<unsigned char>(s[i + 1]);
    if ((c == 0xE0 && second < 0xA0) || (c == 0xED && second > 0x9F) || (c == 0xF0 && second < 0x90) || (c == 0xF4 && second > 0x8F)) return false;
    i += more + 1;
  }
  return true;
}

json::value of(value v) {
  if (!v.quoted) return text(v.text);
  return json::object{{"string", text(v.text)}};
}

json::value of(const value_set& v) {
  static constexpr const char* relations[] = {"equal", "greater", "less", "not_equal"};
  static constexpr const char* forms[] = {"single", "any_of", "all_of", "range"};
  if (v.empty()) return nullptr;
  json::value values = v.form == value_form::single
                           ? of(v.first())
                           : json::value(json::object{{word(v.form, forms), each(v.values, [](value one) { return of(one); })}});
  if (v.rel == relation::equal) return values;
  return json::object{{word(v.rel, relations), std::move(values)}};
}

json::object named(const list<parameter>& parameters) {
  json::object out;
  for (const auto& p : parameters) {
    const auto [at, fresh] = out.emplace(text(p.name), of(p.values));
    if (fresh) continue;
    // An extension of a ServiceChange may come more than once.
    if (!at->value().is_array()) at->value() = json::array{at->value()};
    at->value().as_array().push_back(of(p.values));
  }
  return out;
}

void put(json::object& out, const list<property>& properties) {
  if (!properties.empty()) out.emplace("properties", each(properties, [](const property& p) { return parts::of(p); }));
}

void put(json::object& out, const list<parameter>& parameters) {
  if (!parameters.empty()) out.emplace("parameters", named(parameters));
}

template <class T>
void put(json::object& out, std::string_view key, const std::optional<T>& v) {
  if (v) out.emplace(key, *v);
}
void put(json::object& out, const std::optional<stream_id>& id) {
  if (id) out.emplace("stream", id->value);
}

constexpr const char* modes[] = {"SendOnly", "ReceiveOnly", "SendReceive", "Inactive", "Loopback"};
constexpr const char* states[] = {"Test", "OutOfService", "InService"};

json::value request(request_id id) { return id.is_all() ? json::value("*") : json::value(id.value); }

std::string time_text(time_stamp t) {
  const auto eight = [](std::uint32_t n) {
    std::string digits = std::to_string(n);
    return std::string(digits.size() < 8 ? 8 - digits.size() : 0, '0') + digits;
  };
  return eight(t.date) + "T" + eight(t.time);
}

json::value of(const statistics_descriptor& s) {
  return each(s.entries, [](const statistic& one) {
    return json::object{{"name", parts::of(one.name)}, {"value", of(one.values)}};
  });
}

json::object of(const stream_parameters& s) {
  json::object out;
  if (s.control) {
    json::object control;
    if (s.control->mode) control.emplace("mode", word(*s.control->mode, modes));
    put(control, "reserved_value", s.control->reserve_value);
    put(control, "reserved_group", s.control->reserve_group);
    put(control, s.control->properties);
    out.emplace("local_control", std::move(control));
  }
  if (s.local) out.emplace("local", text(*s.local));
  if (s.remote) out.emplace("remote", text(*s.remote));
  if (s.statistics) out.emplace("statistics", of(*s.statistics));
  return out;
}

json::value of(const media_descriptor& m) {
  json::object out;
  if (m.state) {
    json::object state;
    if (m.state->service) state.emplace("service", word(*m.state->service, states));
    if (m.state->buffer) state.emplace("buffer", *m.state->buffer == event_buffer_control::off ? "OFF" : "LockStep");
    put(state, m.state->properties);
    out.emplace("termination_state", std::move(state));
  }
  if (m.single) out.emplace("stream", of(*m.single));
  if (!m.streams.empty()) {
    out.emplace("streams", each(m.streams, [](const stream_descriptor& s) {
      json::object one = of(s.parameters);
      one.emplace("id", s.id.value);
      return one;
    }));
  }
  return out;
}

json::object of(const signal_request& s) {
  static constexpr const char* types[] = {"OnOff", "TimeOut", "Brief"};
  static constexpr const char* directions[] = {"External", "Internal", "Both"};
  json::object out{{"name", parts::of(s.name)}};
  put(out, s.stream);
  if (s.type) out.emplace("type", word(*s.type, types));
  put(out, "duration", s.duration);
  if (s.notify_completion) {
    static constexpr const char* reasons[] = {"TimeOut", "IntByEvent", "IntBySigDescr", "OtherReason", "Iteration"};
    json::array wanted;
    for (unsigned bit = 0; bit < 5; ++bit) {
      if ((s.notify_completion->bits >> bit & 1u) != 0) wanted.emplace_back(reasons[bit]);
    }
    out.emplace("notify_completion", std::move(wanted));
  }
  if (s.keep_active) out.emplace("keep_active", true);
  if (s.direction) out.emplace("direction", word(*s.direction, directions));
  if (s.request) out.emplace("request", request(*s.request));
  put(out, "intersignal_delay", s.intersignal_delay);
  put(out, s.parameters);
  return out;
}

json::value entries(const list<signal_entry>& all) {
  return each(all, [](const signal_entry& entry) {
    if (const auto* one = std::get_if<signal_request>(&entry)) return json::value(of(*one));
    const auto& group = std::get<signal_list>(entry);
    return json::value(
        json::object{{"list", group.id}, {"signals", each(group.signals, [](const signal_request& s) { return of(s); })}});
  });
}

json::value of(const digit_map_descriptor& d) {
  json::object out;
  if (!d.name.empty()) out.emplace("name", text(d.name));
  if (d.value) {
    json::object map{{"map", text(d.value->body)}};
    put(map, "start_timer", d.value->start_timer);
    put(map, "short_timer", d.value->short_timer);
    put(map, "long_timer", d.value->long_timer);
    put(map, "duration_timer", d.value->duration_timer);
    out.emplace("value", std::move(map));
  }
  return out;
}

json::value of(const events_descriptor& e);

json::object of(const embedded_descriptors& e) {
  json::object out;
  if (e.signals) out.emplace("signals", entries(e.signals->entries));
  if (e.events) out.emplace("events", of(*e.events));
  return out;
}

json::value of(const events_descriptor& e) {
  static constexpr const char* behaviours[] = {"NeverNotify", "ImmediateNotify", "RegulatedNotify"};
  json::object out;
  if (e.id) out.emplace("request", request(*e.id));
  out.emplace("events", each(e.events, [](const requested_event& r) {
    json::object one{{"name", parts::of(r.name)}};
    put(one, r.stream);
    put(one, r.parameters);
    if (r.keep_active) one.emplace("keep_active", true);
    if (r.reset_events) one.emplace("reset_events_descriptor", true);
    if (r.digit_map) one.emplace("digit_map", of(*r.digit_map));
    if (r.embedded) one.emplace("embed", of(*r.embedded));
    if (r.behaviour) {
      json::object behaviour{{"kind", word(r.behaviour->kind, behaviours)}};
      if (r.behaviour->embedded.signals || r.behaviour->embedded.events) behaviour.emplace("embed", of(r.behaviour->embedded));
      one.emplace("notify_behaviour", std::move(behaviour));
    }
    return one;
  }));
  return out;
}

json::value of(const list<event_spec>& all) {
  return each(all, [](const event_spec& s) {
    json::object one{{"name", parts::of(s.name)}};
    put(one, s.stream);
    put(one, s.parameters);
    return one;
  });
}

json::value of(const observed_events_descriptor& o) {
  return json::object{{"request", request(o.id)}, {"events", each(o.events, [](const observed_event& e) {
                        json::object one{{"name", parts::of(e.name)}};
                        if (e.time) one.emplace("time", time_text(*e.time));
                        put(one, e.stream);
                        put(one, e.parameters);
                        return one;
                      })}};
}

json::array packages(const list<package_version>& all) {
  return each(all, [](const package_version& p) { return json::object{{"name", text(p.name)}, {"version", p.version}}; });
}

json::value of(const mux_descriptor& m) {
  static constexpr const char* types[] = {"H221", "H223", "H226", "V76", "Nx64Kservice"};
  return json::object{{"type", m.type == mux_type::extension ? text(m.extension) : word(m.type, types)},
                      {"terminations", each(m.terminations, [](termination_id t) { return text(t.name); })}};
}

json::value of(const modem_descriptor& m) {
  static constexpr const char* types[] = {"V18", "V22", "V22b", "V32", "V32b", "V34", "V90", "V91", "SynchISDN"};
  json::object out{{"types", each(m.types, [](const modem_kind& k) {
                      return k.type == modem_type::extension ? text(k.extension) : word(k.type, types);
                    })}};
  put(out, m.properties);
  return out;
}

constexpr const char* tokens[] = {"Mux", "Modem", "Media", "DigitMap", "Statistics",
                                  "ObservedEvents", "Packages", "Signals", "EventBuffer", "Events"};

template <class T, std::size_t N>
void put_audited(json::object& out, std::string_view key, const std::optional<audited<T>>& a, const char* const (&names)[N]) {
  static constexpr const char* relations[] = {"equal", "greater", "less", "not_equal"};
  if (!a) return;
  if (!a->selected) {
    out.emplace(key, nullptr);
  } else {
    out.emplace(key, json::object{{word(a->rel, relations), word(*a->selected, names)}});
  }
}

json::object of(const audit_stream& s) {
  json::object out;
  if (s.control) {
    json::object control;
    put_audited(control, "mode", s.control->mode, modes);
    if (s.control->reserve_value) control.emplace("reserved_value", nullptr);
    if (s.control->reserve_group) control.emplace("reserved_group", nullptr);
    put(control, s.control->properties);
    out.emplace("local_control", std::move(control));
  }
  if (s.local) out.emplace("local", text(*s.local));
  if (s.remote) out.emplace("remote", text(*s.remote));
  if (!s.statistics.empty()) out.emplace("statistics", each(s.statistics, [](const item_name& n) { return parts::of(n); }));
  return out;
}

struct audit_to_json {
  json::value operator()(audit_token t) const { return word(t, tokens); }
  json::value operator()(const audit_media& a) const {
    json::object out;
    if (a.state) {
      json::object state;
      put_audited(state, "service", a.state->service, states);
      if (a.state->buffer) state.emplace("buffer", nullptr);
      put(state, a.state->properties);
      out.emplace("termination_state", std::move(state));
    }
    if (a.single) out.emplace("stream", of(*a.single));
    if (!a.streams.empty()) {
      out.emplace("streams", each(a.streams, [](const audit_stream_entry& s) {
        json::object one = of(s.parameters);
        one.emplace("id", s.id.value);
        return one;
      }));
    }
    return json::object{{"Media", std::move(out)}};
  }
  json::value operator()(const audit_events& a) const {
    json::object out{{"events", each(a.events, [](const item_name& n) { return parts::of(n); })}};
    if (a.id) out.emplace("request", request(*a.id));
    return json::object{{"Events", std::move(out)}};
  }
  json::value operator()(const audit_event_buffer& a) const { return json::object{{"EventBuffer", of(a.events)}}; }
  json::value operator()(const audit_signals& a) const { return json::object{{"Signals", entries(a.entries)}}; }
  json::value operator()(const audit_digit_map& a) const { return json::object{{"DigitMap", text(a.name)}}; }
  json::value operator()(const audit_statistics& a) const {
    return json::object{{"Statistics", each(a.names, [](const item_name& n) { return parts::of(n); })}};
  }
  json::value operator()(const audit_packages& a) const { return json::object{{"Packages", packages(a.packages)}}; }
};

json::array audits(const list<audit_item>& all) {
  return each(all, [](const audit_item& one) { return std::visit(audit_to_json{}, one); });
}

json::value of(const services_descriptor& s) {
  static constexpr const char* methods[] = {"Failover", "Forced", "Graceful", "Restart", "Disconnected", "HandOff"};
  json::object out;
  if (s.method) {
    out.emplace("method", *s.method == change_method::extension ? text(s.method_extension) : word(*s.method, methods));
  }
  if (s.reason) out.emplace("reason", text(s.reason->text));
  put(out, "delay", s.delay);
  if (s.address) {
    const auto* port = std::get_if<std::uint16_t>(&*s.address);
    out.emplace("address", port != nullptr ? json::value(*port) : parts::of(std::get<mid>(*s.address)));
  }
  if (s.mgc_to_try) out.emplace("mgc_id_to_try", parts::of(*s.mgc_to_try));
  if (s.profile) out.emplace("profile", json::object{{"name", text(s.profile->name)}, {"version", s.profile->version}});
  put(out, "version", s.version);
  if (s.time) out.emplace("time", time_text(*s.time));
  if (s.incomplete) out.emplace("incomplete", true);
  if (!s.extensions.empty()) out.emplace("extensions", named(s.extensions));
  if (!s.audits.empty()) out.emplace("audits", audits(s.audits));
  return out;
}

struct descriptor_to_json {
  json::object operator()(const media_descriptor& d) const { return {{"Media", of(d)}}; }
  json::object operator()(const events_descriptor& d) const { return {{"Events", of(d)}}; }
  json::object operator()(const signals_descriptor& d) const { return {{"Signals", entries(d.entries)}}; }
  json::object operator()(const audit_descriptor& d) const { return {{"Audit", audits(d.items)}}; }
  json::object operator()(const observed_events_descriptor& d) const { return {{"ObservedEvents", of(d)}}; }
  json::object operator()(const statistics_descriptor& d) const { return {{"Statistics", of(d)}}; }
  json::object operator()(const error_descriptor& d) const { return {{"Error", parts::of(d)}}; }
  json::object operator()(const services_descriptor& d) const { return {{"Services", of(d)}}; }
  json::object operator()(const packages_descriptor& d) const { return {{"Packages", packages(d.packages)}}; }
  json::object operator()(const event_buffer_descriptor& d) const { return {{"EventBuffer", of(d.events)}}; }
  json::object operator()(const digit_map_descriptor& d) const { return {{"DigitMap", of(d)}}; }
  json::object operator()(const mux_descriptor& d) const { return {{"Mux", of(d)}}; }
  json::object operator()(const modem_descriptor& d) const { return {{"Modem", of(d)}}; }
  json::object operator()(audit_token t) const { return {{tokens[static_cast<std::size_t>(t)], nullptr}}; }
};

}  // namespace

json::string text(std::string_view bytes) {
  if (is_utf8(bytes)) return json::string(bytes);
  json::string out;
  for (const char c : bytes) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x80) {
      out.push_back(c);
    } else {
      out.push_back(static_cast<char>(0xC0u | byte >> 6));
      out.push_back(static_cast<char>(0x80u | (byte & 0x3Fu)));
    }
  }
  return out;
}

json::value of(const error_descriptor& e) {
  return json::object{{"code", static_cast<unsigned>(e.code)}, {"text", text(e.text)}};
}

json::value of(const item_name& n) { return text(std::string(n.package) + "/" + std::string(n.item)); }

json::value of(const property& p) { return json::object{{"name", of(p.name)}, {"value", of(p.values)}}; }

json::value of(context_id id) {
  if (id.is_null()) return "-";
  if (id.is_choose()) return "$";
  if (id.is_all()) return "*";
  return id.value;
}

json::value of(const mid& m) {
  static constexpr const char* forms[] = {"ip4", "ip6", "domain", "device", "mtp"};
  json::object out{{word(m.type, forms), text(m.text)}};
  if (m.port) out.emplace("port", *m.port);
  return out;
}

json::object of(const descriptor& d) { return std::visit(descriptor_to_json{}, d); }

}  // namespace agw::h248_tool::parts
