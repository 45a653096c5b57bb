#include "agw/transports/tls_stream.hpp"

#include <algorithm>
#include <cstring>
#include <string_view>

#include <openssl/x509v3.h>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/ssl/error.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/write.hpp>

#include "agw/core/error.hpp"
#include "agw/core/sockets.hpp"
#include "agw/core/until.hpp"
#include "agw/transports/error.hpp"
#include "agw/transports/fingerprint.hpp"
#include "tcp/error.hpp"

namespace agw::tls {

struct context::impl {
  asio::ssl::context ssl{asio::ssl::context::tls};
};

namespace {

namespace ssl = asio::ssl;

// Pieces are gathered into records of the largest size.
constexpr std::size_t record_bytes = 16384;

std::unique_ptr<context::impl> plain_context() {
  auto made = std::make_unique<context::impl>();
  auto* c = made->ssl.native_handle();
  SSL_CTX_set_min_proto_version(c, TLS1_2_VERSION);
  // No resumption: each connection is authenticated for its own call.
  SSL_CTX_set_session_cache_mode(c, SSL_SESS_CACHE_OFF);
  SSL_CTX_set_options(c, SSL_OP_NO_TICKET | SSL_OP_NO_RENEGOTIATION);
  return made;
}

// The checks of the peer's certificate during the handshake.
struct verification {
  bool by_fingerprint = false;
  bool by_ca = false;
  std::vector<dtls::fingerprint> fingerprints;

  bool accepts(const X509* leaf) const { return !by_fingerprint || (leaf != nullptr && dtls::matches_any(fingerprints, *leaf)); }
};

class stream final : public byte_stream {
 public:
  stream(std::unique_ptr<tcp::stream> connection, std::shared_ptr<context> shared)
      : connection_(std::move(connection)), context_(std::move(shared)), ssl_(connection_->socket(), context_->get().ssl) {}

  awaitable<void> handshake(role as, peer_check check);
  awaitable<std::size_t> read_some(std::span<std::byte> into) override;
  awaitable<void> write(std::span<const bytes_view> pieces) override;
  awaitable<void> close(deadline by) override;

 private:
  [[noreturn]] void fail(const error_code& e) const;
  void refuse(int verify_error);
  error_code prepare(role as, const std::string& host);

  std::unique_ptr<tcp::stream> connection_;
  std::shared_ptr<context> context_;
  ssl::stream<tcp_socket&> ssl_;
  verification verification_;
  bool refused_ = false;  // the peer's certificate, by us
  std::string why_;       // for the log
  std::vector<std::byte> record_;
  unread_bytes unread_;
};

void stream::fail(const error_code& e) const {
  if (e == asio::error::operation_aborted) throw system_error(e);
  if (refused_) throw stage_error("tls", "certificate", transport_error::certificate, why_);
  if (e == ssl::error::stream_truncated) throw stage_error("tls", "truncated", transport_error::truncated);
  if (e.category() != asio::error::get_ssl_category()) tcp::fail(e);
  const auto reason = ERR_GET_REASON(static_cast<unsigned long>(e.value()));
  if (reason == SSL_R_CERTIFICATE_VERIFY_FAILED || reason == SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE) {
    throw stage_error("tls", "certificate", e);
  }
  throw stage_error("tls", reason >= SSL_AD_REASON_OFFSET ? "alert" : "protocol", e);
}

// By OpenSSL's words, or because of its fingerprint.
void stream::refuse(int verify_error) {
  refused_ = true;
  why_ = verify_error == X509_V_OK ? "its fingerprint is another one" : X509_verify_cert_error_string(verify_error);
}

error_code stream::prepare(role as, const std::string& host) {
  auto* native = ssl_.native_handle();
  error_code error;
  const bool looks = verification_.by_ca || verification_.by_fingerprint;
  ssl_.set_verify_mode(looks ? ssl::verify_peer | ssl::verify_fail_if_no_peer_cert : ssl::verify_none, error);
  if (looks && !error) {
    const auto verify = [this](bool trusted, ssl::verify_context& at) {
      const bool leaf = X509_STORE_CTX_get_error_depth(at.native_handle()) == 0;
      const bool good = (trusted || !verification_.by_ca) &&
                        (!leaf || verification_.accepts(X509_STORE_CTX_get_current_cert(at.native_handle())));
      if (!good) refuse(trusted ? X509_V_OK : X509_STORE_CTX_get_error(at.native_handle()));
      return good;
    };
    ssl_.set_verify_callback(verify, error);
  }
  if (error || host.empty()) return error;
  error_code not_numeric;
  asio::ip::make_address(host, not_numeric);
  auto* parameters = SSL_get0_param(native);  // a wrong name reaches the callback as "not trusted"
  const bool named = not_numeric ? X509_VERIFY_PARAM_set1_host(parameters, host.c_str(), 0) == 1
                                 : X509_VERIFY_PARAM_set1_ip_asc(parameters, host.c_str()) == 1;
  if (!named) return asio::error::invalid_argument;
  if (as == role::client && not_numeric) SSL_set_tlsext_host_name(native, host.c_str());
  return {};
}

awaitable<void> stream::handshake(role as, peer_check check) {
  verification_.by_ca = check.verify_ca;
  verification_.by_fingerprint = check.named || !check.fingerprints.empty();
  verification_.fingerprints = std::move(check.fingerprints);
  if (const auto error = prepare(as, check.host)) throw stage_error("tls", "error", error);
  const auto type = as == role::client ? ssl::stream_base::client : ssl::stream_base::server;
  error_code error;
  co_await ssl_.async_handshake(type, asio::redirect_error(use_awaitable, error));
  if (error == ssl::error::stream_truncated) error = asio::error::eof;
  if (error) fail(error);
  // The callback has seen the leaf; this does not depend on how OpenSSL walks the chain.
  X509* leaf = SSL_get1_peer_certificate(ssl_.native_handle());
  const bool good = verification_.accepts(leaf);
  X509_free(leaf);
  if (good) co_return;
  refuse(X509_V_OK);
  fail({});
}

awaitable<std::size_t> stream::read_some(std::span<std::byte> into) {
  if (!unread_.empty()) co_return unread_.take(into);
  const auto buffer = asio::buffer(into.data(), into.size());
  error_code error;
  const auto count = co_await ssl_.async_read_some(buffer, asio::redirect_error(use_awaitable, error));
  if (error == asio::error::eof) co_return 0;
  if (error) fail(error);
  connection_->count_in(count);
  if (is_cancelled(co_await asio::this_coro::cancellation_state)) {
    unread_.put_back(into.first(count));
    throw system_error(asio::error::operation_aborted);
  }
  co_return count;
}

awaitable<void> stream::write(std::span<const bytes_view> pieces) {
  record_.resize(record_bytes);
  std::size_t piece = 0;
  std::size_t offset = 0;  // in pieces[piece]
  while (piece < pieces.size()) {
    std::size_t used = 0;
    while (piece < pieces.size() && used < record_bytes) {
      const auto part = pieces[piece].subspan(offset, std::min(pieces[piece].size() - offset, record_bytes - used));
      if (!part.empty()) std::memcpy(record_.data() + used, part.data(), part.size());
      used += part.size();
      offset += part.size();
      if (offset < pieces[piece].size()) break;
      ++piece;
      offset = 0;
    }
    if (used == 0) break;
    const auto buffer = asio::buffer(record_.data(), used);
    error_code error;
    co_await asio::async_write(ssl_, buffer, asio::redirect_error(use_awaitable, error));
    if (error) fail(error);
    connection_->count_out(used);
  }
}

awaitable<void> stream::close(deadline by) {
  auto shut_down = [](ssl::stream<tcp_socket&>& s) -> awaitable<void> {
    error_code error;
    co_await s.async_shutdown(asio::redirect_error(use_awaitable, error));
    if (error == asio::error::operation_aborted) throw system_error(error);
  };
  (void)co_await within(by, shut_down(ssl_));
  co_await connection_->close(by);
}

}  // namespace

context::context(std::unique_ptr<impl> i) noexcept : impl_(std::move(i)) {}
context::~context() = default;

result<std::shared_ptr<context>> context::make(const config& settings, const dtls::certificate* otherwise) {
  auto made = plain_context();
  error_code error;
  if (!settings.certificate_file.empty()) {
    made->ssl.use_certificate_chain_file(settings.certificate_file, error);
    if (!error) made->ssl.use_private_key_file(settings.private_key_file, ssl::context::pem, error);
  } else if (otherwise != nullptr) {
    auto* const native = made->ssl.native_handle();
    if (SSL_CTX_use_certificate(native, otherwise->x509()) != 1 || SSL_CTX_use_PrivateKey(native, otherwise->key()) != 1) {
      return error_code(static_cast<int>(ERR_get_error()), asio::error::get_ssl_category());
    }
  }
  if (!error && !settings.ca_file.empty()) made->ssl.load_verify_file(settings.ca_file, error);
  if (!error && settings.ca_file.empty()) made->ssl.set_default_verify_paths(error);
  if (error) return error;
  return std::shared_ptr<context>(new context(std::move(made)));
}

result<std::shared_ptr<context>> context::make_from_pem(const std::string& certificate_chain, const std::string& private_key,
                                                        const std::string& trusted) {
  auto made = plain_context();
  error_code error;
  if (!certificate_chain.empty()) {
    made->ssl.use_certificate_chain(asio::buffer(certificate_chain), error);
    if (!error) made->ssl.use_private_key(asio::buffer(private_key), ssl::context::pem, error);
  }
  if (!error && !trusted.empty()) made->ssl.add_certificate_authority(asio::buffer(trusted), error);
  if (error) return error;
  return std::shared_ptr<context>(new context(std::move(made)));
}

std::optional<dtls::fingerprint> context::own_fingerprint() const {
  const X509* own = SSL_CTX_get0_certificate(impl_->ssl.native_handle());
  if (own == nullptr) return std::nullopt;
  return dtls::fingerprint::of(*own);
}

std::optional<std::chrono::system_clock::time_point> context::not_after() const {
  const X509* own = SSL_CTX_get0_certificate(impl_->ssl.native_handle());
  if (own == nullptr) return std::nullopt;
  return dtls::end_of_validity(*own);
}

awaitable<std::unique_ptr<byte_stream>> handshake(std::unique_ptr<tcp::stream> connection, std::shared_ptr<context> shared,
                                                  role as, peer_check check) {
  auto made = std::make_unique<stream>(std::move(connection), std::move(shared));
  co_await made->handshake(as, std::move(check));
  co_return std::unique_ptr<byte_stream>(std::move(made));
}

}  // namespace agw::tls
