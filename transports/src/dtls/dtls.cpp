#include "agw/transports/dtls.hpp"

#include <utility>

#include "agw/core/error.hpp"
#include "agw/core/until.hpp"
#include "agw/transports/dtls_machine.hpp"

namespace agw::dtls {

namespace {

void flush(datagram_pipe& lower, datagram_batch& out) {
  if (!out.empty()) lower.send(out);
  out.clear();
}

void give(machine& to, datagram_batch& datagrams, datagram_batch& out, datagram_batch& payload) {
  const auto now = clock::now();
  for (std::size_t i = 0; i < datagrams.size(); ++i) to.receive(std::as_const(datagrams)[i], now, out, payload);
  datagrams.reuse();
}

stage_error failure(const machine& ended) {
  const auto& end = ended.end();
  return stage_error("dtls", end.reason, end.code, end.detail);
}

/// A batch for the length of one call. The calls of a thread share its memory: there are many sessions, and idle ones hold none.
class scratch_batch {
 public:
  scratch_batch() : batch_(std::move(spare())) {}
  ~scratch_batch() {
    batch_.clear();
    spare() = std::move(batch_);
  }
  scratch_batch(const scratch_batch&) = delete;
  scratch_batch& operator=(const scratch_batch&) = delete;
  datagram_batch& operator*() noexcept { return batch_; }
  datagram_batch* operator->() noexcept { return &batch_; }

 private:
  static datagram_batch& spare() {
    static thread_local datagram_batch batch;
    return batch;
  }
  datagram_batch batch_;
};

}  // namespace

session::session(datagram_pipe& lower, std::unique_ptr<machine> established, datagram_batch early,
                 std::function<void()> on_authentic)
    : lower_(lower), machine_(std::move(established)), on_authentic_(std::move(on_authentic)) {
  if (!early.empty()) early_ = std::move(early);  // an empty one may have memory
}
session::~session() = default;

awaitable<void> session::receive(datagram_batch& into) {
  if (!early_.empty()) {
    for (std::size_t i = 0; i < early_.size(); ++i) into.push(std::as_const(early_)[i]);
    early_ = datagram_batch();
    co_return;
  }
  const auto before = into.size();
  while (into.size() == before) {
    if (machine_->state() == machine::status::ended) throw failure(*machine_);
    co_await lower_.receive(encrypted_);
    deliver(into);
  }
}

void session::deliver(datagram_batch& into) {
  scratch_batch out;
  const auto before = into.size();
  into.reserve(encrypted_.bytes());
  give(*machine_, encrypted_, *out, into);
  if (into.size() != before && on_authentic_) on_authentic_();
  if (into.empty()) into = datagram_batch();  // nor after one with nothing in it
  machine_->release_buffers();
  flush(lower_, *out);
}

void session::send(const datagram_batch& batch) {
  scratch_batch out;
  for (std::size_t i = 0; i < batch.size(); ++i) machine_->send(batch[i], *out);
  machine_->release_buffers();  // saves 33 of a session's 74 KB between calls, for 0.25 µs a batch
  flush(lower_, *out);
}

std::size_t session::max_datagram_bytes() const noexcept { return machine_->max_payload_bytes(); }

void session::close() {
  scratch_batch out;
  machine_->close(*out);
  flush(lower_, *out);
}

// Not at the first look, which may come at once: giving pages back interrupts every core that the process runs on, and most of a flood of short
// calls are over by then.
std::chrono::seconds session::look() noexcept {
  if (!std::exchange(stands_, true)) return std::chrono::seconds(1);
  machine_->give_handshake_back();
  return std::chrono::seconds(15);
}

std::string_view session::cipher() const noexcept { return machine_->cipher(); }
std::string_view session::srtp_profile() const noexcept { return machine_->srtp_profile(); }
bool session::export_keying_material(std::string_view label, std::span<std::byte> into) const {
  return machine_->export_keying_material(label, into);
}

awaitable<std::unique_ptr<session>> handshake(datagram_pipe& lower, handshake_config config) {
  auto handshaking = std::make_unique<machine>(config, lower.max_datagram_bytes());
  datagram_batch in, out, early;
  handshaking->start(clock::now(), out);
  flush(lower, out);
  while (handshaking->state() == machine::status::handshaking) {
    const auto by = handshaking->next_deadline();
    (void)co_await within(by, lower.receive(in));
    give(*handshaking, in, out, early);
    handshaking->timeout(clock::now(), out);
    flush(lower, out);
  }
  // Payload and close_notify may follow the handshake at once: the session then still delivers the payload.
  if (handshaking->state() == machine::status::ended && early.empty()) throw failure(*handshaking);
  handshaking->release_buffers();
  if (handshaking->state() == machine::status::established && config.on_authentic) config.on_authentic();
  std::unique_ptr<session> established(
      new session(lower, std::move(handshaking), std::move(early), std::move(config.on_authentic)));
  co_return established;
}

}  // namespace agw::dtls
