#include "json.hpp"

#include <sstream>
#include <utility>

#include <boost/json/serialize.hpp>

#include "json_parts.hpp"

namespace agw::h248_tool {
namespace {

using namespace agw::h248;
namespace json = boost::json;

void put(json::object& out, const context_properties& p) {
  static constexpr const char* directions[] = {"Bothway", "Isolate", "Oneway", "OnewayExternal", "OnewayBoth"};
  if (!p.topology.empty()) {
    out.emplace("topology", parts::each(p.topology, [](const topology_triple& t) {
      json::object one{{"a", parts::text(t.a.name)},
                       {"b", parts::text(t.b.name)},
                       {"direction", parts::word(t.direction, directions)}};
      if (t.stream) one.emplace("stream", t.stream->value);
      return one;
    }));
  }
  if (p.priority) out.emplace("priority", *p.priority);
  if (p.emergency) out.emplace("emergency", *p.emergency);
  if (p.ieps) out.emplace("ieps_call", *p.ieps);
  if (!p.contexts.empty()) out.emplace("context_list", parts::each(p.contexts));
  if (!p.attributes.empty()) out.emplace("attributes", parts::each(p.attributes));
}

json::object audit(const context_audit& a) {
  json::object out;
  json::array wanted;
  if (a.topology) wanted.emplace_back("Topology");
  if (a.emergency) wanted.emplace_back("Emergency");
  if (a.priority) wanted.emplace_back("Priority");
  if (a.ieps) wanted.emplace_back("IEPSCall");
  for (const auto& name : a.attributes) wanted.emplace_back(parts::of(name));
  out.emplace("properties", std::move(wanted));
  json::object selection;
  put(selection, a.selection);
  if (!selection.empty()) out.emplace("select", std::move(selection));
  if (a.logic) out.emplace("logic", *a.logic == select_logic::all_of ? "and" : "or");
  return out;
}

json::object of(const command& c) {
  static constexpr const char* kinds[] = {"Add", "Move", "Modify", "Subtract",
                                          "AuditValue", "AuditCapability", "Notify", "ServiceChange"};
  json::object out{{"command", parts::word(c.kind, kinds)},
                   {"terminations", parts::each(c.terminations, [](termination_id t) { return parts::text(t.name); })}};
  if (c.optional) out.emplace("optional", true);
  if (c.wildcard_response) out.emplace("wildcarded_response", true);
  if (c.context_form) out.emplace("context_form", true);
  if (!c.descriptors.empty()) {
    out.emplace("descriptors", parts::each(c.descriptors, [](const descriptor& d) { return parts::of(d); }));
  }
  if (c.fault) out.emplace("fault", parts::of(*c.fault));
  return out;
}

json::array actions(const list<action>& all) {
  return parts::each(all, [](const action& a) {
    json::object out{{"context", parts::of(a.context)}};
    put(out, a.properties);
    if (a.audit) out.emplace("audit", audit(*a.audit));
    if (!a.commands.empty()) out.emplace("commands", parts::each(a.commands, [](const command& c) { return of(c); }));
    if (a.error) out.emplace("error", parts::of(*a.error));
    return out;
  });
}

json::object segment(const reply_segment& s) { return {{"number", s.number}, {"last", s.last}}; }

struct transaction_to_json {
  json::object operator()(const transaction_request& t) const {
    json::object out{{"id", t.id.value}, {"actions", actions(t.actions)}};
    if (t.error) out.emplace("error", parts::of(*t.error));
    return {{"request", std::move(out)}};
  }
  json::object operator()(const transaction_reply& t) const {
    json::object out{{"id", t.id.value}};
    if (t.segment) out.emplace("segment", segment(*t.segment));
    if (t.immediate_ack) out.emplace("immediate_ack_required", true);
    if (t.error) out.emplace("error", parts::of(*t.error));
    if (!t.actions.empty()) out.emplace("actions", actions(t.actions));
    return {{"reply", std::move(out)}};
  }
  json::object operator()(const transaction_pending& t) const { return {{"pending", json::object{{"id", t.id.value}}}}; }
  json::object operator()(const transaction_ack& t) const {
    return {{"response_ack", parts::each(t.ranges, [](const ack_range& r) {
      return json::object{{"first", r.first.value}, {"last", r.last.value}};
    })}};
  }
  json::object operator()(const segment_reply& t) const {
    return {{"segment_reply", json::object{{"id", t.id.value}, {"segment", segment(t.segment)}}}};
  }
};

void pretty(std::ostream& out, const json::value& v, std::size_t indent) {
  const std::string margin(indent + 2, ' ');
  const char* before = "\n";
  if (v.is_object() && !v.get_object().empty()) {
    out << '{';
    for (const auto& [key, member] : v.get_object()) {
      out << before << margin << json::serialize(json::string(key)) << ": ";
      pretty(out, member, indent + 2);
      before = ",\n";
    }
    out << '\n' << std::string(indent, ' ') << '}';
  } else if (v.is_array() && !v.get_array().empty()) {
    out << '[';
    for (const auto& element : v.get_array()) {
      out << before << margin;
      pretty(out, element, indent + 2);
      before = ",\n";
    }
    out << '\n' << std::string(indent, ' ') << ']';
  } else {
    out << json::serialize(v);
  }
}

}  // namespace

json::value to_json(const message& m) {
  json::object out{{"version", m.version}, {"from", parts::of(m.from)}};
  if (m.auth) {
    out.emplace("authentication", json::object{{"parameter_index", m.auth->parameter_index},
                                               {"sequence", m.auth->sequence},
                                               {"data", parts::text(m.auth->data)}});
  }
  if (m.error) {
    out.emplace("error", parts::of(*m.error));
  } else {
    out.emplace("transactions",
                parts::each(m.transactions, [](const transaction& t) { return std::visit(transaction_to_json{}, t); }));
  }
  return out;
}

std::string to_json_text(const message& m) {
  std::ostringstream out;
  pretty(out, to_json(m), 0);
  out << '\n';
  return out.str();
}

}  // namespace agw::h248_tool
