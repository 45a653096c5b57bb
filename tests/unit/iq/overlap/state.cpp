#include "state.hpp"

#include <algorithm>
#include <cctype>

namespace agw::iq::overlap {

std::string key_of(std::string_view name) {
  std::string out(name);
  std::ranges::transform(out, out.begin(), [](unsigned char ch) { return static_cast<char>(std::tolower(ch)); });
  return out;
}

std::size_t state::terminations() const {
  std::size_t out = 0;
  for (const auto& [id, c] : contexts) out += c->terminations.size();
  return out;
}

std::map<std::uint32_t, shared_context>::const_iterator state::home_of(const std::string& name) const {
  return std::ranges::find_if(contexts, [key = key_of(name)](const auto& entry) { return entry.second->terminations.contains(key); });
}

const std::string& shared_context::text() const {
  auto& out = of_->text;
  if (!out.empty()) return out;
  const auto& c = of_->value;
  out = " pr" + std::to_string(c.priority) + "[";
  for (const auto& [key, t] : c.terminations) {
    out += " " + t.name + (t.in_service ? "" : " out");
    for (const auto& [n, st] : t.streams) out += " " + std::to_string(n) + ":" + std::to_string(static_cast<int>(st.mode)) + (st.reserve_value ? "r" : "");
    for (const auto e : t.events) out += " e" + std::to_string(e);
    if (t.fragile || t.vague_events) out += " fragile";
    if (t.vague_signals) out += " vague";
    for (const auto& p : t.signals) {
      out += " " + p.name + (p.list ? "/" + std::to_string(*p.list) : "") + (p.certain ? "!" : "?");
      if (p.ends_by != no_deadline) out += std::to_string(p.ends_by.time_since_epoch().count() / 1'000'000);
    }
    out += ";";
  }
  std::vector<std::string> rules;
  for (const auto& r : c.topology) rules.push_back(r.a + ">" + r.b + ":" + std::to_string(static_cast<int>(r.direction)) + "/" + std::to_string(r.stream));
  std::ranges::sort(rules);
  for (const auto& r : rules) out += " " + r;
  out += "] ";
  return out;
}

std::string to_text(const state& s) {
  std::string out;
  for (const auto& [id, c] : s.contexts) out += "C" + std::to_string(id) + c.text();
  for (const auto& i : s.interfaces_out) out += "-" + i;
  if (s.draining) out += " draining";
  if (s.out_of_service) out += " out";
  return out;
}

std::vector<std::string> meant(const context& in, const command& c) {
  const h248::termination_id pattern{c.termination};
  std::vector<std::string> out;
  for (const auto& [key, t] : in.terminations) {
    const h248::termination_id name{t.name};
    if (pattern.has_all() ? pattern.matches(name) : pattern == name) out.push_back(key);
  }
  return out;
}

void forget(context& in, const std::string& key) {
  in.terminations.erase(key);
  std::erase_if(in.topology, [&](const topology_rule& r) { return key_of(r.a) == key || key_of(r.b) == key; });
}

void drop_if_empty(state& s, std::uint32_t id) {
  const auto found = s.contexts.find(id);
  if (found != s.contexts.end() && found->second->terminations.empty()) s.contexts.erase(found);
}

}  // namespace agw::iq::overlap
