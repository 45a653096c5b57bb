// Contexts that nobody owns: an MGC that was lost, or gave its calls up, never subtracts them.
#include <algorithm>
#include <map>
#include <string>

#include "agw/core/log.hpp"
#include "agw/core/metrics.hpp"
#include "agw/core/scope_guard.hpp"
#include "call_metrics.hpp"
#include "gateway_control.hpp"

namespace agw::iq {

namespace {

// Where orphans are not ended they are counted all the same: a call of an MGC that audits is never as old.
constexpr auto told_after = std::chrono::hours(1);
constexpr std::size_t most_listed = 20;
constexpr std::size_t ended_at_once = 64;  // on each shard

std::string list_of(const std::vector<std::uint32_t>& contexts) {
  std::string out;
  for (std::size_t i = 0; i < std::min(contexts.size(), most_listed); ++i) {
    if (i > 0) out += ", ";
    out += std::to_string(contexts[i]);
  }
  if (contexts.size() > most_listed) out += " and " + std::to_string(contexts.size() - most_listed) + " more";
  return out;
}

}  // namespace

// One pass over the directory, a tenth of the time apart: 10 000 contexts take less than a millisecond, and none has a timer.
void gateway_control::watch_orphans() {
  const auto now = clock::now();
  if (now < next_sweep_ || ending_orphans_) return;
  const auto limit = facts_.config.orphaned_after;
  const bool ends = limit > clock::duration{};
  const clock::duration after = ends ? limit : told_after;
  next_sweep_ = now + std::clamp<clock::duration>(after / 10, std::chrono::seconds(1), std::chrono::minutes(1));
  std::vector<std::uint32_t> found;
  std::size_t all = 0;
  for (const auto& [id, known] : directory_.contexts()) {
    const bool orphaned = known.made && now - known.touched >= after;
    if (orphaned) ++all;
    if (orphaned && (ends || !known.orphaned)) found.push_back(id);
  }
  if (auto* const counted = facts_.services.stages.metrics) orphaned_contexts(*counted).Set(static_cast<double>(all));
  if (found.empty()) return;
  for (const auto id : found) directory_.find(id)->orphaned = true;
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(after).count();
  const auto age = seconds < 120 ? std::to_string(seconds) + " s" : std::to_string(seconds / 60) + " min";
  if (!ends) return log::info("{} contexts that no MGC has touched or audited for {}: {}", found.size(), age, list_of(found));
  log::warn("{} contexts that no MGC has touched or audited for {} end: {}", found.size(), age, list_of(found));
  ending_orphans_ = true;
  orders_.spawn("orphans", [this, ids = std::move(found)] { return end_orphans(ids); });
}

awaitable<void> gateway_control::end_orphans(std::vector<std::uint32_t> contexts) {
  const scope_guard done([this] { ending_orphans_ = false; });
  // What was touched since the sweep is somebody's after all; from here on a command comes behind the end.
  const auto after = facts_.config.orphaned_after;
  std::map<std::uint32_t, clock::time_point> touched;
  std::vector<h248::context_id> ids;
  for (const auto id : contexts) {
    const auto* const known = directory_.find_made(id);
    if (!known || clock::now() - known->touched < after) continue;
    touched.emplace(id, known->touched);
    ids.push_back(h248::context_id{id});
  }
  auto end = [](context_owner& owner) -> awaitable<void> {
    co_await owner.close();
    owner.forget();
  };
  co_await in_contexts(std::move(ids), ended_at_once, std::move(end));
  std::size_t ended = 0;
  for (const auto& [id, when] : touched) {
    const auto* const known = directory_.find(id);
    if (!known || known->touched != when) continue;
    directory_.forget(id);
    ++ended;
  }
  if (auto* const counted = facts_.services.stages.metrics) {
    orphans_ended(*counted).Increment(static_cast<double>(ended));
  }
  if (directory_.size() == 0) emptied_.set();
}

}  // namespace agw::iq
