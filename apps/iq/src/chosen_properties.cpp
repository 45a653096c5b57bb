#include "chosen_properties.hpp"

#include <algorithm>

#include "agw/h248/packages.hpp"

namespace agw::iq {

using h248::error_code;
using h248::relation;
using h248::value;
using h248::value_form;

namespace {

command_error no_value(const h248::property& p) {
  std::string text = h248::to_text(p.name) + "=";
  for (const auto& v : p.values.values) text += (&v == &p.values.values.front() ? "" : ",") + std::string(v.text);
  return command_error(error_code::unknown_value, std::move(text));
}

/// A number above or below one, ON for not OFF.
std::optional<value> by_relation(const h248::property& p, std::list<std::string>& words) {
  const auto from = p.values.first();
  if (const auto on = from.as_boolean(); on && p.values.rel == relation::not_equal) return value{*on ? "OFF" : "ON", false};
  const auto n = from.as_integer();
  if (!n) return std::nullopt;
  return value{words.emplace_back(std::to_string(p.values.rel == relation::less ? *n - 1 : *n + 1)), false};
}

/// What the gateway takes when it is asked to choose.
std::optional<value> standard(const h248::property& p) {
  const auto* item = h248::find_item(h248::item_kind::property, p.name);
  if (!item) return std::nullopt;
  if (p.name.is("tman/sdr")) return value{"10000", false};
  if (item->value.type == h248::value_type::boolean) return value{"OFF", false};
  if (item->value.type == h248::value_type::enumeration) return value{item->value.words.back(), false};
  return std::nullopt;
}

std::optional<value> choice(const h248::property& p, std::list<std::string>& words) {
  if (p.values.empty()) return std::nullopt;
  const auto* item = h248::find_item(h248::item_kind::property, p.name);
  const auto fits = [&](value v) { return !v.is_choose() && !v.is_all() && item && h248::fits(item->value, h248::one(v)); };
  std::optional<value> out;
  if (p.values.rel != relation::equal) {
    out = by_relation(p, words);
  } else if (p.values.first().is_choose()) {
    out = standard(p);
  } else {  // alternatives and ranges begin with what is wanted most, or least
    const auto found = std::ranges::find_if(p.values.values, fits);
    if (found != p.values.values.end()) out = *found;
  }
  return out && fits(*out) ? out : std::nullopt;
}

const interface_config* of_realm(std::string_view realm, const std::vector<interface_config>& all) {
  const auto found = std::ranges::find_if(all, [&](const interface_config& i) { return i.realm == realm; });
  return found == all.end() ? nullptr : &*found;
}

checked<value> realm_of(const h248::property& p, const interface_config& at, const std::vector<interface_config>& interfaces) {
  const value ours = h248::quoted(at.realm);
  const bool not_these = p.values.rel == relation::not_equal;
  if (p.values.rel != relation::equal && !not_these) return no_value(p);
  if (p.values.form == value_form::range || p.values.empty()) return no_value(p);
  bool known = false, named = false;
  for (const auto& v : p.values.values) {
    if (v.is_choose()) return ours;
    known = known || of_realm(v.text, interfaces) != nullptr;
    named = named || v.text == at.realm;
  }
  if (named != not_these) return ours;
  if (!known && !not_these) return no_value(p);
  auto why = no_value(p);
  why.code = error_code::conflicting_values;
  why.text += " on interface " + at.name;
  return why;
}

}  // namespace

checked<chosen_properties> choose_properties(const h248::list<h248::property>& asked, const interface_config& at,
                                             const std::vector<interface_config>& interfaces, std::list<std::string>& words) {
  chosen_properties out;
  for (const auto& p : asked) {
    h248::property one;
    one.name = p.name;
    const auto single = p.values.single();
    const bool plain = single && !single->is_choose();
    if (p.name.is("ipdc/realm")) {
      auto realm = realm_of(p, at, interfaces);
      if (!realm) return realm.error();
      one.values = h248::one(*realm);
    } else if (plain) {
      one.values = p.values;
    } else {
      const auto found = choice(p, words);
      if (!found) return no_value(p);
      one.values = h248::one(*found);
    }
    if (!plain) out.chosen.push_back(one);
    out.all.push_back(std::move(one));
  }
  return out;
}

checked<const interface_config*> interface_of_realms(const h248::media_descriptor& media, const std::vector<interface_config>& interfaces) {
  const interface_config* out = nullptr;
  std::optional<command_error> unknown;
  media.for_each_stream([&](h248::stream_id, const h248::stream_parameters& s) {
    const auto* p = s.control ? h248::find(s.control->properties, "ipdc/realm") : nullptr;
    if (out || !p || p->values.rel != relation::equal) return;
    bool open = false;
    for (const auto& v : p->values.values) {
      open = open || v.is_choose();
      if (!out) out = of_realm(v.text, interfaces);
    }
    if (!out && !open && !unknown) unknown = no_value(*p);
  });
  if (!out && unknown) return *unknown;
  return out;
}

}  // namespace agw::iq
