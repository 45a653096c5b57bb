// What the gateway notices by the passing of time: a silent MGC, interfaces that went, its own load; and, once a second on each shard, what concerns
// terminations.
#include <algorithm>

#include <boost/asio/post.hpp>

#include "agw/core/log.hpp"
#include "agw/transports/tcp.hpp"
#include "gateway_control.hpp"

namespace agw::iq {

void gateway_control::renew_service() {
  auto now = std::make_shared<service_status>();
  now->out = taken_out_;
  now->out.insert(lost_.begin(), lost_.end());
  now->out_of_service = out_of_service_;
  service_ = std::move(now);
}

std::vector<std::string> gateway_control::realms() const {
  std::vector<std::string> out;
  for (const auto& i : facts_.config.interfaces) {
    if (service_->serves(i.name)) out.push_back(i.realm);
  }
  return out;
}

void gateway_control::every_second() {
  if (closing_) return;
  watch_interfaces();
  watch_load();
  watch_orphans();
}

awaitable<void> gateway_control::watch_controller() {
  for (;;) {
    const auto now = clock::now();
    const auto* ito = subscribed(root_, "it/ito");
    const auto limit = std::chrono::milliseconds(10) * (ito ? number(*ito, "mit", 0) : 0);
    if (closing_ || limit.count() <= 0 || !registration_.mgc()) {
      co_await within(now + std::chrono::seconds(1), root_changed_.wait());
      continue;
    }
    const auto due = std::max(root_.moved, registration_.last_heard().value_or(root_.moved)) + limit;
    if (now < due) {
      co_await within(due, root_changed_.wait());
      continue;
    }
    root_.moved = now;
    observe_root(make_observed("it", "ito", 0));
  }
}

void gateway_control::watch_load() {
  const auto now = load();
  const bool over = facts_.config.overload_percent < 100 && now.share * 100 >= facts_.config.overload_percent;
  if (over != overloaded_) log::warn("{}: {} % are taken of the {}", over ? "overload" : "no overload any more", static_cast<int>(now.share * 100), now.what);
  if (over && !overloaded_) observe_root(make_observed("ocp", "mg_overload", 0));
  overloaded_ = over;
}

// An interface whose last address has left the machine is out of service as a whole, and back when one is.
void gateway_control::watch_interfaces() {
  std::vector<std::string> gone, back;
  for (const auto& i : facts_.config.interfaces) {
    const auto& addresses = i.addresses.bound;
    const bool here = std::ranges::any_of(addresses, [this](const gateway::ip_address& a) {
      return facts_.config.has_address ? facts_.config.has_address(a) : tcp::is_local(a);
    });
    const auto name = lower(i.name);
    if (here == !lost_.contains(name)) continue;
    if (here) lost_.erase(name);
    else lost_.insert(name);
    log::warn("interface {}: {} is {}", i.name, addresses.empty() ? "its address" : addresses.front().to_string(), here ? "back" : "gone");
    (here ? back : gone).push_back(i.realm);
    renew_service();
    for (const auto& home : homes_) {
      asio::post(home->where().executor(), [at = home.get(), name, here] { at->interface_changed(name, here); });
    }
    notifier_->service_change("ip/" + std::to_string(facts_.config.group) + "/" + i.name + "/*",
                              here ? h248::change_method::restart : h248::change_method::forced,
                              here ? h248::change_reason::service_restored : h248::change_reason::lower_layer_lost);
  }
  if (gone.empty() && back.empty()) return;
  auto changed = make_observed("ipra", "arc", 0);
  for (const auto& realm : back) add_text(changed, "newrealms", realm);
  for (const auto& realm : gone) add_text(changed, "delrealms", realm);
  observe_root(std::move(changed));
}

}  // namespace agw::iq
