#include "agw/transports/dtls_machine.hpp"

#include <algorithm>
#include <optional>
#include <stdexcept>
#include <utility>

#include "agw/core/metrics.hpp"
#include "agw/transports/error.hpp"
#include "dtls/bio.hpp"
#include "dtls/callbacks.hpp"
#include "dtls/handshake_memory.hpp"
#include "dtls/record.hpp"

namespace agw::dtls {

namespace {

constexpr std::size_t smallest_mtu = 256;    // OpenSSL takes no less
constexpr std::size_t largest_mtu = 16384;
constexpr std::size_t largest_overhead = record_header_bytes + 8 + 16;  // AES-GCM: explicit nonce and tag
// Flights of the handshake fit every path; whether it carries larger datagrams is found out by SCTP afterwards.
constexpr std::size_t largest_flight_datagram = 1200;
constexpr std::size_t largest_payload = 16384;
constexpr int weakest_key_bits = 112;
constexpr unsigned long no_certificate_reason = SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE;

void drop(std::string_view cause) noexcept { count_drop("dtls", cause); }

const handshake_config& checked(const handshake_config& config, std::size_t largest_datagram_bytes) {
  if (!config.context) throw std::invalid_argument("DTLS without a context");
  if (std::min(config.max_datagram_bytes, largest_datagram_bytes) < smallest_mtu) {
    throw std::invalid_argument("DTLS below 256 bytes");
  }
  return config;
}

}  // namespace

class machine::impl final : public bio_port, public handshake_watcher {
 public:
  impl(const handshake_config& config, std::size_t largest_datagram_bytes)
      : config_(checked(config, largest_datagram_bytes)),
        mtu_(std::min({config.max_datagram_bytes, largest_datagram_bytes, largest_mtu})),
        max_payload_(mtu_ - largest_overhead),
        interval_(config.first_retransmission) {
    ERR_clear_error();
    ssl_.reset(SSL_new(config_.context->native()));
    if (!ssl_ || !watch(*ssl_, *this) ||
        DTLS_set_link_mtu(ssl_.get(), static_cast<long>(std::min(mtu_, largest_flight_datagram))) != 1) {
      const auto code = make_error_code(transport_error::handshake_failed);
      throw boost::system::system_error(code, "DTLS session: " + take_openssl_error());
    }
    auto bio = make_bio(*this);
    SSL_set_bio(ssl_.get(), bio.get(), bio.get());
    bio.release();
    if (config_.role == role::active) {
      SSL_set_connect_state(ssl_.get());
    } else {
      SSL_set_accept_state(ssl_.get());
    }
  }

  void start(clock::time_point now, datagram_batch& out) {
    if (state_ != status::handshaking) return;
    const turn here(*this, now, out);
    handshake(nullptr);
  }

  void receive(bytes_view datagram, clock::time_point now, datagram_batch& out, datagram_batch& payload) {
    const turn here(*this, now, out);
    do {
      record r;
      if (state_ == status::ended) {
        drop("ended");
        break;
      }
      if (!take_record(datagram, r)) {
        drop("malformed");
        break;
      }
      if (!plausible(r, config_.role, progress_, least_protected())) {
        drop("unexpected");
      } else {
        take(r, payload);
      }
    } while (!datagram.empty());
  }

  void timeout(clock::time_point now, datagram_batch& out) {
    if (state_ == status::ended || now < retransmit_at_) return;
    const turn here(*this, now, out);
    if (timer_) *timer_ = expired();
    const int done = DTLSv1_handle_timeout(ssl_.get());
    if (done < 0) {
      failed(done);
    } else if (done == 0) {
      // An OpenSSL that goes by its own clock does not think that it is time yet.
      timeval left{};
      const bool waits = DTLSv1_get_timeout(ssl_.get(), &left) == 1;
      const auto remaining = std::chrono::seconds(left.tv_sec) + std::chrono::microseconds(left.tv_usec + 1000);
      retransmit_at_ = waits ? now + remaining : no_deadline;
    }
  }

  bool send(bytes_view payload, datagram_batch& out) {
    if (state_ != status::established || payload.empty() || payload.size() > max_payload_) {
      drop(state_ != status::established ? "closed" : payload.empty() ? "empty" : "too-large");
      return false;
    }
    const turn here(*this, now_, out);
    std::size_t written = 0;
    const int done = SSL_write_ex(ssl_.get(), payload.data(), payload.size(), &written);
    if (done != 1) failed(done);
    return done == 1;
  }

  void close(datagram_batch& out) {
    if (state_ == status::ended) return;
    const turn here(*this, now_, out);
    if (state_ == status::established) SSL_shutdown(ssl_.get());
    finish("closed", transport_error::close_notify, "by us");
  }

  void release_buffers() noexcept {
    if (progress_ != progress::done) return;
    if (!released_) released_ = SSL_free_buffers(ssl_.get()) == 1;
  }

  void give_handshake_back() noexcept {
    if (progress_ == progress::done) memory_.give_back();
  }

  status state() const noexcept { return state_; }
  const session_end& end() const noexcept { return end_; }
  deadline next_deadline() const noexcept { return retransmit_at_; }
  std::size_t max_payload() const noexcept { return max_payload_; }
  SSL* ssl() const noexcept { return ssl_.get(); }
  bool was_established() const noexcept { return progress_ == progress::done; }

 private:
  std::size_t least_protected() const noexcept {
    const auto* const chosen = progress_ == progress::done ? SSL_get_current_cipher(ssl_.get()) : SSL_get_pending_cipher(ssl_.get());
    return chosen && SSL_CIPHER_get_cipher_nid(chosen) == NID_chacha20_poly1305 ? least_chacha_bytes : least_gcm_bytes;
  }

  /// OpenSSL works for this session while it lives: also behind the handshake it may free or move the handshake's buffer.
  class turn {
   public:
    turn(impl& of, clock::time_point now, datagram_batch& out) noexcept : of_(of), noted_(of.memory_) {
      of_.now_ = now;
      of_.outgoing = &out;
      if (ERR_peek_error() != 0) ERR_clear_error();  // which takes its time, also when there is nothing
      if (std::exchange(of_.released_, false)) SSL_alloc_buffers(of_.ssl_.get());
    }
    ~turn() { of_.outgoing = nullptr; }
    turn(const turn&) = delete;
    turn& operator=(const turn&) = delete;

   private:
    impl& of_;
    handshake_memory::watch noted_;
  };

  void take(const record& r, datagram_batch& payload) {
    const bool established = state_ == status::established;
    const auto effects = [&] { return payload.size() + outgoing->size() + alerts_; };
    const auto before = effects();
    incoming = r.bytes;
    if (established) {
      read(payload, r.bytes.size());
    } else {
      handshake(&payload);
    }
    incoming = {};
    // Not authentic, repeated, or too late; OpenSSL does not tell which.
    if (established && state_ == status::established && effects() == before) drop("record");
  }

  void handshake(datagram_batch* payload) {
    const int done = SSL_do_handshake(ssl_.get());
    if (done != 1) return failed(done);
    state_ = status::established;
    progress_ = progress::done;
    SSL_set_mtu(ssl_.get(), static_cast<long>(mtu_));  // behind the handshake the link MTU is not looked at any more
    const std::size_t bytes = DTLS_get_data_mtu(ssl_.get());
    if (bytes != 0) max_payload_ = std::min(bytes, largest_payload);
    // Payload that overtook the last flight waits inside.
    while (payload && read(*payload, largest_payload)) {
    }
  }

  // One record's payload, which is never larger than the record. False when there was none.
  bool read(datagram_batch& payload, std::size_t room_bytes) {
    std::size_t size = 0;
    const auto room = payload.prepare(room_bytes);
    const int done = SSL_read_ex(ssl_.get(), room.data(), room.size(), &size);
    if (done == 1) {
      payload.commit(size);
    } else {
      failed(done);
    }
    return done == 1;
  }

  // OpenSSL did nothing: because there is nothing to read, which is no failure, or because the session has ended.
  void failed(int done) {
    const int kind = SSL_get_error(ssl_.get(), done);
    if (kind == SSL_ERROR_WANT_READ || kind == SSL_ERROR_WANT_WRITE) return;
    const auto reason = static_cast<unsigned long>(ERR_GET_REASON(ERR_peek_error()));
    auto detail = take_openssl_error();
    if (fatal_alert_) {
      finish("alert", transport_error::fatal_alert, SSL_alert_desc_string_long(*fatal_alert_));
    } else if (rejection_ == transport_error::fingerprint_mismatch) {
      finish("fingerprint", *rejection_, seen_ ? "the peer has " + seen_->str() : std::string());
    } else if (rejection_) {
      finish("certificate", *rejection_, {});
    } else if ((SSL_get_shutdown(ssl_.get()) & SSL_RECEIVED_SHUTDOWN) != 0) {
      if (state_ == status::established) SSL_shutdown(ssl_.get());  // RFC 5246, 7.2.1: answered with one's own
      finish("closed", transport_error::close_notify, "by the peer");
    } else if (state_ == status::established && SSL_is_init_finished(ssl_.get()) == 1) {
      // Not fatal: after a fatal error OpenSSL stays "in init".
    } else if (reason == SSL_R_READ_TIMEOUT_EXPIRED) {
      finish("timeout", transport_error::no_answer, std::move(detail));
    } else if (reason == no_certificate_reason) {
      finish("certificate", transport_error::no_certificate, std::move(detail));
    } else {
      finish("protocol", transport_error::handshake_failed, std::move(detail));
    }
  }

  void finish(std::string_view reason, transport_error code, std::string detail) {
    state_ = status::ended;
    retransmit_at_ = no_deadline;
    end_ = session_end{reason, make_error_code(code), std::move(detail)};
    release_buffers();
  }

  // bio_port: OpenSSL keeps the retransmission timer by the system's clock. Up to 3.1 the value it shows us is the timer
  // itself; there it is set to a time that never comes, so that flights are repeated by timeout(), by the caller's clock, and at no
  // other moment. Later versions show a copy: their timer runs beside ours with the same intervals.
  void timer_changed(timeval& next) noexcept override {
    static const bool is_the_timer = OPENSSL_VERSION_NUMBER < 0x30200000L && OpenSSL_version_num() < 0x30200000L;
    if (next.tv_sec == 0 && next.tv_usec == 0) {
      retransmit_at_ = no_deadline;
      timer_ = nullptr;
      return;
    }
    if (progress_ == progress::nothing) progress_ = progress::begun;
    retransmit_at_ = now_ + interval_;
    if (!is_the_timer) return;
    timer_ = &next;
    next.tv_sec += 10L * 365 * 24 * 3600;
  }

  static timeval expired() noexcept {
    timeval t{};
    t.tv_usec = 1;  // zero means "no timer"
    return t;
  }

  // handshake_watcher
  bool accepts(const X509& certificate) noexcept override {
    const EVP_PKEY* key = X509_get0_pubkey(&certificate);
    if (!matches_any(config_.fingerprints, certificate)) {
      rejection_ = transport_error::fingerprint_mismatch;
      try {
        seen_ = fingerprint::of(certificate);
      } catch (...) {  // then the log says less
      }
    } else if (!key || EVP_PKEY_get_security_bits(key) < weakest_key_bits) {
      rejection_ = transport_error::weak_key;
    }
    return !rejection_;
  }

  void alert(int level, int description) noexcept override {
    ++alerts_;
    if (level == SSL3_AL_FATAL) fatal_alert_ = description;
  }

  unsigned next_interval(unsigned last) noexcept override {
    interval_ = last == 0 ? config_.first_retransmission : std::min(interval_ * 2, config_.slowest_retransmission);
    return static_cast<unsigned>(std::chrono::duration_cast<std::chrono::microseconds>(interval_).count());
  }

  const handshake_config config_;
  const std::size_t mtu_;
  std::size_t max_payload_;
  handshake_memory memory_;
  ssl_ptr ssl_;
  status state_ = status::handshaking;
  progress progress_ = progress::nothing;
  bool released_ = false;
  session_end end_;
  clock::time_point now_{};
  deadline retransmit_at_ = no_deadline;
  clock::duration interval_;
  timeval* timer_ = nullptr;  // inside the SSL object
  std::optional<transport_error> rejection_;
  std::optional<fingerprint> seen_;
  std::optional<int> fatal_alert_;
  std::size_t alerts_ = 0;
};

machine::machine(const handshake_config& config, std::size_t largest_datagram_bytes)
    : impl_(std::make_unique<impl>(config, largest_datagram_bytes)) {}
machine::~machine() = default;

machine::status machine::state() const noexcept { return impl_->state(); }
const session_end& machine::end() const noexcept { return impl_->end(); }
void machine::start(clock::time_point now, datagram_batch& out) { impl_->start(now, out); }
void machine::receive(bytes_view datagram, clock::time_point now, datagram_batch& out, datagram_batch& payload) {
  impl_->receive(datagram, now, out, payload);
}
void machine::timeout(clock::time_point now, datagram_batch& out) { impl_->timeout(now, out); }
deadline machine::next_deadline() const noexcept { return impl_->next_deadline(); }
bool machine::send(bytes_view payload, datagram_batch& out) { return impl_->send(payload, out); }
std::size_t machine::max_payload_bytes() const noexcept { return impl_->max_payload(); }
void machine::close(datagram_batch& out) { impl_->close(out); }
void machine::release_buffers() noexcept { impl_->release_buffers(); }
void machine::give_handshake_back() noexcept { impl_->give_handshake_back(); }

std::string_view machine::cipher() const noexcept {
  return impl_->was_established() ? SSL_get_cipher_name(impl_->ssl()) : std::string_view();
}

std::string_view machine::srtp_profile() const noexcept {
  const auto* profile = impl_->was_established() ? SSL_get_selected_srtp_profile(impl_->ssl()) : nullptr;
  return profile ? std::string_view(profile->name) : std::string_view();
}

bool machine::export_keying_material(std::string_view label, std::span<std::byte> into) const {
  if (state() != status::established) return false;
  ERR_clear_error();
  auto* bytes = reinterpret_cast<unsigned char*>(into.data());
  return SSL_export_keying_material(impl_->ssl(), bytes, into.size(), label.data(), label.size(), nullptr, 0, 0) == 1;
}

}  // namespace agw::dtls
