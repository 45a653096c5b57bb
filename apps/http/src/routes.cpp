#include "agw/http/routes.hpp"

namespace agw::http {

void add_metrics(server& to, const metrics& counted) {
  to.route("/metrics", [&counted](request) -> awaitable<response> {
    response out;
    out.content_type = "text/plain; version=0.0.4; charset=utf-8";
    out.body = counted.expose();
    co_return out;
  });
}

void add_health(server& to, std::function<std::string()> describe) {
  to.route("/healthz", [describe = std::move(describe)](request) -> awaitable<response> {
    response out;
    out.content_type = "application/json";
    out.body = describe();
    co_return out;
  });
}

}  // namespace agw::http
