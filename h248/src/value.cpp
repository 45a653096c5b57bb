#include <agw/h248/value.hpp>

#include <charconv>

#include <agw/h248/command.hpp>

namespace agw::h248 {

std::optional<bool> value::as_boolean() const noexcept {
  if (quoted) return std::nullopt;
  if (iequals(text, "on")) return true;
  if (iequals(text, "off")) return false;
  return std::nullopt;
}

std::optional<std::int64_t> value::as_integer() const noexcept {
  if (quoted || text.empty()) return std::nullopt;
  const bool hex = istarts_with(text, "0x");
  const std::string_view digits = hex ? text.substr(2) : text;
  if (digits.empty() || (hex && digits.front() == '-')) return std::nullopt;
  std::int64_t number = 0;
  const auto [end, failed] = std::from_chars(digits.data(), digits.data() + digits.size(), number, hex ? 16 : 10);
  if (failed != std::errc{} || end != digits.data() + digits.size()) return std::nullopt;
  return number;
}

const property* find(const list<property>& in, item_name name) noexcept {
  for (const auto& p : in) {
    if (p.name == name) return &p;
  }
  return nullptr;
}

const parameter* find(const list<parameter>& in, std::string_view name) noexcept {
  for (const auto& p : in) {
    if (iequals(p.name, name)) return &p;
  }
  return nullptr;
}

std::optional<std::uint16_t> services_descriptor::reason_code() const noexcept {
  if (!reason) return std::nullopt;
  std::uint16_t code = 0;
  const std::string_view text = reason->text;
  const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), code);
  if (failed != std::errc{} || (end != text.data() + text.size() && *end != ' ')) return std::nullopt;
  return code;
}

}  // namespace agw::h248
