#include "reload.hpp"

#include <algorithm>

#include "agw/control/addresses.hpp"

namespace agw::server {

namespace {

constexpr std::string_view changeable[] = {
    "log.level", "deadlines", "limits", "shutdown", "h248.names", "h248.mgc", "h248.silence", "h248.attempt_timeout", "h248.min_retry_delay",
    "h248.max_retry_delay", "h248.maximum_waiting_delay", "h248.handoff", "dtls.certificate", "dtls.key", "tls"};

bool is_in(std::string_view key, std::string_view key_or_table) {
  return key == key_or_table || (key.size() > key_or_table.size() && key.starts_with(key_or_table) && key[key_or_table.size()] == '.');
}

// Links are opened at the start.
bool has_other_links(const server_options& now, const server_options& next) {
  const auto mine = control::own_ends(now.h248, now.registration.mgcs);
  const auto wanted = control::own_ends(now.h248, next.registration.mgcs);
  return std::ranges::any_of(wanted, [&](const auto& end) { return std::ranges::find(mine, end) == mine.end(); });
}

}  // namespace

bool configuration_change::has(std::string_view key_or_table) const {
  return std::ranges::any_of(taken, [&](const std::string& key) { return is_in(key, key_or_table); });
}

configuration_change take_over(server_options& now, const server_options& next) {
  configuration_change out;
  const bool links = has_other_links(now, next);
  std::map<std::string, std::string> merged;
  const auto look_at = [&](const std::string& key) {
    const auto before = now.values.find(key);
    const auto after = next.values.find(key);
    const bool had = before != now.values.end(), has = after != next.values.end();
    if (had && has && before->second == after->second) {
      merged.insert(*before);
      return;
    }
    const bool can = std::ranges::any_of(changeable, [&](std::string_view c) { return is_in(key, c); }) && !(links && key == "h248.mgc");
    (can ? out.taken : out.restart).push_back(key);
    if (can ? has : had) merged.insert(can ? *after : *before);
  };
  for (const auto& [key, value] : now.values) look_at(key);
  for (const auto& [key, value] : next.values) {
    if (!now.values.contains(key)) look_at(key);
  }
  now.values = std::move(merged);
  now.log.level = next.log.level;
  now.deadlines = next.deadlines;
  now.names = next.names;
  now.shutdown_graceful = next.shutdown_graceful;
  now.shutdown_delay = next.shutdown_delay;
  now.dtls_certificate = next.dtls_certificate;
  now.dtls_key = next.dtls_key;
  now.tls = next.tls;
  now.iq.overload_percent = next.iq.overload_percent;
  now.iq.max_terminations_per_context = next.iq.max_terminations_per_context;
  now.iq.orphaned_after = next.iq.orphaned_after;
  if (out.has("limits.contexts")) now.iq.max_contexts = next.iq.max_contexts;
  auto& r = now.registration;
  if (!links) r.mgcs = next.registration.mgcs;
  r.inactivity_event = next.registration.inactivity_event;
  r.silence = next.registration.silence;
  r.attempt_timeout = next.registration.attempt_timeout;
  r.min_retry_delay = next.registration.min_retry_delay;
  r.max_retry_delay = next.registration.max_retry_delay;
  r.max_waiting_delay = next.registration.max_waiting_delay;
  r.handoff = next.registration.handoff;
  return out;
}

std::variant<server_options, std::string> read_again(const server_options& now) {
  std::vector<const char*> words;
  for (const auto& word : now.command_line) words.push_back(word.c_str());
  auto read = parse(static_cast<int>(words.size()), words.data());
  if (auto* const wrong = std::get_if<early_exit>(&read)) return std::move(wrong->text);
  return std::get<server_options>(std::move(read));
}

std::string list_of(const std::vector<std::string>& keys) {
  std::string out;
  for (const auto& key : keys) out.append(out.empty() ? "" : ", ").append(key);
  return out;
}

}  // namespace agw::server
