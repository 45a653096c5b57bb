#include "sctp/socket.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <string>

#include <arpa/inet.h>
#include <usrsctp.h>

#include "agw/core/error.hpp"
#include "agw/transports/error.hpp"
#include "sctp/chunks.hpp"

namespace agw::sctp {

void wake_owner(association_id id);  // sctp_stack.cpp

namespace {

constexpr int pluggable_congestion_control = 0x1202;  // in the library, missing in its header
constexpr std::uint32_t first_window_bytes = 10 * 1200;
constexpr std::chrono::duration<std::uint32_t, std::milli> least_timeout(250);  // above the 200 ms that a peer may delay its SACK
constexpr std::chrono::duration<std::uint32_t, std::milli> longest_timeout(2000);
constexpr int interleaving_supported = 0x1206;  // RFC 8260, 4.3; supported by the library, missing in its header

void upcall(struct ::socket*, void* id, int) { wake_owner(reinterpret_cast<association_id>(id)); }

sockaddr_conn address_of(association_id id, std::uint16_t port) {
  sockaddr_conn address{};
  address.sconn_family = AF_CONN;
  address.sconn_port = htons(port);
  address.sconn_addr = reinterpret_cast<void*>(id);
  return address;
}

[[noreturn]] void refuse(const char* what) {
  throw stage_error("sctp", "error", make_error_code(transport_error::usrsctp), std::string(what) + ": " + std::strerror(errno));
}

}  // namespace

sctp_socket::sctp_socket(association_id id, const config& options, std::size_t path_mtu_bytes) : id_(id) {
  socket_ = usrsctp_socket(AF_CONN, SOCK_STREAM, IPPROTO_SCTP, nullptr, nullptr, 0, nullptr);
  if (!socket_) refuse("socket");
  try {
    prepare(options, path_mtu_bytes);
    auto address = address_of(id_, options.local_port);
    if (usrsctp_bind(socket_, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) refuse("bind");
  } catch (...) {
    abort();
    throw;
  }
}

sctp_socket::~sctp_socket() { abort(); }

void sctp_socket::set(int option, const void* value, std::size_t size) {
  if (usrsctp_setsockopt(socket_, IPPROTO_SCTP, option, value, static_cast<socklen_t>(size)) != 0) {
    refuse(std::string("option ").append(std::to_string(option)).c_str());
  }
}

void sctp_socket::prepare(const config& options, std::size_t path_mtu_bytes) {
  usrsctp_set_non_blocking(socket_, 1);
  usrsctp_set_upcall(socket_, &upcall, reinterpret_cast<void*>(id_));
  const linger abort_on_close{1, 0};
  usrsctp_setsockopt(socket_, SOL_SOCKET, SO_LINGER, &abort_on_close, sizeof abort_on_close);
  const int receive_buffer = static_cast<int>(std::min<std::size_t>(options.receive_buffer_bytes, 1 << 30));
  set_send_buffer(options.send_buffer_bytes);
  usrsctp_setsockopt(socket_, SOL_SOCKET, SO_RCVBUF, &receive_buffer, sizeof receive_buffer);

  const std::uint32_t on = 1;
  set(SCTP_NODELAY, &on, sizeof on);
  set(SCTP_RECVRCVINFO, &on, sizeof on);
  const std::uint32_t by_stream = 2;
  set(SCTP_FRAGMENT_INTERLEAVE, &by_stream, sizeof by_stream);
  sctp_assoc_value value{};
  value.assoc_id = SCTP_FUTURE_ASSOC;
  value.assoc_value = 1;
  set(interleaving_supported, &value, sizeof value);
  value.assoc_value = SCTP_ENABLE_RESET_STREAM_REQ | SCTP_ENABLE_CHANGE_ASSOC_REQ;
  set(SCTP_ENABLE_STREAM_RESET, &value, sizeof value);
  // Whole messages as far as the receive buffer allows: the association joins those that arrive in parts.
  const auto part = static_cast<std::uint32_t>(std::clamp<std::size_t>(options.max_message_bytes, 4096, receive_buffer / 2));
  set(SCTP_PARTIAL_DELIVERY_POINT, &part, sizeof part);

  sctp_initmsg init{};
  init.sinit_num_ostreams = options.streams;
  init.sinit_max_instreams = std::max(options.streams, options.max_inbound_streams);
  init.sinit_max_attempts = 60;  // the stage's deadline ends it
  init.sinit_max_init_timeo = 1000;
  set(SCTP_INITMSG, &init, sizeof init);
  sctp_rtoinfo rto{};
  rto.srto_initial = 500;  // the peer's DTLS may be up a moment later than ours, and drops our first INIT
  rto.srto_min = least_timeout.count();
  rto.srto_max = longest_timeout.count();
  set(SCTP_RTOINFO, &rto, sizeof rto);
  // A peer that stops reading answers our probes with its window closed; usrsctp 0.9.5 counts these as if they were not answered,
  // and would abort after ten. A peer that is gone is found in association_core::check_progress().
  sctp_assocparams limits{};
  limits.sasoc_asocmaxrxt = 65535;
  set(SCTP_ASSOCINFO, &limits, sizeof limits);
  sctp_sack_info sack{};
  sack.sack_delay = 20;
  sack.sack_freq = 2;
  set(SCTP_DELAYED_SACK, &sack, sizeof sack);

  sctp_paddrparams path{};
  path.spp_assoc_id = SCTP_FUTURE_ASSOC;
  path.spp_flags = SPP_PMTUD_DISABLE | SPP_HB_DISABLE;  // see path_watch
  path.spp_pathmaxrxt = 65535;
  // usrsctp adds the common header to this.
  path.spp_pathmtu = static_cast<std::uint32_t>((std::clamp<std::size_t>(path_mtu_bytes, 576, 65535) - common_header_bytes) & ~std::size_t{3});
  set(SCTP_PEER_ADDR_PARAMS, &path, sizeof path);
  value = {};
  value.assoc_id = SCTP_FUTURE_ASSOC;
  value.assoc_value = first_window_bytes;
  set(SCTP_MAX_CWND, &value, sizeof value);

  for (const auto type : {SCTP_ASSOC_CHANGE, SCTP_STREAM_RESET_EVENT, SCTP_STREAM_CHANGE_EVENT, SCTP_PARTIAL_DELIVERY_EVENT}) {
    sctp_event event{};
    event.se_assoc_id = SCTP_FUTURE_ASSOC;
    event.se_type = static_cast<std::uint16_t>(type);
    event.se_on = 1;
    set(SCTP_EVENT, &event, sizeof event);
  }
}

void sctp_socket::limit_path(const path_limits& limits) {
  sctp_assocparams association{};
  association.sasoc_asocmaxrxt = static_cast<std::uint16_t>(limits.max_retransmissions);
  set(SCTP_ASSOCINFO, &association, sizeof association);
  sctp_paddrparams path{};
  path.spp_assoc_id = SCTP_FUTURE_ASSOC;
  path.spp_flags = SPP_HB_ENABLE;
  path.spp_hbinterval = static_cast<std::uint32_t>(limits.heartbeat.count());
  path.spp_pathmaxrxt = static_cast<std::uint16_t>(limits.max_retransmissions);
  set(SCTP_PEER_ADDR_PARAMS, &path, sizeof path);
  sctp_initmsg init{};  // what is 0 stays
  init.sinit_max_attempts = static_cast<std::uint16_t>(limits.max_init_attempts);
  set(SCTP_INITMSG, &init, sizeof init);
}

void sctp_socket::limit_pieces(std::size_t packet_bytes) {
  // usrsctp adds what a packet over IPv4 has around its data.
  constexpr std::size_t added = 48;
  sctp_assoc_value value{};
  value.assoc_value = packet_bytes == 0 ? 0 : static_cast<std::uint32_t>((packet_bytes & ~std::size_t{3}) - added);
  if (socket_) set(SCTP_MAXSEG, &value, sizeof value);
}

// Choosing the module that is in use already starts it anew, with the initial window: that is larger than any limit (stack.cpp).
void sctp_socket::set_window(std::size_t bytes) {
  if (!socket_) return;
  sctp_assoc_value value{};
  value.assoc_id = SCTP_CURRENT_ASSOC;
  value.assoc_value = static_cast<std::uint32_t>(std::min<std::size_t>(bytes, 1 << 30));
  usrsctp_setsockopt(socket_, IPPROTO_SCTP, SCTP_MAX_CWND, &value, sizeof value);
  value.assoc_value = 0;
  usrsctp_setsockopt(socket_, IPPROTO_SCTP, pluggable_congestion_control, &value, sizeof value);
}

void sctp_socket::set_send_buffer(std::size_t bytes) {
  const int size = static_cast<int>(std::min<std::size_t>(bytes, 1 << 30));
  if (socket_) usrsctp_setsockopt(socket_, SOL_SOCKET, SO_SNDBUF, &size, sizeof size);
}

void sctp_socket::set_least_timeout(std::chrono::milliseconds least) {
  if (!socket_) return;
  sctp_rtoinfo rto{};  // what is 0 stays
  rto.srto_assoc_id = SCTP_CURRENT_ASSOC;
  rto.srto_min = static_cast<std::uint32_t>(std::clamp<std::chrono::milliseconds>(least, least_timeout, longest_timeout).count());
  usrsctp_setsockopt(socket_, IPPROTO_SCTP, SCTP_RTOINFO, &rto, sizeof rto);
}

void sctp_socket::ask_round_trip(std::uint16_t remote_port, unsigned count) {
  if (!socket_) return;
  sctp_paddrparams path{};
  path.spp_assoc_id = SCTP_CURRENT_ASSOC;
  path.spp_flags = SPP_HB_DEMAND;
  const auto address = address_of(id_, remote_port);
  std::memcpy(&path.spp_address, &address, sizeof address);
  for (unsigned i = 0; i < count; ++i) usrsctp_setsockopt(socket_, IPPROTO_SCTP, SCTP_PEER_ADDR_PARAMS, &path, sizeof path);  // it may be ending
}

void sctp_socket::connect(std::uint16_t remote_port) {
  auto address = address_of(id_, remote_port);
  if (usrsctp_connect(socket_, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0 && errno != EINPROGRESS) refuse("connect");
}

void sctp_socket::listen() {
  if (usrsctp_listen(socket_, 1) != 0) refuse("listen");
  listener_ = std::exchange(socket_, nullptr);
}

bool sctp_socket::accept() {
  if (socket_) return true;
  sockaddr_conn from{};
  socklen_t size = sizeof from;
  socket_ = usrsctp_accept(listener_, reinterpret_cast<sockaddr*>(&from), &size);
  if (!socket_) return false;
  usrsctp_set_non_blocking(socket_, 1);
  usrsctp_set_upcall(socket_, &upcall, reinterpret_cast<void*>(id_));
  const linger abort_on_close{1, 0};
  usrsctp_setsockopt(socket_, SOL_SOCKET, SO_LINGER, &abort_on_close, sizeof abort_on_close);
  usrsctp_close(std::exchange(listener_, nullptr));
  return true;
}

received sctp_socket::receive(std::span<std::byte> into) {
  received out;
  if (!socket_) return out;
  sctp_rcvinfo info{};
  socklen_t info_size = sizeof info;
  unsigned info_type = SCTP_RECVV_NOINFO;
  int flags = 0;
  const auto size = usrsctp_recvv(socket_, into.data(), into.size(), nullptr, nullptr, &info, &info_size, &info_type, &flags);
  if (size < 0) {
    out.what = errno == EWOULDBLOCK || errno == EAGAIN || errno == EINPROGRESS || errno == ENOTCONN ? received::kind::nothing
                                                                                                   : received::kind::failed;
    return out;
  }
  if (size == 0) {
    out.what = received::kind::closed;
    return out;
  }
  out.size = static_cast<std::size_t>(size);
  out.complete = (flags & MSG_EOR) != 0;
  if (flags & MSG_NOTIFICATION) {
    out.what = received::kind::notification;
    return out;
  }
  out.what = received::kind::data;
  if (info_type == SCTP_RECVV_RCVINFO) {
    out.stream = info.rcv_sid;
    out.ppid = ntohl(info.rcv_ppid);
    out.unordered = (info.rcv_flags & SCTP_UNORDERED) != 0;
  }
  return out;
}

send_outcome sctp_socket::send(bytes_view message, const send_options& options) {
  if (!socket_) return send_outcome::failed;
  sctp_sendv_spa how{};
  how.sendv_flags = SCTP_SEND_SNDINFO_VALID;
  how.sendv_sndinfo.snd_sid = options.stream;
  how.sendv_sndinfo.snd_ppid = htonl(options.ppid);
  if (!options.ordered) how.sendv_sndinfo.snd_flags |= SCTP_UNORDERED;
  if (options.policy != reliability::reliable) {
    how.sendv_flags |= SCTP_SEND_PRINFO_VALID;
    how.sendv_prinfo.pr_policy = options.policy == reliability::retransmits ? SCTP_PR_SCTP_RTX : SCTP_PR_SCTP_TTL;
    how.sendv_prinfo.pr_value = options.parameter;
  }
  const auto sent = usrsctp_sendv(socket_, message.data(), message.size(), nullptr, 0, &how, sizeof how, SCTP_SENDV_SPA, 0);
  if (sent >= 0) return send_outcome::sent;
  return errno == EWOULDBLOCK || errno == EAGAIN ? send_outcome::full : send_outcome::failed;
}

bool sctp_socket::reset_outgoing(std::uint16_t stream) {
  if (!socket_) return false;
  std::array<std::byte, sizeof(sctp_reset_streams) + sizeof(std::uint16_t)> storage{};
  sctp_reset_streams request{};
  request.srs_assoc_id = SCTP_CURRENT_ASSOC;
  request.srs_flags = SCTP_STREAM_RESET_OUTGOING;
  request.srs_number_streams = 1;
  std::memcpy(storage.data(), &request, sizeof request);
  std::memcpy(storage.data() + offsetof(sctp_reset_streams, srs_stream_list), &stream, sizeof stream);
  return usrsctp_setsockopt(socket_, IPPROTO_SCTP, SCTP_RESET_STREAMS, storage.data(),
                            static_cast<socklen_t>(offsetof(sctp_reset_streams, srs_stream_list) + sizeof stream)) == 0;
}

bool sctp_socket::add_streams(std::uint16_t outgoing, std::uint16_t incoming) {
  if (!socket_) return false;
  sctp_add_streams request{};
  request.sas_assoc_id = SCTP_CURRENT_ASSOC;
  request.sas_outstrms = outgoing;
  request.sas_instrms = incoming;
  return usrsctp_setsockopt(socket_, IPPROTO_SCTP, SCTP_ADD_STREAMS, &request, sizeof request) == 0;
}

std::optional<socket_status> sctp_socket::status() const {
  if (!socket_) return {};
  sctp_status raw{};
  socklen_t size = sizeof raw;
  if (usrsctp_getsockopt(socket_, IPPROTO_SCTP, SCTP_STATUS, &raw, &size) != 0) return {};
  socket_status out;
  out.srtt = std::chrono::milliseconds(raw.sstat_primary.spinfo_srtt);
  out.queued = std::size_t{raw.sstat_unackdata} + raw.sstat_penddata;
  out.incoming_streams = raw.sstat_instrms;
  out.outgoing_streams = raw.sstat_outstrms;
  return out;
}

bool sctp_socket::interleaving() const {
  if (!socket_) return false;
  sctp_assoc_value value{};
  value.assoc_id = SCTP_CURRENT_ASSOC;
  socklen_t size = sizeof value;
  return usrsctp_getsockopt(socket_, IPPROTO_SCTP, interleaving_supported, &value, &size) == 0 && value.assoc_value != 0;
}

int sctp_socket::pending_error() const {
  if (!socket_) return 0;
  int error = 0;
  socklen_t size = sizeof error;
  usrsctp_getsockopt(socket_, SOL_SOCKET, SO_ERROR, &error, &size);
  return error;
}

void sctp_socket::shutdown() {
  if (socket_) usrsctp_shutdown(socket_, SHUT_WR);
}

void sctp_socket::abort() {
  if (auto* s = std::exchange(socket_, nullptr)) usrsctp_close(s);
  if (auto* s = std::exchange(listener_, nullptr)) usrsctp_close(s);
}

}  // namespace agw::sctp
