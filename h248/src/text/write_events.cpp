#include "text/writer.hpp"

namespace agw::h248::text {

void writer::stream(stream_id id) {
  word_equals(token::stream);
  number(id.value);
}

void writer::request(request_id id) {
  if (id.is_all()) {
    out_ += '*';
  } else {
    number(id.value);
  }
}

void writer::parameters(const std::optional<stream_id>& stream_of, const list<parameter>& all) {
  if (stream_of) {
    next();
    stream(*stream_of);
  }
  for (const auto& p : all) {
    next();
    out_ += p.name;
    values(p.values);
  }
}

void writer::one(const events_descriptor& e) {
  word(token::events);
  if (e.events.empty()) return;
  equals();
  request(e.id.value_or(request_id{}));
  begin();
  for (const auto& requested : e.events) {
    next();
    event(requested);
  }
  end();
}

void writer::embed(const embedded_descriptors& e) {
  word(token::embed);
  begin();
  if (e.signals) {
    next();
    one(*e.signals);
  }
  if (e.events) {
    next();
    one(*e.events);
  }
  end();
}

void writer::event(const requested_event& e) {
  static constexpr token behaviours[] = {token::never_notify, token::immediate_notify, token::regulated_notify};
  name(e.name);
  const bool flags = e.keep_active || e.reset_events;
  if (!e.stream && e.parameters.empty() && !flags && !e.digit_map && !e.embedded && !e.behaviour) return;
  begin();
  parameters(e.stream, e.parameters);
  if (e.keep_active) {
    next();
    word(token::keep_active);
  }
  if (e.behaviour) {
    next();
    word(behaviours[static_cast<std::size_t>(e.behaviour->kind)]);
    if (e.behaviour->embedded.signals || e.behaviour->embedded.events) {
      begin();
      next();
      embed(e.behaviour->embedded);
      end();
    }
  }
  if (e.digit_map) {
    next();
    one(*e.digit_map);
  }
  if (e.reset_events) {
    next();
    word(token::reset_events);
  }
  if (e.embedded) {
    next();
    embed(*e.embedded);
  }
  end();
}

void writer::one(const event_buffer_descriptor& b) {
  word(token::event_buffer);
  if (b.events.empty()) return;
  begin();
  for (const auto& spec : b.events) {
    next();
    name(spec.name);
    if (!spec.stream && spec.parameters.empty()) continue;
    begin();
    parameters(spec.stream, spec.parameters);
    end();
  }
  end();
}

void writer::one(const observed_events_descriptor& o) {
  word_equals(token::observed_events);
  request(o.id);
  begin();
  for (const auto& seen : o.events) {
    next();
    if (seen.time) {
      time(*seen.time);
      out_ += ':';
    }
    name(seen.name);
    if (!seen.stream && seen.parameters.empty()) continue;
    begin();
    parameters(seen.stream, seen.parameters);
    end();
  }
  end();
}

void writer::signal(const signal_request& s) {
  static constexpr token types[] = {token::on_off, token::time_out, token::brief};
  static constexpr token directions[] = {token::external, token::internal, token::both};
  static constexpr std::pair<completion_reason, token> reasons[] = {
      {completion_reason::time_out, token::time_out},     {completion_reason::by_event, token::int_by_event},
      {completion_reason::by_signals, token::int_by_signals}, {completion_reason::other, token::other_reason},
      {completion_reason::iteration, token::iteration}};
  name(s.name);
  if (!s.stream && !s.type && !s.duration && (!s.notify_completion || s.notify_completion->bits == 0) && !s.keep_active &&
      !s.direction && !s.request && !s.intersignal_delay && s.parameters.empty()) {
    return;
  }
  begin();
  parameters(s.stream, {});
  if (s.type) {
    next();
    word_equals(token::signal_type);
    word(types[static_cast<std::size_t>(*s.type)]);
  }
  if (s.duration) {
    next();
    word_equals(token::duration);
    number(*s.duration);
  }
  if (s.notify_completion && s.notify_completion->bits != 0) {
    next();
    word_equals(token::notify_completion);
    begin();
    for (const auto& [reason, t] : reasons) {
      if (!s.notify_completion->has(reason)) continue;
      next();
      word(t);
    }
    end();
  }
  if (s.keep_active) {
    next();
    word(token::keep_active);
  }
  if (s.direction) {
    next();
    word_equals(token::spa_direction);
    word(directions[static_cast<std::size_t>(*s.direction)]);
  }
  if (s.request) {
    next();
    word_equals(token::spa_request_id);
    request(*s.request);
  }
  if (s.intersignal_delay) {
    next();
    word_equals(token::intersignal);
    number(*s.intersignal_delay);
  }
  parameters({}, s.parameters);
  end();
}

void writer::signal_entries(const list<signal_entry>& entries) {
  for (const auto& entry : entries) {
    next();
    if (const auto* single = std::get_if<signal_request>(&entry)) {
      signal(*single);
      continue;
    }
    const auto& group = std::get<signal_list>(entry);
    word_equals(token::signal_list);
    number(group.id);
    if (group.signals.empty()) continue;
    begin();
    for (const auto& s : group.signals) {
      next();
      signal(s);
    }
    end();
  }
}

void writer::one(const signals_descriptor& s) {
  word(token::signals);
  if (s.entries.empty()) {
    if (version_ == 1) out_ += "{}";  // the bare form exists since version 2
    return;
  }
  begin();
  signal_entries(s.entries);
  end();
}

void writer::digit_map_value_of(const digit_map_value& v) {
  const auto timer = [this](char letter, const std::optional<std::uint8_t>& t) {
    if (!t) return;
    (out_ += letter) += ':';
    number(*t);
    out_ += ',';
  };
  out_ += pretty_ ? " {" : "{";
  timer('T', v.start_timer);
  timer('S', v.short_timer);
  timer('L', v.long_timer);
  timer('Z', v.duration_timer);
  out_ += v.body;
  out_ += '}';
}

void writer::one(const digit_map_descriptor& d) {
  word_equals(token::digit_map);
  out_ += d.name;
  if (d.value) digit_map_value_of(*d.value);
}

}  // namespace agw::h248::text
