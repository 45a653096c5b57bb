#include "agw/iq/media_gateway.hpp"

#include "gateway_control.hpp"

namespace agw::iq {

media_gateway::media_gateway(media_gateway_config config, const gateway::gateway_services& services, shard_pool& shards,
                             h248::endpoint& control, h248::registration& registration, const h248::package_names& names)
    : control_(std::make_shared<gateway_control>(std::move(config), services, shards, control, registration, names)) {
  control_->begin();
}

media_gateway::~media_gateway() = default;

awaitable<void> media_gateway::execute(const h248::incoming_request& request, h248::outgoing_reply& reply) {
  return control_->execute(request, reply);
}

awaitable<void> media_gateway::run() {
  auto body = [this](task_group& tasks) -> awaitable<void> {
    tasks.spawn("silence", [this] { return control_->watch_controller(); });
    for (;;) {
      co_await sleep_until(deadline_after(std::chrono::seconds(1)));
      control_->every_second();
    }
  };
  co_await with_tasks("gateway", std::move(body));
}

awaitable<void> media_gateway::close() { return control_->close(); }

void media_gateway::drain() noexcept { control_->drain(); }

bool media_gateway::draining() const noexcept { return control_->draining(); }

awaitable<bool> media_gateway::empty(deadline by) { return control_->empty(by); }

void media_gateway::set_limits(const media_gateway_config& from) { control_->set_limits(from); }

void media_gateway::set_names(const h248::package_names& names) { control_->set_names(names); }

std::size_t media_gateway::contexts() const noexcept { return control_->contexts(); }

}  // namespace agw::iq
