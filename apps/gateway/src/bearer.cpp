#include "bearer.hpp"

#include "component.hpp"

namespace agw::gateway {

bearer::bearer(const gateway_services& services, loop_executor executor, std::string label, stream_link& link,
               stage_observer seen)
    : services_(services),
      executor_(executor),
      link_(&link),
      scope_(services.stages, label, link.number.value, std::move(seen)),
      tasks_(executor, label) {
  scope_.remark_with([this] {
    const auto at = peer();
    return at.empty() ? at : (peer_.empty() && !active() ? "the peer is to come from " : "the peer is ") + at;
  });
}

bearer::~bearer() { leave(); }

std::string bearer::peer() const { return peer_.empty() && remote_ ? to_text(remote_->address, remote_->port) : peer_; }

void bearer::order(layer l) {
  const bool again = machine_.order(l);
  changed_.set();
  if (again) serve();
}

void bearer::died(gateway_event::kind what, layer l, std::string cause) {
  if (machine_.die() && on_death) on_death(what, l, std::move(cause));
}

awaitable<void> bearer::release(deadline by) {
  machine_.release();
  // The stage at the other end works with what is closed now. Another one begins, and waits for the next connection.
  const bool shared = link_->core == this && link_->wic;
  if (shared) (void)co_await link_->wic->part(false, true, deadline_after(services_.config.flush_time));
  if (listener_) port_ = listener_->keep_port();
  if (!active() && connection_) port_ = connection_->keep_port();
  co_await close(by);
  if (link_->core == this) {
    link_->core_is_up = false;
    if (link_->wic) link_->wic->core_changed();
  }
  if (machine_.closed()) serve();
}

void bearer::order_all() {
  machine_.order_all();
  changed_.set();
}

// A connection keeps its peer: latching decides who may connect, so it has no effect once there is a connection.
void bearer::latch(latching how) { latching_ = how; }

void bearer::serve() {
  tasks_.spawn("bearer", [this] { return run(); });
}

void bearer::start() {
  if (machine_.begins()) serve();
  if (link_->add(this)) take_place();
}

awaitable<bool> bearer::part(bool cut, deadline by) {
  if (link_->core == this && link_->wic) {
    const bool parted = co_await link_->wic->part(false, cut, by);
    if (!parted) co_return false;
  }
  leave();
  co_return true;
}

void bearer::leave() {
  if (!link_->remove(this)) return;
  if (link_->core) {
    link_->core->take_place();
  } else if (link_->wic) {
    link_->wic->core_changed();
  }
}

void bearer::join(stream_link& link) {
  link_ = &link;
  if (link.add(this)) take_place();
}

void bearer::take_place() {
  link_->core_interlinked = settings_.interlinked;
  set_mode(mode_);
  link_->core_is_up = stream_ != nullptr;
  link_->interlink();
  access_changed_.set();
  if (link_->wic) link_->wic->core_changed();
}

void bearer::set_mode(stream_mode mode) {
  mode_ = mode;
  if (link_->core != this) return;
  link_->core_mode = mode;
  link_->open_or_close_gate();
}

awaitable<void> bearer::close(deadline by) {
  co_await tasks_.stop();
  if (stream_) {
    co_await stream_->close(by);
    before_ = total();
  }
  connection_ = nullptr;
  stream_.reset();
  listener_.reset();
}

tcp::traffic bearer::total() const {
  auto out = before_;
  if (connection_) {
    out.bytes_in += connection_->counted().bytes_in;
    out.bytes_out += connection_->counted().bytes_out;
  }
  return out;
}

stream_statistics bearer::statistics() const {
  const auto counted = total();
  stream_statistics out;
  out.peer = peer();
  out.octets_sent = counted.bytes_out;
  out.octets_received = counted.bytes_in;
  if (settings_.filter || discarded_ > 0) out.packets_discarded = discarded_;
  out.duration = std::chrono::duration_cast<std::chrono::milliseconds>(clock::now() - since_);
  return out;
}

}  // namespace agw::gateway
