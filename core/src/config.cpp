#include "agw/core/config.hpp"

#include <cerrno>
#include <fstream>
#include <iterator>
#include <stdexcept>
#include <system_error>

#include <boost/throw_exception.hpp>
#include <toml++/toml.h>

namespace agw {

namespace {

constexpr std::size_t longest_shown = 80;

std::string place(const std::string& name, const toml::source_region& where) {
  return name + ":" + std::to_string(where.begin.line);
}

// Quoted as TOML does, on one line and not for ever.
std::string quoted(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    if (out.size() > longest_shown) return out + "...\"";
    if (c == '"' || c == '\\') out += '\\';
    out += static_cast<unsigned char>(c) < 0x20 || c == 0x7f ? '?' : c;
  }
  return out + "\"";
}

config_value convert(const toml::node& node, const std::string& name) {
  config_value value{config_value::unsupported{"a value"}, place(name, node.source())};
  if (const auto* text = node.as_string()) {
    value.data = text->get();
  } else if (const auto* number = node.as_integer()) {
    value.data = number->get();
  } else if (const auto* truth = node.as_boolean()) {
    value.data = truth->get();
  } else if (const auto* array = node.as_array()) {
    config_value::list items;
    for (const auto& item : *array) items.push_back(convert(item, name));
    value.data = std::move(items);
  } else if (node.is_floating_point()) {
    value.data = config_value::unsupported{"a floating-point number"};
  } else if (node.is_table()) {
    value.data = config_value::unsupported{"a table"};
  } else {
    value.data = config_value::unsupported{"a date or time"};
  }
  return value;
}

void flatten(const toml::table& table, const std::string& prefix, const std::string& name,
             std::vector<config_document::entry>& entries, std::vector<config_document::table>& tables) {
  for (const auto& [key, node] : table) {
    auto path = prefix.empty() ? std::string(key.str()) : prefix + "." + std::string(key.str());
    if (const auto* inner = node.as_table()) {
      tables.push_back({path, place(name, node.source())});
      flatten(*inner, path, name, entries, tables);
    } else {
      entries.push_back({std::move(path), convert(node, name)});
    }
  }
}

}  // namespace

void throw_exception_from_error(const config_error& e, const boost::source_location& where) {
  boost::throw_exception(std::runtime_error(e.text), where);
}

std::string config_value::written() const {
  if (const auto* text = std::get_if<std::string>(&data)) return is_text ? *text : quoted(*text);
  if (const auto* number = std::get_if<std::int64_t>(&data)) return std::to_string(*number);
  if (const auto* truth = std::get_if<bool>(&data)) return *truth ? "true" : "false";
  if (const auto* other = std::get_if<unsupported>(&data)) return other->what;
  std::string out;
  for (const auto& item : std::get<list>(data)) {
    if (!out.empty()) out += ", ";
    if (out.size() > longest_shown) {
      out += "...";
      break;
    }
    out += item.written();
  }
  return is_text ? out : "[" + out + "]";
}

config_error wrong_value(std::string_view key, const config_value& value, std::string_view allowed) {
  std::string line = value.source + ": ";
  if (!value.is_text) line.append(key).append(" = ");
  return {line.append(value.written()).append(": allowed is ").append(allowed)};
}

config_result<std::string> read_config_file(const std::string& path) {
  errno = 0;
  std::ifstream in(path, std::ios::binary);
  // A directory opens, but does not read.
  if (in) in.peek();
  if (!in && !in.eof()) {
    const int why = errno != 0 ? errno : EIO;
    return config_error{path + ": " + std::system_category().message(why) + ": allowed is a file that can be read"};
  }
  in.clear();
  std::string text{std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
  // Explicit, because a config_error can be made of a string, too.
  return {boost::system::in_place_value, std::move(text)};
}

config_result<config_document> config_document::parse(std::string_view text, std::string name) {
  config_document document;
  if (const auto slash = name.rfind('/'); slash != std::string::npos) document.folder_ = name.substr(0, slash + 1);
  try {
    const auto root = toml::parse(text);
    flatten(root, "", name, document.entries_, document.tables_);
  } catch (const toml::parse_error& e) {
    return config_error{place(name, e.source()) + ": " + std::string(e.description())};
  }
  return document;
}

std::string config_document::located(const std::string& path) const {
  return path.empty() || path.front() == '/' ? path : folder_ + path;
}

const config_value* config_document::find(std::string_view key) const noexcept {
  for (const auto& e : entries_) {
    if (e.key == key) return &e.value;
  }
  return nullptr;
}

}  // namespace agw
