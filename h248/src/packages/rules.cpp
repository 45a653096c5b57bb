// Whether values fit the rules of the table.
#include <agw/h248/packages.hpp>

#include <algorithm>
#include <charconv>

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

}  // namespace

bool fits(const value_rule& rule, const value_set& values) noexcept {
  if (values.rel != relation::equal) return true;
  // Braces mean "one of these", brackets "all of these": which is meant depends on the item.
  if (values.empty() || values.form == (rule.several ? value_form::alternatives : value_form::sublist)) return false;
  return std::ranges::all_of(values.values, [&](const value& v) { return fits(rule, v); });
}

}  // namespace agw::h248
