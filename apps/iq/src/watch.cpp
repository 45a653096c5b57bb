// What the gateway notices by the passing of time: hanging terminations, a silent MGC, flows that stopped, interfaces that went.
#include <algorithm>

#include "agw/core/log.hpp"
#include "agw/transports/tcp.hpp"
#include "state.hpp"

namespace agw::iq {

namespace {

/// The event of the active Events descriptor that this name is meant by; null when none is.
const h248::requested_event* subscribed(const termination_record& t, std::string_view name) {
  if (!t.events) return nullptr;
  const auto found = std::ranges::find_if(t.events->events, [&](const auto& e) { return e.name.matches(h248::item_name::of(name)); });
  return found == t.events->events.end() ? nullptr : &*found;
}

std::int64_t number(const h248::requested_event& e, std::string_view parameter, std::int64_t otherwise) {
  const auto* p = h248::find(e.parameters, parameter);
  return p ? p->values.first().as_integer().value_or(otherwise) : otherwise;
}

}  // namespace

bool state::in_service(std::string_view interface) const {
  const auto name = lower(interface);
  return !lost.contains(name) && !interface_service.contains(name);
}

std::vector<std::string> state::realms() const {
  std::vector<std::string> out;
  for (const auto& i : config.interfaces) {
    if (in_service(i.name)) out.push_back(i.realm);
  }
  return out;
}

double state::load() const {
  return config.max_contexts == 0 ? 1.0 : static_cast<double>(contexts.size()) / static_cast<double>(config.max_contexts);
}

awaitable<void> state::every_second() {
  if (closing) co_return;
  const auto now = clock::now();
  co_await watch_interfaces();
  if (const auto* ito = subscribed(*root, "it/ito")) {
    const auto limit = std::chrono::milliseconds(10) * number(*ito, "mit", 0);
    const auto mgc = registration.mgc();
    const auto heard = std::max(root->moved, mgc ? control.last_heard(*mgc).value_or(root->moved) : root->moved);
    if (mgc && limit.count() > 0 && now - heard >= limit) {
      root->moved = now;
      observe(null_context, root, make_observed("it", "ito", 0));
    }
  }
  const bool over = config.overload_percent < 100 && load() * 100 >= config.overload_percent;
  if (over && !overloaded) observe(null_context, root, make_observed("ocp", "mg_overload", 0));
  overloaded = over;

  struct flow {
    std::shared_ptr<context_record> context;
    std::shared_ptr<termination_record> termination;
    std::chrono::seconds limit;
  };
  std::vector<flow> flows;
  for (const auto& [id, context] : contexts) {
    for (const auto& [name, termination] : context->terminations) {
      if (const auto* stop = subscribed(*termination, "adid/ipstop"); stop && !termination->stopped) {
        flow one;
        one.context = context;
        one.termination = termination;
        one.limit = std::chrono::seconds(number(*stop, "dt", 60));
        flows.push_back(std::move(one));
      }
      const auto* heartbeat = subscribed(*termination, "hangterm/thb");
      const std::chrono::seconds period(heartbeat ? number(*heartbeat, "timerx", 3600) : 0);
      if (period.count() > 0 && now - termination->touched >= period) {
        termination->touched = now;
        // It may change which events and signals are active, but no context and no termination goes by it.
        observe(context, termination, make_observed("hangterm", "thb", 0));
      }
    }
  }
  for (const auto& one : flows) co_await watch_flow(one.context, one.termination, one.limit);
}

awaitable<void> state::watch_flow(std::shared_ptr<context_record> context, std::shared_ptr<termination_record> termination,
                                  std::chrono::seconds limit) {
  const auto turn = co_await turnstile::enter(context->turn);
  if (context->closing || !context->context) co_return;
  auto read = [gate = context->context.get(), id = termination->id]() -> awaitable<gateway::termination_statistics> {
    co_return gate->statistics(id);
  };
  const auto counted = co_await on(*context->home, read);
  const auto* stop = subscribed(*termination, "adid/ipstop");
  if (!stop) co_return;
  const auto* dir = h248::find(stop->parameters, "dir");
  const bool in = !dir || !dir->values.first().is("OUT"), out = !dir || !dir->values.first().is("IN");
  const auto only = stop->stream ? stop->stream->value : std::uint16_t{0};
  std::uint64_t octets = 0;
  for (const auto& [n, s] : counted) {
    if (only == 0 || n.value == only) octets += (in ? s.octets_received : 0) + (out ? s.octets_sent : 0);
  }
  const auto now = clock::now();
  if (octets != termination->octets) {
    termination->octets = octets;
    termination->moved = now;
  } else if (now - std::max(termination->moved, termination->subscribed) >= limit) {
    termination->stopped = true;  // once for each Events descriptor
    observe(context, termination, make_observed("adid", "ipstop", only));
  }
}

// An interface whose address has left the machine is out of service as a whole, and back when the address is.
awaitable<void> state::watch_interfaces() {
  std::vector<std::string> gone, back;
  for (const auto& i : config.interfaces) {
    const bool here = config.has_address ? config.has_address(i.address) : tcp::is_local(i.address);
    const auto name = lower(i.name);
    if (here == !lost.contains(name)) continue;
    if (here) lost.erase(name);
    else lost.insert(name);
    log::warn("interface {}: {} is {}", i.name, i.address.to_string(), here ? "back" : "gone");
    (here ? back : gone).push_back(i.realm);
    co_await interface_changed(i.name, here);
    notify.service_change("ip/" + std::to_string(config.group) + "/" + i.name + "/*",
                          here ? h248::change_method::restart : h248::change_method::forced,
                          here ? h248::change_reason::service_restored : h248::change_reason::lower_layer_lost);
  }
  if (gone.empty() && back.empty()) co_return;
  auto changed = make_observed("ipra", "arc", 0);
  for (const auto& realm : back) add_text(changed, "newrealms", realm);
  for (const auto& realm : gone) add_text(changed, "delrealms", realm);
  observe(null_context, root, std::move(changed));
}

}  // namespace agw::iq
