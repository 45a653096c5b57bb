#include <agw/h248/packages.hpp>

#include <algorithm>
#include <stdexcept>
#include <vector>

#include "packages/rename.hpp"

namespace agw::h248 {
namespace {

std::vector<std::string_view> split(std::string_view path) {
  std::vector<std::string_view> parts;
  for (;;) {
    const auto slash = path.find('/');
    parts.push_back(path.substr(0, slash));
    if (slash == std::string_view::npos) return parts;
    path.remove_prefix(slash + 1);
  }
}

bool has_word(const value_rule& rule, std::string_view word) {
  return std::ranges::any_of(rule.words, [&](std::string_view w) { return iequals(w, word); });
}

// Whether a path of names leads to something in the table. Items of different kinds may share a name; any of them counts.
bool in_table(const std::vector<std::string_view>& path) {
  const package_info* package = find_package(path[0]);
  if (package == nullptr || path.size() > 4) return false;
  if (path.size() == 1) return true;
  for (const auto& item : package->items) {
    if (!iequals(item.name, path[1])) continue;
    if (path.size() == 2) return true;
    if (path.size() == 3 && has_word(item.value, path[2])) return true;
    const parameter_info* parameter = item.parameter(path[2]);
    if (parameter == nullptr) continue;
    if (path.size() == 3 || has_word(parameter->value, path[3])) return true;
  }
  return false;
}

bool is_name(std::string_view text) {
  return !text.empty() && text.size() <= 64 && ascii_alpha(text.front()) &&
         std::ranges::all_of(text, [](char c) { return ascii_alpha(c) || ascii_digit(c) || c == '_'; });
}

std::string join(std::string_view a, std::string_view b) {
  std::string out(a);
  return (out += '/') += b;
}

// Exchanges what it finds in a map whose keys are paths in the spelling the message has now.
class renamer final : public packages::name_visitor {
 public:
  using names = std::map<std::string, std::string, iless>;
  explicit renamer(const names& to) : to_(to) {}

  void item(item_name& name, value_set* values) override {
    const std::string package(name.package), path = join(name.package, name.item);
    replace(package, name.package);
    replace(path, name.item);
    if (values != nullptr) words(path, *values);
  }
  void parameter_of(item_name item, parameter& p) override {
    const std::string path = join(join(item.package, item.item), p.name);
    replace(path, p.name);
    words(path, p.values);
  }
  void package(std::string_view& name) override { replace(std::string(name), name); }

 private:
  void replace(const std::string& path, std::string_view& name) const {
    if (const auto at = to_.find(path); at != to_.end()) name = at->second;
  }
  void words(const std::string& path, value_set& values) const {
    for (auto& v : values.values) {
      if (!v.quoted) replace(join(path, v.text), v.text);
    }
  }

  const names& to_;
};

}  // namespace

package_names::package_names(const std::map<std::string, std::string>& overrides) {
  for (const auto& [key, name] : overrides) {
    if (!in_table(split(key))) throw std::invalid_argument("no package, item, parameter or word named " + key);
    if (!is_name(name)) throw std::invalid_argument("not a name: " + name);
    to_wire_[key] = name;
  }
  // The way back: the same path with every part in its new spelling leads to the old last part.
  for (const auto& [key, name] : to_wire_) {
    std::string canonical, wire;
    for (const auto part : split(key)) {
      canonical = canonical.empty() ? std::string(part) : join(canonical, part);
      const auto at = to_wire_.find(canonical);
      const std::string_view spelled = at == to_wire_.end() ? part : std::string_view(at->second);
      wire = wire.empty() ? std::string(spelled) : join(wire, spelled);
    }
    const std::string last(split(key).back());
    if (!to_canonical_.emplace(wire, last).second) throw std::invalid_argument("two names become " + wire);
    // What the table calls by the new name must have been renamed too.
    const auto taken = split(wire);
    if (!iequals(last, name) && in_table(taken) && !to_wire_.contains(wire)) {
      throw std::invalid_argument(wire + " already means something else");
    }
  }
}

void package_names::to_canonical(transaction& t) const {
  if (empty()) return;
  renamer names_of(to_canonical_);
  packages::visit(t, names_of);
}

void package_names::to_wire(transaction& t) const {
  if (empty()) return;
  renamer names_of(to_wire_);
  packages::visit(t, names_of);
}

void package_names::to_canonical(message& m) const {
  for (auto& t : m.transactions) to_canonical(t);
}

void package_names::to_wire(message& m) const {
  for (auto& t : m.transactions) to_wire(t);
}

std::string package_names::wire_name(item_name canonical) const {
  renamer names_of(to_wire_);
  names_of.item(canonical, nullptr);
  return join(canonical.package, canonical.item);
}

}  // namespace agw::h248
