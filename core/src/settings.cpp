#include "agw/core/settings.hpp"

#include <algorithm>
#include <iostream>

namespace agw {

namespace {

std::string_view parent(std::string_view key) {
  const auto dot = key.rfind('.');
  return dot == std::string_view::npos ? std::string_view{} : key.substr(0, dot);
}

}  // namespace

int finish(const early_exit& e) {
  (e.code == 0 ? std::cout : std::cerr) << e.text << std::endl;
  return e.code;
}

settings::setting& settings::setting::option(std::string name, std::string value_name) {
  option_ = std::move(name);
  value_name_ = std::move(value_name);
  return *this;
}

settings::setting& settings::setting::path() {
  is_path_ = true;
  return *this;
}

settings::settings(std::string program, std::string version, std::string summary)
    : program_(std::move(program)), version_(std::move(version)), summary_(std::move(summary)) {}

settings::setting& settings::insert(std::string key, std::string allowed, std::function<bool(const config_value&)> assign,
                                    std::function<std::string()> written, std::string help) {
  auto& added = *settings_.emplace_back(std::make_unique<setting>());
  added.key_ = std::move(key);
  added.allowed_ = std::move(allowed);
  added.assign_ = std::move(assign);
  added.written_ = std::move(written);
  added.help_ = std::move(help);
  return added;
}

void settings::each(std::string table, std::string allowed, std::function<bool(const std::string&)> declare) {
  tables_.push_back({std::move(table), std::move(allowed), std::move(declare)});
}

settings::setting* settings::by_key(std::string_view key) const {
  for (const auto& s : settings_) {
    if (!key.empty() && s->key_ == key) return s.get();
  }
  return nullptr;
}

config_error settings::wrong(std::initializer_list<std::string_view> keys, std::string_view allowed) const {
  for (const auto key : keys) {
    if (const auto* s = by_key(key); s && s->given_) return wrong_value(key, *s->given_, allowed);
  }
  return {std::string(keys.size() ? *keys.begin() : "").append(": allowed is ").append(allowed)};
}

bool settings::is_table(std::string_view key) const {
  const auto inside = [&](std::string_view k) { return k.size() > key.size() && k.starts_with(key) && k[key.size()] == '.'; };
  return std::any_of(settings_.begin(), settings_.end(), [&](const auto& s) { return inside(s->key_); }) ||
         std::any_of(tables_.begin(), tables_.end(), [&](const auto& t) { return t.key == key || inside(t.key); });
}

config_error settings::unknown_key(std::string_view key, std::string_view source) const {
  // The nearest table around the key that there is, and what it may hold.
  auto table = parent(key);
  while (!table.empty() && !is_table(table)) table = parent(table);
  std::vector<std::string_view> names;
  const auto offer = [&](std::string_view k) {
    if (!table.empty()) {
      if (!k.starts_with(table) || k.size() <= table.size() || k[table.size()] != '.') return;
      k.remove_prefix(table.size() + 1);
    }
    k = k.substr(0, k.find('.'));
    if (!k.empty() && std::find(names.begin(), names.end(), k) == names.end()) names.push_back(k);
  };
  for (const auto& s : settings_) offer(s->key_);
  for (const auto& t : tables_) offer(t.key);
  std::string line = std::string(source).append(": ").append(key).append(": unknown key: allowed ");
  line.append(table.empty() ? "at the top" : "in [").append(table).append(table.empty() ? " are" : "] are");
  const char* comma = " ";
  for (const auto name : names) {
    line.append(comma).append(name);
    comma = ", ";
  }
  return {line};
}

std::optional<config_error> settings::declare_tables(const config_document& document) {
  for (const auto& t : tables_) {
    const auto declare = [&](std::string_view key, const std::string& source) -> std::optional<config_error> {
      if (key.size() <= t.key.size() + 1 || !key.starts_with(t.key) || key[t.key.size()] != '.') return std::nullopt;
      const auto rest = key.substr(t.key.size() + 1);
      const std::string name(rest.substr(0, rest.find('.')));
      if (t.declare(name)) return std::nullopt;
      return config_error{source + ": " + t.key + "." + name + ": allowed is " + t.allowed};
    };
    for (const auto& inner : document.tables()) {
      if (auto error = declare(inner.key, inner.source)) return error;
    }
    for (const auto& e : document.entries()) {
      if (auto error = declare(e.key, e.value.source)) return error;
    }
  }
  return std::nullopt;
}

std::optional<config_error> settings::read_file(const config_document& document) {
  if (auto error = declare_tables(document)) return error;
  for (const auto& t : document.tables()) {
    if (!is_table(t.key)) return unknown_key(t.key, t.source);
  }
  for (const auto& e : document.entries()) {
    auto* s = by_key(e.key);
    if (!s) return unknown_key(e.key, e.value.source);
    s->given_ = e.value;
    auto taken = e.value;
    auto* const path = s->is_path_ ? std::get_if<std::string>(&taken.data) : nullptr;
    if (path) *path = document.located(*path);
    if (!s->assign_(taken)) return wrong_value(e.key, taken, s->allowed_);
  }
  return std::nullopt;
}

std::optional<config_error> settings::check_rules() const {
  for (const auto& check : rules_) {
    if (auto error = check()) return error;
  }
  return std::nullopt;
}

std::optional<config_error> settings::load(const config_document& document) {
  if (auto error = read_file(document)) return error;
  return check_rules();
}

std::vector<std::string> settings::keys() const {
  std::vector<std::string> all;
  for (const auto& s : settings_) {
    if (!s->key_.empty()) all.push_back(s->key_);
  }
  return all;
}

std::map<std::string, std::string> settings::values() const {
  std::map<std::string, std::string> all;
  for (const auto& s : settings_) {
    if (!s->key_.empty()) all[s->key_] = s->written_();
  }
  return all;
}

}  // namespace agw
