#include "packages/rename.hpp"

namespace agw::h248::packages {
namespace {

// One overload for each part of the model that holds names, or holds something that does.
class walker {
 public:
  explicit walker(name_visitor& v) : v_(v) {}

  void operator()(transaction_request& t) { actions(t.actions); }
  void operator()(transaction_reply& t) { actions(t.actions); }
  void operator()(transaction_pending&) {}
  void operator()(transaction_ack&) {}
  void operator()(segment_reply&) {}

  void operator()(media_descriptor& m) {
    if (m.state) properties(m.state->properties);
    if (m.single) stream(*m.single);
    for (auto& s : m.streams) stream(s.parameters);
  }
  void operator()(events_descriptor& e) {
    for (auto& event : e.events) {
      named(event.name, event.parameters);
      if (event.embedded) embedded(*event.embedded);
      if (event.behaviour) embedded(event.behaviour->embedded);
    }
  }
  void operator()(signals_descriptor& s) { signals(s.entries); }
  void operator()(audit_descriptor& a) { audits(a.items); }
  void operator()(observed_events_descriptor& o) {
    for (auto& event : o.events) named(event.name, event.parameters);
  }
  void operator()(statistics_descriptor& s) {
    for (auto& entry : s.entries) v_.item(entry.name, &entry.values);
  }
  void operator()(error_descriptor&) {}
  void operator()(services_descriptor& s) { audits(s.audits); }
  void operator()(packages_descriptor& p) {
    for (auto& entry : p.packages) v_.package(entry.name);
  }
  void operator()(event_buffer_descriptor& b) {
    for (auto& spec : b.events) named(spec.name, spec.parameters);
  }
  void operator()(digit_map_descriptor&) {}
  void operator()(mux_descriptor&) {}
  void operator()(modem_descriptor& m) { properties(m.properties); }
  void operator()(audit_token&) {}

  void operator()(audit_media& a) {
    if (a.state) properties(a.state->properties);
    if (a.single) stream(*a.single);
    for (auto& s : a.streams) stream(s.parameters);
  }
  void operator()(audit_events& a) { items(a.events); }
  void operator()(audit_event_buffer& a) {
    for (auto& spec : a.events) named(spec.name, spec.parameters);
  }
  void operator()(audit_signals& a) { signals(a.entries); }
  void operator()(audit_digit_map&) {}
  void operator()(audit_statistics& a) { items(a.names); }
  void operator()(audit_packages& a) {
    for (auto& entry : a.packages) v_.package(entry.name);
  }

 private:
  void actions(list<action>& all) {
    for (auto& a : all) {
      properties(a.properties.attributes);
      if (a.audit) {
        items(a.audit->attributes);
        properties(a.audit->selection.attributes);
      }
      for (auto& c : a.commands) {
        for (auto& d : c.descriptors) std::visit(*this, d);
      }
    }
  }
  void properties(list<property>& all) {
    for (auto& p : all) v_.item(p.name, &p.values);
  }
  void items(list<item_name>& all) {
    for (auto& name : all) v_.item(name, nullptr);
  }
  void named(item_name& name, list<parameter>& parameters) {
    const item_name before = name;
    v_.item(name, nullptr);
    for (auto& p : parameters) v_.parameter_of(before, p);
  }
  void signals(list<signal_entry>& entries) {
    for (auto& entry : entries) {
      if (auto* one = std::get_if<signal_request>(&entry)) {
        named(one->name, one->parameters);
      } else {
        for (auto& s : std::get<signal_list>(entry).signals) named(s.name, s.parameters);
      }
    }
  }
  void embedded(embedded_descriptors& e) {
    if (e.signals) signals(e.signals->entries);
    if (e.events) (*this)(*e.events);
  }
  void stream(stream_parameters& s) {
    if (s.control) properties(s.control->properties);
    if (s.statistics) (*this)(*s.statistics);
  }
  void stream(audit_stream& s) {
    if (s.control) properties(s.control->properties);
    items(s.statistics);
  }
  void audits(list<audit_item>& all) {
    for (auto& entry : all) std::visit(*this, entry);
  }

  name_visitor& v_;
};

}  // namespace

void visit(transaction& t, name_visitor& v) { std::visit(walker(v), t); }

void visit(message& m, name_visitor& v) {
  for (auto& t : m.transactions) visit(t, v);
}

}  // namespace agw::h248::packages
