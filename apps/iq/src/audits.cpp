// Which terminations an AuditValue selects by the values that it gives.
#include <algorithm>

#include "audits.hpp"

namespace agw::iq {

namespace {

template <class T>
bool meets(const h248::audited<T>& wanted, T value) {
  if (!wanted.selected) return true;
  return (*wanted.selected == value) == (wanted.rel != h248::relation::not_equal);
}

bool meets(const h248::property& wanted, const stored_property* have) {
  const auto asked = wanted.values.first();
  const auto text = have && !have->values.empty() ? std::string_view(have->values.front()) : std::string_view();
  const h248::value value{text, false};
  const auto left = value.as_integer(), right = asked.as_integer();
  switch (wanted.values.rel) {
    case h248::relation::equal:
      return std::ranges::any_of(wanted.values.values, [&](const h248::value& v) { return v.is_all() || h248::iequals(v.text, text); });
    case h248::relation::not_equal: return !h248::iequals(asked.text, text);
    case h248::relation::greater: return left && right && *left > *right;
    case h248::relation::less: return left && right && *left < *right;
  }
  return false;
}

}  // namespace

bool selected(const h248::audit_descriptor& wanted, const termination_record& t, bool any) {
  std::vector<bool> met;
  const auto stream = [&](const h248::audit_stream& asked, const stream_record* have) {
    if (!asked.control) return;
    if (asked.control->mode && asked.control->mode->selected) met.push_back(have && meets(*asked.control->mode, have->mode));
    for (const auto& p : asked.control->properties) {
      if (p.values.empty()) continue;
      const stored_property* value = nullptr;
      if (have) {
        const auto found = have->properties.find(lower(h248::to_text(p.name)));
        if (found != have->properties.end()) value = &found->second;
      }
      met.push_back(meets(p, value));
    }
  };
  const auto record = [&](std::uint16_t n) {
    const auto found = t.streams.find(n);
    return found == t.streams.end() ? nullptr : &found->second;
  };
  for (const auto& item : wanted.items) {
    const auto* media = std::get_if<h248::audit_media>(&item);
    if (!media) continue;
    if (media->state && media->state->service && media->state->service->selected) met.push_back(meets(*media->state->service, t.state()));
    if (media->single) stream(*media->single, t.streams.size() == 1 ? &t.streams.begin()->second : record(1));
    for (const auto& one : media->streams) stream(one.parameters, record(one.id.value));
  }
  if (met.empty()) return true;
  const auto yes = std::ranges::count(met, true);
  return any ? yes > 0 : yes == static_cast<std::ptrdiff_t>(met.size());
}

}  // namespace agw::iq
