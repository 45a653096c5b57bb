#include "text/chars.hpp"
#include "text/writer.hpp"

namespace agw::h248::text {

// There is no escape: what a string cannot hold is replaced.
void writer::quoted(std::string_view text) {
  out_ += '"';
  for (const char c : text) out_ += is(c, quotable) ? c : c == '"' ? '\'' : ' ';
  out_ += '"';
}

void writer::one_value(value v) {
  bool plain = !v.quoted && !v.text.empty();
  for (std::size_t i = 0; plain && i < v.text.size(); ++i) plain = is(v.text[i], safe);
  if (plain) {
    out_ += v.text;
  } else {
    quoted(v.text);
  }
}

void writer::relation_sign(relation r) {
  static constexpr char signs[] = {'=', '>', '<', '#'};
  if (pretty_) out_ += ' ';
  out_ += signs[static_cast<std::size_t>(r)];
  if (pretty_) out_ += ' ';
}

void writer::values(const value_set& v) {
  if (v.empty()) return;
  relation_sign(v.rel);
  if (v.form == value_form::single) return one_value(v.first());
  out_ += v.form == value_form::alternatives ? '{' : '[';
  bool first = true;
  for (const auto& one_of : v.values) {
    if (!first) out_ += v.form == value_form::range ? ':' : ',';
    first = false;
    one_value(one_of);
  }
  out_ += v.form == value_form::alternatives ? '}' : ']';
}

void writer::one_property(const property& p) {
  name(p.name);
  values(p.values);
}

void writer::terminations(const list<termination_id>& all) {
  if (all.size() == 1) {
    out_ += all.front().name;
    return;
  }
  out_ += '[';
  bool first = true;
  for (const auto& t : all) {
    if (!first) out_ += ',';
    first = false;
    out_ += t.name;
  }
  out_ += ']';
}

void writer::one_command(const command& c) {
  static constexpr token words[] = {token::add, token::move, token::modify, token::subtract,
                                    token::audit_value, token::audit_capability, token::notify, token::service_change};
  if (c.optional) out_ += "O-";
  if (c.wildcard_response) out_ += "W-";
  word_equals(words[static_cast<std::size_t>(c.kind)]);
  if (c.context_form) {
    word(token::context);
    begin();
    for (const auto& t : c.terminations) {
      next();
      out_ += t.name;
    }
  } else {
    terminations(c.terminations);
    if (c.descriptors.empty()) return;
    begin();
  }
  for (const auto& d : c.descriptors) {
    next();
    std::visit([this](const auto& one_of) { one(one_of); }, d);
  }
  end();
}

void writer::one(audit_token t) {
  static constexpr token words[] = {token::mux, token::modem, token::media, token::digit_map, token::statistics,
                                    token::observed_events, token::packages, token::signals, token::event_buffer, token::events};
  word(words[static_cast<std::size_t>(t)]);
}

// Always ends with a line end: the last line of an SDP needs one, and no '\' may stand before the '}'.
void writer::session(token t, std::string_view octets) {
  word(t);
  out_ += pretty_ ? " {" : "{";
  if (!octets.empty()) {
    out_ += '\n';
    for (;;) {
      const auto special = octets.find_first_of(std::string_view("}\0", 2));
      if (special == std::string_view::npos) break;
      out_ += octets.substr(0, special);
      if (octets[special] == '}') out_ += "\\}";
      octets.remove_prefix(special + 1);
    }
    out_ += octets;
    if (out_.back() != '\n' && out_.back() != '\r') out_ += '\n';
  }
  out_ += '}';  // not indented: blanks in front of it would belong to the session description
}

void writer::stream_parts(const stream_parameters& s) {
  static constexpr token modes[] = {token::send_only, token::receive_only, token::send_receive, token::inactive, token::loopback};
  if (s.control) {
    next();
    word(token::local_control);
    begin();
    if (s.control->mode) {
      next();
      word_equals(token::mode);
      word(modes[static_cast<std::size_t>(*s.control->mode)]);
    }
    if (s.control->reserve_value) {
      next();
      word_equals(token::reserved_value);
      on_off(*s.control->reserve_value);
    }
    if (s.control->reserve_group) {
      next();
      word_equals(token::reserved_group);
      on_off(*s.control->reserve_group);
    }
    for (const auto& p : s.control->properties) {
      next();
      one_property(p);
    }
    end();
  }
  if (s.local) {
    next();
    session(token::local, *s.local);
  }
  if (s.remote) {
    next();
    session(token::remote, *s.remote);
  }
  if (s.statistics) {
    next();
    one(*s.statistics);
  }
}

void writer::one(const media_descriptor& m) {
  static constexpr token states[] = {token::test, token::out_of_service, token::in_service};
  word(token::media);
  begin();
  if (m.state) {
    next();
    word(token::termination_state);
    begin();
    for (const auto& p : m.state->properties) {
      next();
      one_property(p);
    }
    if (m.state->service) {
      next();
      word_equals(token::service_states);
      word(states[static_cast<std::size_t>(*m.state->service)]);
    }
    if (m.state->buffer) {
      next();
      word_equals(token::buffer);
      word(*m.state->buffer == event_buffer_control::off ? token::off : token::lock_step);
    }
    end();
  }
  if (m.single) stream_parts(*m.single);
  for (const auto& s : m.streams) {
    next();
    word_equals(token::stream);
    number(s.id.value);
    begin();
    stream_parts(s.parameters);
    end();
  }
  end();
}

void writer::one(const statistics_descriptor& s) {
  word(token::statistics);
  if (s.entries.empty()) return;
  begin();
  for (const auto& entry : s.entries) {
    next();
    name(entry.name);
    values(entry.values);
  }
  end();
}

void writer::package(const package_version& p) {
  (out_ += p.name) += '-';
  number(p.version);
}

void writer::one(const packages_descriptor& p) {
  word(token::packages);
  if (p.packages.empty()) return;
  begin();
  for (const auto& entry : p.packages) {
    next();
    package(entry);
  }
  end();
}

void writer::one(const mux_descriptor& m) {
  static constexpr token types[] = {token::h221, token::h223, token::h226, token::v76, token::nx64k};
  word_equals(token::mux);
  if (m.type == mux_type::extension) {
    out_ += m.extension;
  } else {
    word(types[static_cast<std::size_t>(m.type)]);
  }
  begin();
  for (const auto& t : m.terminations) {
    next();
    out_ += t.name;
  }
  end();
}

void writer::one(const modem_descriptor& m) {
  static constexpr token types[] = {token::v18, token::v22, token::v22bis, token::v32, token::v32bis,
                                    token::v34, token::v90, token::v91, token::synch_isdn};
  word(token::modem);
  out_ += '[';
  bool first = true;
  for (const auto& kind : m.types) {
    if (!first) out_ += ',';
    first = false;
    if (kind.type == modem_type::extension) {
      out_ += kind.extension;
    } else {
      word(types[static_cast<std::size_t>(kind.type)]);
    }
  }
  out_ += ']';
  if (m.properties.empty()) return;
  begin();
  for (const auto& p : m.properties) {
    next();
    one_property(p);
  }
  end();
}

void writer::one(const services_descriptor& s) {
  static constexpr token methods[] = {token::failover, token::forced, token::graceful, token::restart,
                                      token::disconnected, token::hand_off};
  const auto field = [this](token t) {
    next();
    word_equals(t);
  };
  word(token::services);
  begin();
  if (s.method) {
    field(token::method);
    if (*s.method == change_method::extension) {
      out_ += s.method_extension;
    } else {
      word(methods[static_cast<std::size_t>(*s.method)]);
    }
  }
  if (s.address) {
    field(token::service_change_address);
    if (const auto* port = std::get_if<std::uint16_t>(&*s.address)) {
      number(*port);
    } else {
      id(std::get<mid>(*s.address));
    }
  }
  if (s.profile) {
    field(token::profile);
    (out_ += s.profile->name) += '/';
    number(s.profile->version);
  }
  if (s.reason) {
    field(token::reason);
    one_value(*s.reason);
  }
  if (s.delay) {
    field(token::delay);
    number(*s.delay);
  }
  if (s.mgc_to_try) {
    field(token::mgc_id_to_try);
    id(*s.mgc_to_try);
  }
  if (s.time) {
    next();
    time(*s.time);
  }
  if (s.version) {
    field(token::version);
    number(*s.version);
  }
  for (const auto& extension : s.extensions) {
    next();
    out_ += extension.name;
    values(extension.values);
  }
  if (s.incomplete) {
    next();
    word(token::service_change_inc);
  }
  audits(s.audits);
  end();
}

}  // namespace agw::h248::text
