#include "ice/source_peek.hpp"

#include <sys/socket.h>

#include <cstring>
#include <memory>
#include <optional>

namespace agw::ice {

namespace {

// Between two looks libnice reads what is there.
constexpr guint interval_ms = 20;

struct peeker {
  peeker(GMainContext* c, GSocket* s, std::function<bool(const udp::endpoint&)> g)
      : context(c), socket(s), goes_on(std::move(g)) {}
  peeker(const peeker&) = delete;
  peeker& operator=(const peeker&) = delete;
  ~peeker() { g_object_unref(socket); }
  GMainContext* context;
  GSocket* socket;
  std::function<bool(const udp::endpoint&)> goes_on;
};

void attach(GSource* source, GSourceFunc call, std::unique_ptr<peeker> p) {
  auto* const context = p->context;
  const auto destroy = [](gpointer data) { delete static_cast<peeker*>(data); };
  g_source_set_callback(source, call, p.release(), destroy);
  g_source_attach(source, context);
  g_source_unref(source);
}

// Each source hands its peeker on to the next one, and keeps an empty one to delete.
std::unique_ptr<peeker> handed_on(peeker& from) {
  return std::make_unique<peeker>(from.context, G_SOCKET(g_object_ref(from.socket)), std::move(from.goes_on));
}

std::optional<udp::endpoint> head_of(GSocket* socket) {
  sockaddr_storage storage{};
  socklen_t size = sizeof(storage);
  char first = 0;
  const auto got =
      ::recvfrom(g_socket_get_fd(socket), &first, 1, MSG_PEEK | MSG_DONTWAIT, reinterpret_cast<sockaddr*>(&storage), &size);
  if (got < 0 || (storage.ss_family != AF_INET && storage.ss_family != AF_INET6)) return std::nullopt;
  udp::endpoint out;
  std::memcpy(out.data(), &storage, storage.ss_family == AF_INET6 ? sizeof(sockaddr_in6) : sizeof(sockaddr_in));
  return out;
}

void wait_readable(std::unique_ptr<peeker> p);

gboolean on_time(gpointer data) {
  wait_readable(handed_on(*static_cast<peeker*>(data)));
  return G_SOURCE_REMOVE;
}

gboolean on_readable(GSocket* socket, GIOCondition, gpointer data) {
  auto& p = *static_cast<peeker*>(data);
  if (g_socket_is_closed(socket)) return G_SOURCE_REMOVE;
  const auto source = head_of(socket);
  if (source && !p.goes_on(*source)) return G_SOURCE_REMOVE;
  attach(g_timeout_source_new(interval_ms), &on_time, handed_on(p));
  return G_SOURCE_REMOVE;
}

// Of higher priority than libnice's own source, and gone before that is served.
void wait_readable(std::unique_ptr<peeker> p) {
  if (g_socket_is_closed(p->socket)) return;
  auto* const source = g_socket_create_source(p->socket, G_IO_IN, nullptr);
  g_source_set_priority(source, G_PRIORITY_HIGH);
  attach(source, G_SOURCE_FUNC(&on_readable), std::move(p));
}

}  // namespace

void peek_sources(GMainContext* context, GSocket* socket, std::function<bool(const udp::endpoint& source)> goes_on) {
  wait_readable(std::make_unique<peeker>(context, socket, std::move(goes_on)));
}

}  // namespace agw::ice
