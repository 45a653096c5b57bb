#include <agw/h248/profile_check.hpp>

#include <algorithm>
#include <set>
#include <utility>

#include <agw/h248/packages.hpp>
#include <agw/h248/sdp.hpp>

namespace agw::h248 {
namespace {

class checker {
 public:
  checker(const command& c, std::vector<objection>& out, sessions_by_stream& sessions) : command_(c), out_(out), sessions_(sessions) {}

  void run() {
    for (const auto& t : command_.terminations) {
      termination(t);
      identifier(t);
    }
    for (const auto& d : command_.descriptors) std::visit(*this, d);
  }

  void operator()(const media_descriptor& m) {
    if (m.state) {
      if (m.state->buffer == event_buffer_control::lock_step) {
        object(error_code::unknown_value, "Buffer = LockStep: events are not buffered");
      }
      if (m.state->service) object(error_code::read_only_property, "ServiceStates: a ServiceChange says it");
      properties(m.state->properties, place_here());
    }
    std::set<stream_id> seen;
    m.for_each_stream([&](stream_id id, const stream_parameters& s) {
      if (id.value == 0) object(error_code::unknown_value, "Stream = 0");
      if (!seen.insert(id).second) object(error_code::descriptor_twice, "Stream = " + std::to_string(id.value));
      stream(id, s);
    });
  }
  void operator()(const events_descriptor& e) {
    for (const auto& event : e.events) {
      named(item_kind::event, event.name, event.parameters);
      if (event.name.is("it/ito") && find(event.parameters, "mit") == nullptr) object(error_code::missing_parameter, "it/ito { mit }");
      if (event.digit_map) object(error_code::unknown_parameter, "DigitMap in " + to_text(event.name) + ": no digits here");
      if (event.embedded) embedded(*event.embedded);
      if (event.behaviour) embedded(event.behaviour->embedded);
    }
  }
  void operator()(const signals_descriptor& s) {
    for (const auto& entry : s.entries) {
      if (const auto* one = std::get_if<signal_request>(&entry)) {
        signal(*one);
        continue;
      }
      for (const auto& one : std::get<signal_list>(entry).signals) signal(one);
    }
  }
  void operator()(const observed_events_descriptor& o) {
    for (const auto& event : o.events) named(item_kind::event, event.name, event.parameters);
  }
  void operator()(const statistics_descriptor& s) {
    for (const auto& entry : s.entries) item(item_kind::statistic, entry.name);
  }
  void operator()(const audit_descriptor& a) {
    for (const auto& entry : a.items) std::visit(*this, entry);
  }
  void operator()(const services_descriptor& s) {
    if (s.method == change_method::extension) {
      object(error_code::unknown_value, "Method = " + std::string(s.method_extension));
    }
  }
  void operator()(const error_descriptor&) {}
  void operator()(const packages_descriptor&) {}
  void operator()(const event_buffer_descriptor&) { object(error_code::unknown_descriptor, "EventBuffer"); }
  void operator()(const digit_map_descriptor&) { object(error_code::unknown_descriptor, "DigitMap"); }
  void operator()(const mux_descriptor&) { object(error_code::unknown_descriptor, "Mux"); }
  void operator()(const modem_descriptor&) { object(error_code::unknown_descriptor, "Modem"); }
  void operator()(audit_token) {}

  void operator()(const audit_media& a) {
    const auto asked = [this](const list<property>& all) {
      for (const auto& p : all) item(item_kind::property, p.name);
    };
    const auto one = [&](const audit_stream& s) {
      if (s.control) asked(s.control->properties);
      for (const auto& name : s.statistics) item(item_kind::statistic, name);
    };
    if (a.state) asked(a.state->properties);
    if (a.single) one(*a.single);
    for (const auto& s : a.streams) one(s.parameters);
  }
  void operator()(const audit_events& a) {
    for (const auto& name : a.events) item(item_kind::event, name);
  }
  void operator()(const audit_signals& a) {
    const auto one = [this](const signal_request& s) { item(item_kind::signal, s.name); };
    for (const auto& entry : a.entries) {
      if (const auto* alone = std::get_if<signal_request>(&entry)) one(*alone);
      else std::ranges::for_each(std::get<signal_list>(entry).signals, one);
    }
  }
  void operator()(const audit_statistics& a) {
    for (const auto& name : a.names) item(item_kind::statistic, name);
  }
  void operator()(const audit_event_buffer&) { object(error_code::unknown_descriptor, "EventBuffer"); }
  void operator()(const audit_digit_map&) { object(error_code::unknown_descriptor, "DigitMap"); }
  void operator()(const audit_packages& a) {
    for (const auto& p : a.packages) {
      const auto* known = find_package(p.name);
      if (known == nullptr || !known->implemented) object(error_code::audited_item_missing, "package " + std::string(p.name));
    }
  }

 private:
  bool root() const { return command_.termination().is_root(); }
  std::uint8_t place_here() const { return root() ? place::root : place::termination_state; }
  void object(error_code code, std::string what) { out_.push_back({code, {}, std::move(what)}); }

  void termination(termination_id t) {
    if (t.is_root() || t.is_all() || t.is_choose()) return;
    const std::string_view first = t.field(0);
    const bool open_ended = t.name.ends_with('*');
    if (!iequals(first, "ip") || t.fields() > 4 || (t.fields() < 4 && !open_ended)) {
      object(error_code::unknown_termination, std::string(t.name) + ": terminations are ROOT or ip/group/interface/id");
    }
  }

  // Terminations that the command cannot name, in whichever context (H.248.1 6.2.2, 6.2.5).
  void identifier(termination_id t) {
    const auto kind = command_.kind;
    const bool adds = kind == command_kind::add, choosable = adds || kind == command_kind::notify;
    const bool never_root = adds || kind == command_kind::move || kind == command_kind::subtract;
    if ((t.is_root() && never_root) || (t.has_choose() && !choosable) || (t.has_all() && adds)) {
      return object(error_code::incorrect_identifier, std::string(t.name));
    }
    if (!adds || t.fields() != 4) return;
    const auto id = h248::value{t.field(3)}.as_integer();
    const bool plain = std::ranges::all_of(t.field(3), ascii_digit);
    if (t.field(3) != "$" && !(plain && id && *id >= 1 && *id <= 0xFFFFFFFF)) object(error_code::incorrect_identifier, std::string(t.name));
  }

  void signal(const signal_request& s) {
    named(item_kind::signal, s.name, s.parameters);
    if (s.type == signal_type::time_out && !s.duration) object(error_code::missing_parameter, to_text(s.name) + " { Duration }");
  }

  // Null after an objection, and for wildcards.
  const item_info* item(item_kind kind, item_name name) {
    if (name.any_package()) return nullptr;
    const package_info* package = find_package(name.package);
    if (package == nullptr || !package->implemented) {
      object(error_code::unknown_package, std::string(name.package));
      return nullptr;
    }
    if (name.any_item()) return nullptr;
    const item_info* known = package->item(kind, name.item);
    if (known == nullptr) {
      static constexpr error_code codes[] = {error_code::no_such_property, error_code::no_such_event,
                                             error_code::no_such_signal, error_code::no_such_statistic};
      object(codes[static_cast<std::size_t>(kind)], to_text(name));
    }
    return known;
  }

  void value(const std::string& name, const value_rule& rule, const value_set& values) {
    if (fits(rule, values)) return;
    std::string what = name + " = ";
    bool first = true;
    for (const auto& v : values.values) {
      if (!std::exchange(first, false)) what += ", ";
      what += v.text;
    }
    object(error_code::unknown_value, std::move(what));
  }

  void named(item_kind kind, item_name name, const list<parameter>& parameters) {
    const item_info* known = item(kind, name);
    if (known == nullptr) return;
    if ((known->places & place_here()) == 0) {
      const bool event = kind == item_kind::event;
      object(event ? error_code::cannot_detect_event : error_code::cannot_generate_signals,
             to_text(name) + (root() ? " on ROOT" : " on a termination"));
      return;
    }
    for (const auto& p : parameters) {
      const parameter_info* rule = known->parameter(p.name);
      if (rule == nullptr) {
        object(error_code::unknown_parameter, to_text(name) + " { " + std::string(p.name) + " }");
      } else if (!p.values.empty()) {
        value(to_text(name) + " { " + std::string(p.name) + " }", rule->value, p.values);
      }
    }
  }

  void properties(const list<property>& all, std::uint8_t where) {
    std::set<std::string, iless> seen;
    for (const auto& p : all) {
      const item_info* known = item(item_kind::property, p.name);
      if (known == nullptr) continue;
      if (!seen.insert(to_text(p.name)).second) object(error_code::property_twice, to_text(p.name));
      if ((known->places & where) == 0) {
        object(error_code::property_illegal_here, to_text(p.name));
      } else if (known->read_only) {
        object(error_code::read_only_property, to_text(p.name));
      } else {
        value(to_text(p.name), known->value, p.values);
      }
    }
  }

  void embedded(const embedded_descriptors& e) {
    if (e.signals) (*this)(*e.signals);
    if (e.events) (*this)(*e.events);
  }

  void stream(stream_id id, const stream_parameters& s) {
    if (s.control) properties(s.control->properties, place::local_control);
    if (s.control && s.control->mode == stream_mode::loopback) object(error_code::unsupported_mode, "Mode = Loopback");
    if (s.statistics) (*this)(*s.statistics);
    if (s.local) session("Local", id, *s.local, sessions_[id.value].local);
    if (s.remote) session("Remote", id, *s.remote, sessions_[id.value].remote);
  }

  void session(std::string_view which, stream_id id, std::string_view octets, std::optional<std::vector<sdp>>& kept) {
    const std::string name = std::string(which) + " of stream " + std::to_string(id.value);
    auto read = sdp::parse(octets);
    if (!read) {
      object(error_code::invalid_sdp, name + ": " + read.error().to_text());
      return;
    }
    kept.emplace(std::move(*read));
    for (const auto& one : *kept) {
      const auto media = one.media();
      if (!media) {
        object(error_code::invalid_sdp, name + ": no m= line");
        continue;
      }
      // RFC 8841 5.1: the port has no default. Port 9 without an address is a component of another stream.
      const bool association = media->is_protocol("UDP/DTLS/SCTP") || media->is_protocol("TCP/DTLS/SCTP");
      const bool own_address = media->port.choose || media->port.value != 9 || one.connection() || one.has_attribute("candidate");
      if (association && own_address && !one.sctp_port()) {
        object(error_code::required_information_missing, name + ": a=sctp-port");
      }
    }
  }

  const command& command_;
  std::vector<objection>& out_;
  sessions_by_stream& sessions_;
};

std::string place_of(const transaction_request& t, const action& a, const command* c) {
  static constexpr std::string_view words[] = {"Add", "Move", "Modify", "Subtract",
                                               "AuditValue", "AuditCapability", "Notify", "ServiceChange"};
  std::string out = "Transaction " + std::to_string(t.id.value) + ", Context ";
  if (a.context.is_null()) out += '-';
  else if (a.context.is_choose()) out += '$';
  else if (a.context.is_all()) out += '*';
  else out += std::to_string(a.context.value);
  if (c == nullptr) return out;
  out += ", ";
  out += words[static_cast<std::size_t>(c->kind)];
  out += ' ';
  return out += c->termination().name;
}

}  // namespace

std::string to_text(const objection& o) {
  auto out = std::to_string(static_cast<unsigned>(o.code)) + ' ' + std::string(to_text(o.code)) + ": ";
  if (!o.where.empty()) out += o.where + ": ";
  return out += o.what;
}

std::vector<objection> check_profile(const command& c, sessions_by_stream& sessions) {
  std::vector<objection> out;
  checker(c, out, sessions).run();
  return out;
}

std::vector<objection> check_profile(const message& m) {
  std::vector<objection> out;
  if (m.version < 1 || m.version > 3) out.push_back({error_code::version_not_supported, "header", std::to_string(m.version)});
  if (m.transactions.size() > profile_max_transactions) {
    out.push_back({error_code::too_many_transactions, "message", std::to_string(m.transactions.size())});
  }
  for (const auto& t : m.transactions) {
    const auto* request = std::get_if<transaction_request>(&t);
    if (request == nullptr) continue;
    for (const auto& a : request->actions) {
      if (a.context.is_null() && (a.audit || !a.properties.empty())) {
        out.push_back({error_code::unknown_action, place_of(*request, a, nullptr), "the NULL context has no properties"});
      }
      for (const auto& p : a.properties.attributes) {
        out.push_back({error_code::unknown_property, place_of(*request, a, nullptr), to_text(p.name)});
      }
      for (const auto& c : a.commands) {
        sessions_by_stream read;
        for (auto& found : check_profile(c, read)) {
          found.where = place_of(*request, a, &c);
          out.push_back(std::move(found));
        }
      }
    }
  }
  return out;
}

}  // namespace agw::h248
