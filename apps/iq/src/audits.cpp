// AuditValue and AuditCapability.
#include <algorithm>

#include "audits.hpp"

namespace agw::iq {

using h248::error_code;

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
        const auto found = have->properties.find(lower(std::string(p.name.package) + "/" + std::string(p.name.item)));
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

awaitable<void> command_runner::audit_value(h248::action_state& at, const h248::command& c) {
  static const h248::audit_descriptor nothing;
  const auto* wanted = c.find<h248::audit_descriptor>();
  if (!wanted) wanted = &nothing;
  const auto context = at.asked().context;
  if (c.termination().has_choose()) {
    at.fail(c, error_code::incorrect_identifier, c.termination().name);
    co_return;
  }
  if (c.termination().is_root()) {
    if (context.is_all()) {  // the list of contexts: an action reply each
      for (const auto& [id, record] : state_.contexts) {
        at.answer_under(record->id);
        at.answer(c);
      }
      if (state_.contexts.empty()) answer_root_audit(at, at.answer(c), *wanted, state_);
      co_return;
    }
    if (!context.is_null()) {
      at.fail(c, error_code::incorrect_identifier, "ROOT");
      co_return;
    }
    answer_root_audit(at, at.answer(c), *wanted, state_);
    co_return;
  }
  if (context.is_null()) {  // IP terminations are ephemeral: none ever stands in the NULL context
    at.fail(c, c.termination().has_all() ? error_code::no_termination_matched : error_code::unknown_termination, c.termination().name);
    co_return;
  }
  const bool any = at.asked().audit && at.asked().audit->logic == h248::select_logic::any_of;
  bool answered = false;
  const auto all = matching(at, c);
  for (const auto& [record, termination] : all) {
    if (!selected(*wanted, *termination, any)) continue;
    answered = true;
    termination->touched = clock::now();
    if (!record_) at.answer_under(record->id);
    gateway::termination_statistics counted_streams;
    if (asks_for_statistics(*wanted) && record->context) {
      auto read = [gate = record->context.get(), id = termination->id]() -> awaitable<gateway::termination_statistics> {
        co_return gate->statistics(id);
      };
      turnstile::pass turn;
      if (record != record_) turn = co_await turnstile::enter(record->turn);
      if (record->closing) continue;
      counted_streams = co_await on(*record->home, read);
    }
    auto& answer = at.answer(c, h248::termination_id{termination->name});
    add_audit(at, answer, *wanted, *termination, counted_streams);
  }
  if (!answered && !all.empty()) at.fail(c, error_code::no_termination_matched, c.termination().name);
}

}  // namespace agw::iq
