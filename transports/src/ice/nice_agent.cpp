#include "ice/nice_agent.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <deque>

#include <boost/asio/post.hpp>

#include "agw/core/metrics.hpp"
#include "agw/transports/tcp.hpp"
#include "ice/glib_loop.hpp"
#include "ice/source_peek.hpp"
#include "udp/fragments.hpp"

namespace agw::ice {

namespace {

constexpr guint component = NICE_COMPONENT_TYPE_RTP;
// Bound of the queue towards the shard. It fills only while the shard is stuck; then datagrams are dropped as from a full socket buffer.
constexpr std::size_t max_waiting_bytes = 1 << 20;
constexpr std::size_t max_peer_reflexive = 16;

struct candidate_list {
  candidate_list() = default;
  candidate_list(const candidate_list&) = delete;
  candidate_list& operator=(const candidate_list&) = delete;
  ~candidate_list() { g_slist_free_full(first, reinterpret_cast<GDestroyNotify>(&nice_candidate_free)); }
  GSList* first = nullptr;
};

udp::endpoint from_nice(const NiceAddress& address) {
  sockaddr_storage storage{};
  nice_address_copy_to_sockaddr(&address, reinterpret_cast<sockaddr*>(&storage));
  udp::endpoint out;
  // Not out.size(): that follows the family, which is about to be copied.
  std::memcpy(out.data(), &storage, storage.ss_family == AF_INET6 ? sizeof(sockaddr_in6) : sizeof(sockaddr_in));
  return out;
}

void to_nice(const udp::endpoint& address, NiceAddress& out) {
  sockaddr_storage storage{};
  std::memcpy(&storage, address.data(), address.size());
  nice_address_set_from_sockaddr(&out, reinterpret_cast<const sockaddr*>(&storage));
}

NiceCandidateType type_of(candidate_type type) noexcept {
  switch (type) {
    case candidate_type::host: return NICE_CANDIDATE_TYPE_HOST;
    case candidate_type::server_reflexive: return NICE_CANDIDATE_TYPE_SERVER_REFLEXIVE;
    case candidate_type::peer_reflexive: return NICE_CANDIDATE_TYPE_PEER_REFLEXIVE;
    case candidate_type::relayed: return NICE_CANDIDATE_TYPE_RELAYED;
  }
  return NICE_CANDIDATE_TYPE_HOST;
}

candidate_type type_of(NiceCandidateType type) noexcept {
  switch (type) {
    case NICE_CANDIDATE_TYPE_HOST: return candidate_type::host;
    case NICE_CANDIDATE_TYPE_SERVER_REFLEXIVE: return candidate_type::server_reflexive;
    case NICE_CANDIDATE_TYPE_PEER_REFLEXIVE: return candidate_type::peer_reflexive;
    case NICE_CANDIDATE_TYPE_RELAYED: return candidate_type::relayed;
  }
  return candidate_type::host;
}

// Of an IPv4 or IPv6 host candidate: what stands in SDP for it.
udp::endpoint shown(const udp::endpoint& bound, const std::vector<host_address>& all) {
  const auto found = std::ranges::find(all, bound.address(), &host_address::bound);
  return found == all.end() ? bound : udp::endpoint(found->shown, bound.port());
}

}  // namespace

// Between the threads. `owner` is the shard's alone; the rest is under the mutex, which is never held while libnice is called:
// it calls back from inside some calls, and takes locks of its own.
struct nice_agent::mailbox : std::enable_shared_from_this<mailbox> {
  explicit mailbox(loop_executor e) : executor(std::move(e)) {}

  nice_agent* owner = nullptr;

  std::mutex mutex;
  loop_executor executor;
  bool closed = false;
  bool wake_posted = false;
  datagram_batch waiting;
  std::deque<udp::endpoint> peer_reflexive;  // not taken yet
  state current = state::gathering;
  bool gathered = false;
  std::optional<udp::endpoint> listened_for;
  bool heard = false;
  bool listening = false;  // the GLib thread looks at the sources

  // With the mutex held.
  void wake() {
    if (closed || std::exchange(wake_posted, true)) return;
    asio::post(executor, [self = shared_from_this()] { self->woken(); });
  }
  // On the shard.
  void woken() {
    {
      const std::lock_guard lock(mutex);
      wake_posted = false;
    }
    if (owner == nullptr) return;
    owner->arrived.set();
    owner->changed.set();
  }
};

nice_agent::nice_agent(loop_executor executor, const config& settings, std::uint16_t low, std::uint16_t high)
    : box_(std::make_shared<mailbox>(std::move(executor))) {
  box_->owner = this;
  const auto options = static_cast<NiceAgentOption>(NICE_AGENT_OPTION_REGULAR_NOMINATION | NICE_AGENT_OPTION_CONSENT_FRESHNESS |
                                                    NICE_AGENT_OPTION_ICE_TRICKLE);
  auto* context = glib_loop::instance().context();
  agent_ = nice_agent_new_full(context, NICE_COMPATIBILITY_RFC5245, options);
  g_object_set(agent_, "ice-tcp", FALSE, "ice-udp", TRUE, "upnp", FALSE, "controlling-mode", settings.controlling ? TRUE : FALSE, nullptr);
  addresses_.push_back({settings.local_address, settings.advertised_address.value_or(settings.local_address)});
  // libnice gathers nothing at all when one of its addresses cannot be bound.
  if (settings.other_family && tcp::is_local(settings.other_family->bound)) addresses_.push_back(*settings.other_family);
  for (const auto& own : addresses_) {
    NiceAddress address;
    nice_address_init(&address);
    to_nice(udp::endpoint(own.bound, 0), address);
    nice_agent_add_local_address(agent_, &address);  // no others; libnice would leave out 127.0.0.1 by itself
  }
  g_signal_connect(agent_, "component-state-changed", G_CALLBACK(&on_state), box_.get());
  g_signal_connect(agent_, "candidate-gathering-done", G_CALLBACK(&on_gathered), box_.get());
  g_signal_connect(agent_, "new-remote-candidate-full", G_CALLBACK(&on_remote_candidate), box_.get());
  stream_ = nice_agent_add_stream(agent_, 1);
  if (high != 0) nice_agent_set_port_range(agent_, stream_, component, low, high);
  use_servers(settings);
  nice_agent_attach_recv(agent_, stream_, component, context, &on_receive, box_.get());
}

void nice_agent::use_servers(const config& settings) {
  if (settings.stun) {
    const auto address = settings.stun->address().to_string();
    g_object_set(agent_, "stun-server", address.c_str(), "stun-server-port", static_cast<guint>(settings.stun->port()), nullptr);
  }
  if (settings.turn) {
    const auto address = settings.turn->address.address().to_string();
    relayed_ = nice_agent_set_relay_info(agent_, stream_, component, address.c_str(), settings.turn->address.port(),
                                         settings.turn->user.c_str(), settings.turn->password.c_str(), NICE_RELAY_TYPE_TURN_UDP);
  }
}

nice_agent::~nice_agent() {
  box_->owner = nullptr;
  {
    const std::lock_guard lock(box_->mutex);
    box_->closed = true;
  }
  // A callback may be running there right now: the mailbox lives until the GLib thread has come to this.
  auto end = [agent = agent_, stream = stream_, box = box_, relayed = relayed_] {
    g_signal_handlers_disconnect_by_data(agent, box.get());
    nice_agent_attach_recv(agent, stream, component, glib_loop::instance().context(), nullptr, nullptr);
    if (!relayed) {
      nice_agent_remove_stream(agent, stream);
      g_object_unref(agent);
      return;
    }
    // The server is told that its allocations are needed no more.
    const auto closed = [](GObject* source, GAsyncResult*, gpointer) { g_object_unref(source); };
    nice_agent_close_async(agent, closed, nullptr);
  };
  glib_loop::instance().run(std::move(end));
}

bool nice_agent::gather(const credentials& own) {
  return nice_agent_set_local_credentials(agent_, stream_, own.ufrag.c_str(), own.pwd.c_str()) &&
         nice_agent_gather_candidates(agent_, stream_);
}

std::vector<candidate> nice_agent::local_candidates() const {
  candidate_list list;
  list.first = nice_agent_get_local_candidates(agent_, stream_, component);
  std::vector<candidate> out;
  for (auto* at = list.first; at != nullptr; at = at->next) {
    const auto& found = *static_cast<const NiceCandidate*>(at->data);
    if (found.type == NICE_CANDIDATE_TYPE_PEER_REFLEXIVE || found.transport != NICE_CANDIDATE_TRANSPORT_UDP) continue;
    candidate c;
    c.foundation = found.foundation;
    c.priority = found.priority;
    c.type = type_of(found.type);
    c.address = from_nice(found.addr);
    if (c.type == candidate_type::host) c.address = shown(c.address, addresses_);
    // The address that a relay saw is not known here (RFC 8839 5.1 allows this form).
    if (c.type == candidate_type::server_reflexive) c.related = shown(from_nice(found.base_addr), addresses_);
    if (c.type == candidate_type::relayed) c.related.emplace(c.address.protocol(), 0);
    if (std::ranges::find(out, c.address, &candidate::address) == out.end()) out.push_back(std::move(c));
  }
  return out;
}

bool nice_agent::gathered() const {
  const std::lock_guard lock(box_->mutex);
  return box_->gathered;
}

bool nice_agent::restart(const credentials& own) {
  return nice_agent_restart_stream(agent_, stream_) &&
         nice_agent_set_local_credentials(agent_, stream_, own.ufrag.c_str(), own.pwd.c_str());
}

void nice_agent::begin_anew() {
  const std::lock_guard lock(box_->mutex);
  box_->current = state::checking;
  box_->waiting.clear();
}

bool nice_agent::set_remote(const credentials& remote, const std::vector<candidate>& candidates) {
  if (!nice_agent_set_remote_credentials(agent_, stream_, remote.ufrag.c_str(), remote.pwd.c_str())) return false;
  candidate_list list;
  for (const auto& c : candidates) {
    auto* one = nice_candidate_new(type_of(c.type));
    one->component_id = component;
    one->stream_id = stream_;
    one->transport = NICE_CANDIDATE_TRANSPORT_UDP;
    one->priority = c.priority;
    g_strlcpy(one->foundation, c.foundation.c_str(), NICE_CANDIDATE_MAX_FOUNDATION);
    to_nice(c.address, one->addr);
    list.first = g_slist_prepend(list.first, one);
  }
  return candidates.empty() || nice_agent_set_remote_candidates(agent_, stream_, component, list.first) >= 0;
}

bool nice_agent::follow(const udp::endpoint& remote) {
  auto* one = nice_candidate_new(NICE_CANDIDATE_TYPE_PEER_REFLEXIVE);
  one->component_id = component;
  one->stream_id = stream_;
  one->transport = NICE_CANDIDATE_TRANSPORT_UDP;
  to_nice(remote, one->addr);
  const bool done = nice_agent_set_selected_remote_candidate(agent_, stream_, component, one);
  nice_candidate_free(one);
  return done;
}

bool nice_agent::listen_for(const udp::endpoint& source) {
  auto* const socket = nice_agent_get_selected_socket(agent_, stream_, component);
  if (socket == nullptr) return false;
  {
    const std::lock_guard lock(box_->mutex);
    box_->listened_for = source;
    box_->heard = false;
    if (std::exchange(box_->listening, true)) {
      g_object_unref(socket);
      return true;
    }
  }
  const auto hear = [box = box_](const udp::endpoint& from) {
    const std::lock_guard lock(box->mutex);
    if (!box->closed && box->listened_for && *box->listened_for != from) return true;
    if (!box->closed && box->listened_for) {
      box->heard = true;
      box->listened_for.reset();
      box->wake();
    }
    box->listening = false;
    return false;
  };
  glib_loop::instance().run([socket, hear] { peek_sources(glib_loop::instance().context(), socket, hear); });
  return true;
}

bool nice_agent::heard() const {
  const std::lock_guard lock(box_->mutex);
  return box_->heard;
}

void nice_agent::stop_listening() {
  const std::lock_guard lock(box_->mutex);
  box_->listened_for.reset();
  box_->heard = false;
}

bool nice_agent::take(datagram_batch& empty) {
  const std::lock_guard lock(box_->mutex);
  if (box_->waiting.empty()) return false;
  std::swap(empty, box_->waiting);
  return true;
}

std::size_t nice_agent::waiting_bytes() const {
  const std::lock_guard lock(box_->mutex);
  return box_->waiting.bytes();
}

std::optional<udp::endpoint> nice_agent::take_peer_reflexive() {
  const std::lock_guard lock(box_->mutex);
  if (box_->peer_reflexive.empty()) return std::nullopt;
  const auto oldest = box_->peer_reflexive.front();
  box_->peer_reflexive.pop_front();
  return oldest;
}

nice_agent::state nice_agent::current() const {
  const std::lock_guard lock(box_->mutex);
  return box_->current;
}

std::size_t nice_agent::send(const datagram_batch& batch) {
  constexpr std::size_t at_once = 64;
  std::array<GOutputVector, at_once> vectors;
  std::array<NiceOutputMessage, at_once> messages;
  std::size_t sent = 0;
  while (sent < batch.size()) {
    const auto count = std::min(at_once, batch.size() - sent);
    for (std::size_t i = 0; i < count; ++i) {
      vectors[i].buffer = batch[sent + i].data();
      vectors[i].size = batch[sent + i].size();
      messages[i].buffers = &vectors[i];
      messages[i].n_buffers = 1;
    }
    const auto n = nice_agent_send_messages_nonblocking(agent_, stream_, component, messages.data(), static_cast<guint>(count),
                                                        nullptr, nullptr);
    if (n <= 0) break;
    sent += static_cast<std::size_t>(n);
  }
  return sent;
}

std::optional<udp::endpoint> nice_agent::remote_address() const {
  NiceCandidate* own = nullptr;
  NiceCandidate* remote = nullptr;
  if (!nice_agent_get_selected_pair(agent_, stream_, component, &own, &remote) || remote == nullptr) return std::nullopt;
  return from_nice(remote->addr);
}

bool nice_agent::controlling() const {
  gboolean mode = FALSE;
  g_object_get(agent_, "controlling-mode", &mode, nullptr);
  return mode != FALSE;
}

void nice_agent::set_dscp(unsigned dscp) { nice_agent_set_stream_tos(agent_, stream_, static_cast<gint>(dscp << 2)); }

void nice_agent::allow_fragments(bool allowed) noexcept {
  auto* const sockets = nice_agent_get_sockets(agent_, stream_, component);
  if (!sockets) return;
  for (guint i = 0; i < sockets->len; ++i) {
    auto* const one = G_SOCKET(g_ptr_array_index(sockets, i));
    udp::allow_fragments(g_socket_get_fd(one), g_socket_get_family(one) == G_SOCKET_FAMILY_IPV6, allowed);
  }
  g_ptr_array_unref(sockets);
}

void nice_agent::on_receive(NiceAgent*, guint, guint, guint bytes, gchar* data, gpointer user_data) {
  auto& box = *static_cast<mailbox*>(user_data);
  const std::lock_guard lock(box.mutex);
  if (box.closed) return;
  if (box.waiting.bytes() + bytes > max_waiting_bytes) return count_drop("ice", "queue-full");
  box.waiting.push(bytes_view(reinterpret_cast<const std::byte*>(data), bytes));
  box.wake();
}

void nice_agent::on_state(NiceAgent*, guint, guint, guint new_state, gpointer user_data) {
  auto& box = *static_cast<mailbox*>(user_data);
  const std::lock_guard lock(box.mutex);
  switch (new_state) {
    case NICE_COMPONENT_STATE_READY: box.current = state::ready; break;
    case NICE_COMPONENT_STATE_FAILED: box.current = state::failed; break;
    case NICE_COMPONENT_STATE_GATHERING: box.current = state::gathering; break;
    default: box.current = state::checking; break;
  }
  box.wake();
}

void nice_agent::on_gathered(NiceAgent*, guint, gpointer user_data) {
  auto& box = *static_cast<mailbox*>(user_data);
  const std::lock_guard lock(box.mutex);
  box.gathered = true;
  box.wake();
}

void nice_agent::on_remote_candidate(NiceAgent*, NiceCandidate* found, gpointer user_data) {
  auto& box = *static_cast<mailbox*>(user_data);
  const std::lock_guard lock(box.mutex);
  if (found->type != NICE_CANDIDATE_TYPE_PEER_REFLEXIVE) return;
  if (box.peer_reflexive.size() == max_peer_reflexive) box.peer_reflexive.pop_front();
  box.peer_reflexive.push_back(from_nice(found->addr));
  box.wake();
}

}  // namespace agw::ice
