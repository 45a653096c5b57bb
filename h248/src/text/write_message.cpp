#include "text/writer.hpp"

namespace agw::h248::text {

void writer::padded(std::uint32_t n) {
  char digits[8];
  for (int i = 7; i >= 0; --i, n /= 10) digits[i] = static_cast<char>('0' + n % 10);
  out_.append(digits, sizeof digits);
}

void writer::time(time_stamp t) {
  padded(t.date);
  out_ += 'T';
  padded(t.time);
}

void writer::context(context_id id) {
  if (id.is_null()) {
    out_ += '-';
  } else if (id.is_choose()) {
    out_ += '$';
  } else if (id.is_all()) {
    out_ += '*';
  } else {
    number(id.value);
  }
}

void writer::id(const mid& m) {
  switch (m.type) {
    case mid::form::ip4:
    case mid::form::ip6: (out_ += '[') += m.text; out_ += ']'; break;
    case mid::form::domain: (out_ += '<') += m.text; out_ += '>'; break;
    case mid::form::mtp: (out_ += "MTP{") += m.text; out_ += '}'; return;
    case mid::form::device: out_ += m.text; return;
  }
  if (m.port) {
    out_ += ':';
    number(*m.port);
  }
}

void writer::header(const message& m) {
  const auto hex = [this](std::uint32_t n) {
    out_ += "0x";
    for (int shift = 28; shift >= 0; shift -= 4) out_ += "0123456789ABCDEF"[(n >> shift) & 15u];
  };
  if (m.auth) {
    word_equals(token::authentication);
    hex(m.auth->parameter_index);
    out_ += ':';
    hex(m.auth->sequence);
    (out_ += ":0x") += m.auth->data;
    out_ += pretty_ ? '\n' : ' ';
  }
  word(token::megaco);
  out_ += '/';
  number(m.version);
  out_ += ' ';
  id(m.from);
  out_ += pretty_ ? '\n' : ' ';
}

void writer::error(const error_descriptor& e) {
  word_equals(token::error);
  number(static_cast<std::uint16_t>(e.code));
  out_ += pretty_ ? " {" : "{";
  if (!e.text.empty()) quoted(e.text);
  out_ += '}';
}

void writer::item(const transaction& t) {
  std::visit([this](const auto& one_of) { body(one_of); }, t);
  // The grammar has nothing behind a Segment, not even white space.
  if (pretty_ && !std::holds_alternative<segment_reply>(t)) out_ += '\n';
}

void writer::body(const transaction_request& t) {
  word_equals(token::transaction);
  number(t.id.value);
  begin();
  actions(t.actions, false);
  end();
}

// The short END in either layout: what follows a Segment follows it immediately.
void writer::segment(const reply_segment& s) {
  out_ += '/';
  number(s.number);
  if (s.last) (out_ += '/') += short_name(token::end);
}

void writer::body(const transaction_reply& t) {
  word_equals(token::reply);
  number(t.id.value);
  if (t.segment) segment(*t.segment);
  begin();
  if (t.immediate_ack) {
    next();
    word(token::imm_ack_required);
  }
  if (t.error) {
    next();
    error(*t.error);
  }
  actions(t.actions, true);
  end();
}

void writer::body(const transaction_pending& t) {
  word_equals(token::pending);
  number(t.id.value);
  out_ += pretty_ ? " {}" : "{}";
}

void writer::body(const transaction_ack& t) {
  word(token::transaction_ack);
  begin();
  for (const auto& range : t.ranges) {
    next();
    number(range.first.value);
    if (range.last == range.first) continue;
    out_ += '-';
    number(range.last.value);
  }
  end();
}

void writer::body(const segment_reply& t) {
  word_equals(token::segment);
  number(t.id.value);
  segment(t.segment);
}

void writer::actions(const list<action>& all, bool reply) {
  for (const auto& a : all) {
    next();
    one_action(a, reply);
  }
}

void writer::one_action(const action& a, bool reply) {
  word_equals(token::context);
  context(a.context);
  // The bare form exists since version 3; the grammar of the versions before has none for nothing to say.
  if (reply && version_ >= 3 && a.properties.empty() && a.commands.empty() && !a.error) return;
  begin();
  properties(a.properties);
  if (a.audit) {
    next();
    audit_of_context(*a.audit);
  }
  for (const auto& c : a.commands) {
    next();
    one_command(c);
  }
  if (a.error && reply) {
    next();
    error(*a.error);
  }
  end();
}

void writer::topology(const list<topology_triple>& all) {
  static constexpr token directions[] = {token::bothway, token::isolate, token::oneway, token::oneway_external,
                                         token::oneway_both};
  word(token::topology);
  begin();
  for (const auto& triple : all) {
    next();
    (out_ += triple.a.name) += ',';
    (out_ += triple.b.name) += ',';
    word(directions[static_cast<std::size_t>(triple.direction)]);
    if (!triple.stream) continue;
    out_ += ',';
    stream(*triple.stream);
  }
  end();
}

// Version 2 has the name of the token in the place of its long text.
void writer::emergency(bool on) {
  if (pretty_ && !on && version_ == 2) {
    out_ += "EmergencyOffToken";
  } else {
    word(on ? token::emergency : token::emergency_off);
  }
}

void writer::properties(const context_properties& p) {
  if (!p.topology.empty()) {
    next();
    topology(p.topology);
  }
  if (p.priority) {
    next();
    word_equals(token::priority);
    number(*p.priority);
  }
  if (p.emergency && (*p.emergency || version_ >= 2)) {
    next();
    emergency(*p.emergency);
  }
  if (p.ieps) {
    next();
    word_equals(token::ieps_call);
    on_off(*p.ieps);
  }
  if (!p.contexts.empty()) {
    next();
    word(token::context_attr);
    begin();
    next();
    word_equals(token::context_list);
    begin();
    for (const auto id_of : p.contexts) {
      next();
      context(id_of);
    }
    end();
    end();
  }
  if (!p.attributes.empty()) {
    next();
    word(token::context_attr);
    begin();
    for (const auto& attribute : p.attributes) {
      next();
      one_property(attribute);
    }
    end();
  }
}

void writer::audit_of_context(const context_audit& a) {
  const auto bare = [this](token t) {
    next();
    word(t);
  };
  word(token::context_audit);
  begin();
  if (a.topology) bare(token::topology);
  if (a.emergency) bare(token::emergency);
  if (a.priority) bare(token::priority);
  if (a.ieps) bare(token::ieps_call);
  for (const auto& attribute : a.attributes) {
    next();
    name(attribute);
  }
  if (a.selection.emergency) {
    next();
    word_equals(token::emergency_value);
    emergency(*a.selection.emergency);
  }
  context_properties others = a.selection;
  others.emergency.reset();
  properties(others);
  if (a.logic) bare(*a.logic == select_logic::all_of ? token::and_logic : token::or_logic);
  end();
}

}  // namespace agw::h248::text
