#include "root_values.hpp"

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <span>
#include <variant>

namespace agw::iq {

namespace {

using h248::transaction_config;

using timer_of = clock::duration transaction_config::*;
using limit_of = std::uint32_t transaction_config::*;

struct root_item {
  std::string_view name;
  std::variant<timer_of, limit_of> at;
  std::int64_t least;
  std::int64_t most;
};

// In ms, but for the limits. The bounds are those of agw-server's configuration.
constexpr root_item items[] = {
    {"root/normalMGExecutionTime", &transaction_config::normal_execution_time, 50, 29'000},
    {"root/normalMGCExecutionTime", &transaction_config::peer_execution_time, 50, 29'000},
    {"root/MGProvisionalResponseTimerValue", &transaction_config::provisional_response_time, 50, 29'000},
    {"root/MGCProvisionalResponseTimerValue", &transaction_config::provisional_timeout, 100, 60'000},
    {"root/MGCOriginatedPendingLimit", &transaction_config::received_pending_limit, 1, 1000},
    {"root/MGOriginatedPendingLimit", &transaction_config::sent_pending_limit, 1, 1000}};

const root_item* find(h248::item_name name) {
  const auto all = std::span(items);
  const auto at = std::ranges::find_if(all, [&](const root_item& i) { return name.is(i.name); });
  return at == all.end() ? nullptr : &*at;
}

root_error refusal(const h248::property& p) {
  static constexpr std::string_view signs[] = {"=", ">", "<", "#"};
  auto text = h248::to_text(p.name);
  text += signs[static_cast<std::size_t>(p.values.rel)];
  text += p.values.values.size() > 1 ? "several values" : std::string(p.values.first().text);
  return {h248::error_code::unknown_value, std::move(text)};
}

}  // namespace

std::optional<root_error> set_root_value(const h248::property& p, transaction_config& into) {
  const auto* item = find(p.name);
  if (item == nullptr) return std::nullopt;
  const auto one = p.values.single();
  const auto number = one && !one->quoted ? one->as_integer() : std::nullopt;
  if (!number || *number < item->least || *number > item->most) return refusal(p);
  if (const auto* timer = std::get_if<timer_of>(&item->at)) into.**timer = std::chrono::milliseconds(*number);
  else into.*std::get<limit_of>(item->at) = static_cast<std::uint32_t>(*number);
  return std::nullopt;
}

std::optional<std::uint64_t> root_value(h248::item_name name, const transaction_config& of) {
  const auto* item = find(name);
  if (item == nullptr) return std::nullopt;
  if (const auto* limit = std::get_if<limit_of>(&item->at)) return of.**limit;
  auto time = of.*std::get<timer_of>(item->at);
  // What is not set is the other side of the same wait.
  if (time == clock::duration{}) time = name.is("root/normalMGCExecutionTime") ? of.provisional_timeout : of.normal_execution_time;
  return static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::milliseconds>(time).count());
}

}  // namespace agw::iq
