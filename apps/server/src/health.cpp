#include "health.hpp"

namespace agw::server {

namespace {

// A call takes a socket of each family towards the WIC and one or two towards the core.
constexpr std::size_t descriptors_of_a_call = 4;

std::string quoted(const std::vector<std::string>& words) {
  std::string out = "[";
  for (const auto& w : words) out.append(out.size() > 1 ? "," : "").append("\"").append(w).append("\"");
  return out + "]";
}

std::string short_of(const char* what, const use& u) {
  return std::string(what) + ": " + std::to_string(u.taken) + " of " + std::to_string(u.most) + " are in use";
}

http::response json(bool good, std::string body) {
  http::response out;
  out.status = good ? 200 : 503;
  out.content_type = "application/json";
  out.headers.emplace_back("Cache-Control", "no-store");
  out.body = std::move(body) + "\n";
  return out;
}

}  // namespace

std::vector<std::string> not_ready(const health_facts& now) {
  std::vector<std::string> out;
  if (!now.registered) out.push_back("not registered with a controller");
  if (now.draining) out.push_back("draining");
  out.insert(out.end(), now.absent.begin(), now.absent.end());
  if (!now.contexts.room_for(1)) out.push_back(short_of("contexts", now.contexts));
  if (!now.udp_ports.room_for(1)) out.push_back(short_of("UDP ports", now.udp_ports));
  if (!now.tcp_ports.room_for(1)) out.push_back(short_of("TCP ports", now.tcp_ports));
  if (!now.descriptors.room_for(descriptors_of_a_call)) out.push_back(short_of("file descriptors", now.descriptors));
  for (const auto& loop : now.stuck) out.push_back("the loop " + loop + " does not turn");
  return out;
}

http::response healthz(const health_facts& now) {
  const bool alive = now.stuck.empty();
  return json(alive, std::string(R"({"status":)") + (alive ? R"("ok")" : R"("stuck")") + R"(,"registered":)" + (now.registered ? "true" : "false") +
                         R"(,"stuck":)" + quoted(now.stuck) + "}");
}

http::response readyz(const health_facts& now) {
  const auto reasons = not_ready(now);
  return json(reasons.empty(), std::string(R"({"ready":)") + (reasons.empty() ? "true" : "false") + R"(,"reasons":)" + quoted(reasons) + "}");
}

void add_health(http::server& to, std::function<health_facts()> look) {
  to.route("/healthz", [look](http::request) -> awaitable<http::response> { co_return healthz(look()); });
  to.route("/readyz", [look](http::request) -> awaitable<http::response> { co_return readyz(look()); });
}

}  // namespace agw::server
