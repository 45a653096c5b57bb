// What the table says about values, and the table as a page to read.
#include <agw/h248/packages.hpp>

#include <algorithm>
#include <charconv>
#include <cstdio>

namespace agw::h248 {
namespace {

bool is_real(std::string_view text) noexcept {
  double number = 0;
  const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), number, std::chars_format::fixed);
  return failed == std::errc{} && end == text.data() + text.size();
}

bool is_octets(std::string_view text) noexcept {
  if (istarts_with(text, "0x")) text.remove_prefix(2);
  return !text.empty() && std::ranges::all_of(text, ascii_hex);
}

bool fits(const value_rule& rule, const value& v) noexcept {
  if (v.is_choose() || v.is_all()) return true;
  switch (rule.type) {
    case value_type::boolean: return v.as_boolean().has_value();
    case value_type::integer: {
      const auto n = v.as_integer();
      return n && *n >= rule.min && *n <= rule.max;
    }
    case value_type::real: return !v.quoted && (is_real(v.text) || v.as_integer());
    case value_type::octets: return is_octets(v.text);
    case value_type::enumeration:
      return !v.quoted && std::ranges::any_of(rule.words, [&](std::string_view word) { return iequals(word, v.text); });
    case value_type::string: return true;
  }
  return false;
}

std::string in_words(const value_rule& rule) {
  switch (rule.type) {
    case value_type::boolean: return "ON, OFF";
    case value_type::integer: return std::to_string(rule.min) + " to " + std::to_string(rule.max);
    case value_type::real: return "number";
    case value_type::octets: return "hexadecimal";
    case value_type::string: return rule.several ? "strings" : "string";
    case value_type::enumeration: break;
  }
  std::string out;
  for (const auto word : rule.words) (out += out.empty() ? "" : ", ") += word;
  return out;
}

std::string hex(std::uint16_t n) {
  char text[8];
  std::snprintf(text, sizeof text, "0x%04x", n);
  return text;
}

std::string_view mark(standing s) {
  switch (s) {
    case standing::known: return "";
    case standing::number_assumed: return "number";
    case standing::provisional: return "P";
  }
  return "";
}

}  // namespace

bool fits(const value_rule& rule, const value_set& values) noexcept {
  if (values.rel != relation::equal) return true;
  // Braces mean "one of these", brackets "all of these": which is meant depends on the item.
  if (values.empty() || values.form == (rule.several ? value_form::alternatives : value_form::sublist)) return false;
  return std::ranges::all_of(values.values, [&](const value& v) { return fits(rule, v); });
}

std::string packages_as_markdown() {
  static constexpr std::string_view kinds[] = {"property", "event", "signal", "statistic"};
  std::string out =
      "| package | number | version | from | provisional |\n"
      "|---|---|---|---|---|\n";
  for (const auto& p : package_table()) {
    if (!p.implemented) continue;
    out += "| `" + std::string(p.name) + "` | " + hex(p.id) + " | " + std::to_string(p.version) + " | " + std::string(p.source) +
           " | " + std::string(mark(p.identifier)) + " |\n";
  }
  out +=
      "\n| item | kind | number | values | meaning | provisional |\n"
      "|---|---|---|---|---|---|\n";
  for (const auto& p : package_table()) {
    if (!p.implemented) continue;
    for (const auto& i : p.items) {
      const bool valued = i.kind == item_kind::property || i.kind == item_kind::statistic;
      out += "| `" + std::string(p.name) + "/" + std::string(i.name) + "` | " +
             std::string(kinds[static_cast<std::size_t>(i.kind)]) + " | " + hex(i.id) + " | " +
             (valued ? in_words(i.value) : std::string()) + " | " + std::string(i.meaning) +
             (i.read_only && i.places != place::none ? ", read-only" : "") + " | " + std::string(mark(i.identifier)) + " |\n";
      for (const auto& q : i.parameters) {
        out += "| `  " + std::string(q.name) + "` | parameter | " + hex(q.id) + " | " + in_words(q.value) + " | " +
               std::string(q.meaning) + " | " + std::string(mark(i.identifier)) + " |\n";
      }
    }
  }
  return out;
}

}  // namespace agw::h248
