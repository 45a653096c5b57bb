#include "sctp/core.hpp"

#include <algorithm>
#include <cerrno>

#include <boost/asio/post.hpp>

#include "agw/core/event_alarm.hpp"
#include "agw/core/error.hpp"
#include "agw/core/metrics.hpp"
#include "agw/core/scope_guard.hpp"
#include "agw/core/task_group.hpp"
#include "agw/core/until.hpp"
#include "agw/transports/error.hpp"
#include "sctp/acknowledgements.hpp"
#include "sctp/chunks.hpp"
#include "sctp/crc32c.hpp"

namespace agw::sctp {

namespace {

// How often a window that grows with time is told, while it is nearly used up.
constexpr auto window_step = std::chrono::milliseconds(100);
constexpr std::uint32_t open_window_bytes = 3000;
constexpr auto black_hole_look = std::chrono::milliseconds(3100);
constexpr auto long_missing = std::chrono::seconds(1);
constexpr auto idle_after = std::chrono::seconds(1);
constexpr auto retransmission_slack = std::chrono::milliseconds(200);
constexpr std::size_t reports_kept = 4;
// usrsctp as a peer drops what is 4096 behind the first that it misses.
constexpr std::size_t most_chunks = 4000;
constexpr auto shutdown_limit = std::chrono::milliseconds(200);

}  // namespace

association_core::association_core(loop_executor executor, datagram_pipe& lower, const config& options)
    : executor_(executor),
      lower_(&lower),
      options_(options),
      box_(register_mailbox(executor, *this)),
      channels_(executor, *this, options_),
      path_window_(options.receive_buffer_bytes),
      path_(options.heartbeat_after, std::max(options.lost_after, options.heartbeat_after + options.lost_after / 2)),
      packets_(base_packet_bytes, lower.max_datagram_bytes() & ~std::size_t{3}),
      congestion_(base_packet_bytes),
      send_buffer_(options.send_buffer_bytes, options.send_buffer_limit_bytes) {
  congestion_.recover(true);
}

association_core::~association_core() {
  if (!abandoned_) abandon();
}

void association_core::start() {
  const inside_usrsctp here(box_->id(), *this);
  socket_.emplace(box_->id(), options_, lower_->max_datagram_bytes());
  if (packets_.size() < (lower_->max_datagram_bytes() & ~std::size_t{3})) socket_->limit_pieces(packets_.size());
  if (options_.initiate == initiation::in) {
    socket_->listen();
  } else {
    socket_->connect(options_.remote_port);
  }
  schedule_flush();
}

awaitable<void> association_core::established() {
  while (phase_ == phase::opening && !failure_) co_await opened_.wait();
  if (failure_) std::rethrow_exception(failure_);
}

void association_core::abandon() {
  if (std::exchange(abandoned_, true)) return;
  {
    const inside_usrsctp here(box_->id(), *this);
    if (socket_) socket_->abort();
  }
  flush();
  unregister_mailbox(*box_);
  phase_ = phase::ended;
  if (!failure_) {
    const stage_error gone("sctp", "closed", make_error_code(transport_error::association_closed));
    channels_.fail(std::make_exception_ptr(gone));
  }
  channels_.detach();
  pacer_.clear();
  parts_.clear();
  lower_ = nullptr;
  rearmed_.set();
}

// The pump's receive and watch run beside each other; the first failure, the end of the association or a cancel ends both.
awaitable<void> association_core::pump(std::shared_ptr<association_core> self) {
  self->pumping_ = true;
  const scope_guard ended([&self] {
    self->pumping_ = false;
    self->pumped_.set();
  });
  if (self->abandoned_) co_return;
  auto body = [self](task_group& group) -> awaitable<void> {
    group.spawn("receive", [self] { return self->receive_packets(); });
    group.spawn("pace", [self] { return self->keep_pace(); });
    co_await self->keep_watch();
  };
  try {
    co_await with_tasks("sctp", body);
  } catch (...) {
    const auto error = std::current_exception();
    if (!is_cancellation(error)) self->fail(error);
    throw;
  }
  // open() throws a failure while it runs; the pump throws those that come later.
  if (self->failure_ && !self->abandoned_ && self->reported_by_pump_) std::rethrow_exception(self->failure_);
}

awaitable<void> association_core::receive_packets() {
  for (;;) {
    datagram_batch packets;  // holds nothing while it waits; what comes makes room at once for all of it
    co_await lower_->receive(packets);
    if (abandoned_) co_return;
    input(packets);
  }
}

void association_core::input(const datagram_batch& packets) {
  const auto now = clock::now();
  bool probed = false;
  {
    const inside_usrsctp here(box_->id(), *this);
    sack_thinning acknowledgements(packets, congestion_.recovers() ? 1 : reports_kept);
    for (std::size_t i = 0; i < packets.size(); ++i) {
      const auto packet = packets[i];
      const bool needed = acknowledgements.needed(packet);
      if (!checksum_holds(packet)) {
        count_drop("sctp", "checksum");
        continue;
      }
      path_.received(now);
      if (channels_.held().window(options_.receive_buffer_bytes, now) == 0 && observer_.brings_new_data(packet)) {
        // A probe of the closed window: each one that is acknowledged invites the next. What it carries besides is taken: an
        // acknowledgement may never come alone.
        count_drop("sctp", "window-closed");
        probed = true;
        const auto rest = observer_.without_new_data(packet);
        if (rest.empty()) {
          observer_.refused(now);
        } else {
          take(rest, needed, now);
        }
        continue;
      }
      take(packet, needed, now);
    }
    if (options_.initiate == initiation::in && phase_ == phase::opening) socket_->accept();
  }
  repair(now);
  if (probed && window_.limited()) out_.push(window_.last());
  after_input();
  flush();
}

void association_core::take(bytes_view packet, bool needed, clock::time_point now) {
  const auto missing = observer_.outstanding() ? now - observer_.unacknowledged_since() : clock::duration::zero();
  const auto acknowledged = observer_.acknowledged();
  const auto highest = observer_.highest_received();
  observer_.received(packet, now);
  if (options_.fit_window) fit_window(packet, observer_.highest_received() != highest, now);
  if (missing > long_missing && observer_.acknowledged() != acknowledged) trips_.start(now);
  packets_.acknowledged(observer_.acknowledged(), now);
  if (packets_.next_deadline() != no_deadline) {
    const auto size = path_watch::answered(packet);
    if (size && packets_.answered(*size)) socket_->limit_pieces(0);
    rearm_by(packets_.next_deadline());
  }
  if (!needed) return;
  const auto fed = congestion_.board().acknowledged();  // up to there usrsctp knows
  steer(packet, now);
  const auto others = path_watch::without_answers(packet);
  auto rest = others.empty() ? packet : bytes_view(others);
  const auto plain = congestion_.recovers() ? without_gaps(rest, held_room()) : std::vector<std::byte>();
  if (!plain.empty()) rest = plain;
  const auto instead = t3_.rewrite(rest, fed, now);
  feed(instead.empty() ? rest : instead);
  if (trips_.waiting() && path_watch::answers_other(packet)) {
    const auto status = socket_->status();
    trips_.answered(now, status ? clock::duration(status->srtt) : clock::duration::zero());
  }
  rearm_by(trips_.next_deadline());
}

void association_core::fit_window(bytes_view packet, bool brings_data, clock::time_point now) {
  if (trip_asked_) {
    if (const auto seen = path_watch::round_trip(packet, now)) {
      path_window_.round_trip(*seen, now);
      trip_asked_ = false;
    }
  }
  if (!brings_data || !path_window_.arrived(packet.size(), now)) return;
  push_heartbeat(path_.timing_probe(now), now);
  trip_asked_ = true;
}

// After any packet there may be messages to read, room to send, or the end of the association.
void association_core::after_input() {
  if (exhausted_ && phase_ != phase::ended) {
    count_drop("sctp", "no-memory");
    return end("memory", boost::system::errc::make_error_code(boost::system::errc::not_enough_memory));
  }
  read();
  if (phase_ == phase::ended || abandoned_) return;
  channels_.on_room();
}

void association_core::on_packet(bytes_view packet) {
  const auto before = observer_.retransmitted_chunks();
  observer_.sent(packet, clock::now());
  const bool again = observer_.retransmitted_chunks() != before;
  path_.sent(packet);
  packets_.sent(packet);
  if (trips_.next_deadline() != no_deadline && path_watch::asks(packet)) trips_.sent(clock::now());
  if (observer_.outstanding()) rearm_by(deadline_after(packets_.grown() ? clock::duration(black_hole_look) : clock::duration(options_.lost_after)));
  // usrsctp puts pieces together up to the size that the path is to have, not to the one it has been seen to have.
  if (packet.size() <= packets_.size()) {
    queue_data(packet, again);
  } else {
    for (const auto& piece : split(packet, packets_.size())) queue_data(piece, again);
  }
  schedule_flush();
}

// Packets with data leave at the path's rate, all others at once.
void association_core::queue_data(bytes_view packet, bool again) {
  if (!has_data(packet)) return put_out(packet);
  const auto now = clock::now();
  if (again && !congestion_.queue_again(packet, !pacer_.empty(), now)) return;
  if (pacer_.empty() && pacer_.open(now)) return leave(packet, now);
  pacer_.push(packet, again);
  paced_.set();
}

void association_core::leave(bytes_view packet, clock::time_point now) {
  pacer_.charge(packet.size(), now, congestion_.rate());
  // usrsctp fills what it may, but for what is too little for a change of its window (see steer).
  const auto full = std::min<std::size_t>(congestion_.window_bytes(), observer_.peer_window()) / 8 * 7;
  congestion_.sent(packet, now, congestion_.in_flight() + pacer_.bytes() + 2 * packets_.size() < full);
  put_out(packet);
  rearm_by(congestion_.next_repair(stands_still()));
}

void association_core::release() {
  const auto now = clock::now();
  while (!pacer_.empty() && pacer_.open(now)) {
    if (!pacer_.front_is_again() || congestion_.missing(pacer_.front())) leave(pacer_.front(), now);
    pacer_.pop();
  }
}

awaitable<void> association_core::keep_pace() {
  for (;;) {
    while (pacer_.empty()) {
      const bool more = co_await within(deadline_after(idle_after), paced_.wait());
      if (more || !pacer_.empty()) continue;  // a packet may come when the time is already over
      pacer_.clear();                         // an idle association keeps no memory
      if (out_.empty()) out_ = datagram_batch();
      const auto [cancelled] = co_await paced_.settle();
      if (cancelled) co_return;
    }
    co_await sleep_until(pacer_.next_deadline());
    if (abandoned_) co_return;
    release();
    flush();
  }
}

// Before usrsctp sees what is acknowledged, so that it sends what the window then allows.
void association_core::steer(bytes_view packet, clock::time_point now) {
  const auto what = congestion_.received(packet, now);
  if (what == congestion_control::news::none || !socket_) return;
  auto window = congestion_.window_bytes();
  if (congestion_.recovers()) window = std::min(window + congestion_.board().held_bytes(), congestion_.board().bytes_of(most_chunks));
  const auto change = std::max(window, applied_window_) - std::min(window, applied_window_);
  // After a loss usrsctp's own window is another.
  if (what == congestion_control::news::progress && change <= applied_window_ / 16) return;
  applied_window_ = window;
  socket_->set_window(window);
  if (send_buffer_.fit(window)) socket_->set_send_buffer(send_buffer_.size());
  // As with TCP in Linux: a round trip that grows with a queue is no loss.
  const auto waits = std::chrono::duration<double>(static_cast<double>(pacer_.bytes()) / std::max(congestion_.rate(), 1.0));
  const auto longest = congestion_.longest_round_trip() + std::chrono::duration_cast<clock::duration>(waits);
  // Its timer is the last resort only: when it expires, usrsctp takes all that is on its way for lost.
  const auto least = congestion_.recovers() ? 3 * longest + retransmission_slack : longest + retransmission_slack;
  socket_->set_least_timeout(std::chrono::duration_cast<std::chrono::milliseconds>(least));
}

// What usrsctp takes off the peer's room for what the peer has already.
std::size_t association_core::held_room() const noexcept {
  return congestion_.board().held_bytes() + congestion_.board().held_chunks() * chunk_overhead_bytes;
}

// What is lost leaves again, before anything else.
void association_core::repair(clock::time_point now) {
  if (phase_ == phase::ended || abandoned_) return;
  const auto packets = congestion_.lost(now, packets_.size(), stands_still());
  if (pacer_.empty()) pacer_.begin(now);
  for (std::size_t i = 0; i < packets.size(); ++i) {
    observer_.sent(packets[i], now);
    pacer_.push(packets[i], true);
  }
  if (!packets.empty()) {
    release();
    paced_.set();
  }
  rearm_by(congestion_.next_repair(stands_still()));
}

void association_core::put_out(bytes_view packet) {
  out_.push(packet);
  const bool held = channels_.held().held_bytes() != 0;
  if (!held && !window_.limited() && path_window_.bytes() == options_.receive_buffer_bytes) return;
  const auto room = window_announcer::announced(packet);
  if (!room) return;
  window_.write(out_[out_.size() - 1], window_within(*room));
  if (held && window_.limited()) rearm_by(deadline_after(window_step));
}

std::size_t association_core::window_within(std::size_t room) {
  return std::min(path_window_.bytes(), channels_.held().window(room, clock::now()));
}

// The peer is told when there is room again; while it sends nothing, no SACK of usrsctp's would.
void association_core::window_changed() {
  if (!window_.limited() || phase_ == phase::ended || abandoned_) return;
  const auto update = window_.update(window_within(window_.room()));
  if (update.empty()) return;
  out_.push(update);
  schedule_flush();
}

void association_core::on_foreign(const datagram_batch& packets) {
  if (abandoned_) return;
  for (std::size_t i = 0; i < packets.size(); ++i) on_packet(packets[i]);
  after_input();
  flush();
}

void association_core::schedule_flush() {
  if (std::exchange(flush_scheduled_, true)) return;
  asio::post(executor_, [weak = weak_from_this()] {
    if (const auto self = weak.lock()) {
      self->flush_scheduled_ = false;
      self->flush();
    }
  });
}

void association_core::flush() {
  if (out_.empty() || !lower_) return;
  try {
    lower_->send(out_);
  } catch (...) {
    fail(std::current_exception());
  }
  out_.reuse();
}

send_outcome association_core::transmit(bytes_view message, const send_options& options) {
  if (phase_ != phase::established) return send_outcome::failed;
  // usrsctp counts how often and how long it has tried to send it.
  if (options.policy != reliability::reliable) congestion_.recover(false);
  const inside_usrsctp here(box_->id(), *this);
  const auto outcome = socket_->send(message, options);
  return exhausted_ ? send_outcome::failed : outcome;
}

bool association_core::request_reset(std::uint16_t stream) {
  if (phase_ != phase::established) return false;
  const inside_usrsctp here(box_->id(), *this);
  return socket_->reset_outgoing(stream);
}

bool association_core::request_streams(std::uint16_t outgoing, std::uint16_t incoming) {
  if (phase_ != phase::established) return false;
  const inside_usrsctp here(box_->id(), *this);
  return socket_->add_streams(outgoing, incoming);
}

std::size_t association_core::queued() const {
  const auto status = socket_ ? socket_->status() : std::nullopt;
  return status ? status->queued : 0;
}

void association_core::fail(std::exception_ptr error) {
  if (phase_ == phase::ended) return;
  reported_by_pump_ = phase_ == phase::established;
  phase_ = phase::ended;
  failure_ = error;
  channels_.fail(error);
  opened_.set();
  drained_.set();
  rearmed_.set();
}

void association_core::end(const char* reason, error_code code) { fail(std::make_exception_ptr(stage_error("sctp", reason, code))); }

deadline association_core::next_deadline() const {
  auto next = channels_.next_deadline();
  if (window_.limited() && channels_.held().tight()) next = std::min(next, deadline_after(window_step));
  if (phase_ == phase::established) next = std::min({next, path_.next_deadline(), packets_.next_deadline(), trips_.next_deadline()});
  next = std::min(next, congestion_.next_repair(stands_still()));
  if (stands_still()) {
    const auto since = observer_.unacknowledged_since();
    next = std::min(next, since + clock::duration(options_.lost_after));
    if (packets_.grown()) next = std::min(next, since + black_hole_look);
  }
  if (observer_.outstanding()) next = std::min(next, observer_.silent_since() + clock::duration(options_.lost_after));
  if (observer_.outstanding() || channels_.waiting_to_send()) next = std::min(next, stalled_at());
  return next;
}

deadline association_core::stalled_at() const {
  return std::max(observer_.last_activity(), watch_start_) + clock::duration(options_.stalled_after);
}

awaitable<void> association_core::keep_watch() {
  watch_start_ = clock::now();
  event_alarm wakes(executor_, rearmed_);
  while (phase_ != phase::ended) {
    watched_until_ = next_deadline();
    wakes.set(watched_until_);
    const auto [cancelled] = co_await rearmed_.settle();  // each frame that a throw passes costs as much as a dozen wake-ups
    if (cancelled || abandoned_) co_return;
    const auto now = clock::now();
    channels_.expire(now);
    window_changed();
    repair(now);
    flush();
    check_progress(now);
    check_heartbeat(now);
    check_packet_size(now);
    check_round_trip(now);
  }
}

void association_core::check_round_trip(clock::time_point now) {
  if (phase_ != phase::established) return;
  const auto count = trips_.due(now);
  if (count == 0) return;
  {
    const inside_usrsctp here(box_->id(), *this);
    socket_->ask_round_trip(options_.remote_port, count);
  }
  flush();
}

// Data is outstanding that the peer has room for. A closed window may stay closed for as long as it likes.
bool association_core::stands_still() const noexcept { return observer_.outstanding() && observer_.peer_window() >= open_window_bytes; }

void association_core::check_packet_size(clock::time_point now) {
  if (phase_ != phase::established) return;
  if (stands_still() && packets_.unacknowledged(observer_.unacknowledged_since(), now)) {
    count_drop("sctp", "large-packets-vanish");
    const inside_usrsctp here(box_->id(), *this);
    socket_->limit_pieces(packets_.size());
  }
  const auto size = packets_.due(now);
  allow_fragments(packets_.fragments());
  if (size == 0) return;
  const auto probe = path_.probe(size, packets_.ballast());
  if (probe.empty()) return;
  out_.push(probe);
  flush();
}

// Chunks that were cut for a larger path are sent again as they are, so they need fragments where large packets are lost.
void association_core::allow_fragments(bool allowed) {
  if (std::exchange(fragments_, allowed) != allowed) lower_->allow_fragments(allowed);
}

// Without ICE, or with a lite peer, nothing else notices that an idle peer is gone.
void association_core::check_heartbeat(clock::time_point now) {
  if (phase_ != phase::established) return;
  if (path_.lost(now)) return end("timeout", make_error_code(transport_error::association_lost));
  push_heartbeat(path_.heartbeat(now), now);
  flush();
}

void association_core::push_heartbeat(bytes_view packet, clock::time_point now) {
  if (packet.empty()) return;
  observer_.sent(packet, now);
  out_.push(packet);
}

void association_core::check_progress(clock::time_point now) {
  if (phase_ != phase::established) return;
  if (!observer_.outstanding() && !channels_.waiting_to_send()) return;
  if (observer_.outstanding() && observer_.silent_since() + clock::duration(options_.lost_after) <= now) {
    return end("timeout", make_error_code(transport_error::association_lost));
  }
  const bool in_vain = stands_still() && observer_.unacknowledged_since() + clock::duration(options_.lost_after) <= now;
  if (stalled_at() > now && !in_vain) return;
  count_drop("sctp", "stalled-association");
  end("stalled", make_error_code(transport_error::association_stalled));
}

awaitable<void> association_core::close(deadline by) {
  by = std::min(by, deadline_after(shutdown_limit));
  if (phase_ == phase::established) {
    phase_ = phase::shutting_down;
    const stage_error closed("sctp", "closed", make_error_code(transport_error::association_closed));
    channels_.fail(std::make_exception_ptr(closed));
    {
      const inside_usrsctp here(box_->id(), *this);
      socket_->shutdown();
    }
    after_input();
    flush();
    while (phase_ == phase::shutting_down) {
      const bool drained = co_await within(by, drained_.wait());
      if (!drained) break;
    }
  }
  abandon();
  while (pumping_) co_await pumped_.wait();
}

association_statistics association_core::statistics() const {
  association_statistics out;
  out.retransmitted_chunks = observer_.retransmitted_chunks();
  out.packets_sent = observer_.packets_sent();
  out.packets_received = observer_.packets_received();
  out.outgoing_streams = channels_.outgoing_streams();
  out.incoming_streams = channels_.incoming_streams();
  if (const auto status = socket_ ? socket_->status() : std::nullopt) out.srtt = status->srtt;
  out.held_bytes = channels_.held().held_bytes();
  out.interleaving = socket_ && socket_->interleaving();
  return out;
}

}  // namespace agw::sctp
