#include "text/writer.hpp"

namespace agw::h248::text {

void writer::one(const audit_descriptor& a) {
  word(token::audit);
  if (a.items.empty()) {
    out_ += "{}";
    return;
  }
  begin();
  audits(a.items);
  end();
}

void writer::audits(const list<audit_item>& items) {
  for (const auto& entry : items) {
    next();
    std::visit([this](const auto& one_of) { one(one_of); }, entry);
  }
}

void writer::names(const list<item_name>& all) {
  begin();
  for (const auto& n : all) {
    next();
    name(n);
  }
  end();
}

void writer::audit_stream_parts(const audit_stream& s) {
  static constexpr token modes[] = {token::send_only, token::receive_only, token::send_receive, token::inactive, token::loopback};
  if (s.control) {
    next();
    word(token::local_control);
    begin();
    if (s.control->mode) {
      next();
      word(token::mode);
      if (s.control->mode->selected) {
        relation_sign(s.control->mode->rel);
        word(modes[static_cast<std::size_t>(*s.control->mode->selected)]);
      }
    }
    if (s.control->reserve_value) {
      next();
      word(token::reserved_value);
    }
    if (s.control->reserve_group) {
      next();
      word(token::reserved_group);
    }
    for (const auto& p : s.control->properties) {
      next();
      one_property(p);
    }
    end();
  }
  if (!s.statistics.empty()) {
    next();
    word(token::statistics);
    names(s.statistics);
  }
  if (s.local) {
    next();
    session(token::local, *s.local);
  }
  if (s.remote) {
    next();
    session(token::remote, *s.remote);
  }
}

void writer::one(const audit_media& a) {
  static constexpr token states[] = {token::test, token::out_of_service, token::in_service};
  word(token::media);
  begin();
  if (a.state) {
    next();
    word(token::termination_state);
    begin();
    for (const auto& p : a.state->properties) {
      next();
      one_property(p);
    }
    if (a.state->service) {
      next();
      word(token::service_states);
      if (a.state->service->selected) {
        relation_sign(a.state->service->rel);
        word(states[static_cast<std::size_t>(*a.state->service->selected)]);
      }
    }
    if (a.state->buffer) {
      next();
      word(token::buffer);
    }
    end();
  }
  if (a.single) audit_stream_parts(*a.single);
  for (const auto& s : a.streams) {
    next();
    word_equals(token::stream);
    number(s.id.value);
    begin();
    audit_stream_parts(s.parameters);
    end();
  }
  end();
}

void writer::one(const audit_events& a) {
  word(token::events);
  if (a.id) {
    equals();
    request(*a.id);
  }
  names(a.events);
}

void writer::one(const audit_event_buffer& a) { one(event_buffer_descriptor{a.events}); }

void writer::one(const audit_signals& a) {
  word(token::signals);
  if (a.entries.empty()) {
    out_ += "{}";
    return;
  }
  begin();
  signal_entries(a.entries);
  end();
}

void writer::one(const audit_digit_map& a) {
  word_equals(token::digit_map);
  out_ += a.name;
}

void writer::one(const audit_statistics& a) {
  word(token::statistics);
  names(a.names);
}

void writer::one(const audit_packages& a) {
  word(token::packages);
  begin();
  for (const auto& p : a.packages) {
    next();
    package(p);
  }
  end();
}

}  // namespace agw::h248::text
