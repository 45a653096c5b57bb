#include "certificate_watch.hpp"

#include <ctime>
#include <utility>

#include "agw/core/until.hpp"

namespace agw::server {

namespace {

using namespace std::chrono_literals;
using step = expiry_steps::step;

constexpr auto period = 10s;
constexpr auto day = 24h;

step step_of(wall_clock::duration left) {
  if (left <= 0s) return step::over;
  if (left <= day) return step::day;
  if (left <= 7 * day) return step::week;
  return left <= 30 * day ? step::month : step::fine;
}

std::string left_text(wall_clock::duration left) {
  const auto counted = [](auto n, const char* unit) { return std::to_string(n) + " " + unit + (n == 1 ? "" : "s"); };
  if (left > 2 * day) return counted(left / day, "day");
  if (left >= 2h) return counted(left / 1h, "hour");
  return counted(left / 1min, "minute");
}

}  // namespace

std::string utc_text(wall_clock::time_point at) {
  const auto seconds = wall_clock::to_time_t(at);
  std::tm utc{};
  ::gmtime_r(&seconds, &utc);
  char out[32];
  std::strftime(out, sizeof out, "%Y-%m-%d %H:%M:%S UTC", &utc);
  return out;
}

std::optional<std::string> expiry_remark(const std::string& what, wall_clock::time_point not_after, wall_clock::time_point now) {
  const auto left = not_after - now;
  switch (step_of(left)) {
    case step::fine: return std::nullopt;
    case step::over: return what + " expired on " + utc_text(not_after);
    default: return what + " expires on " + utc_text(not_after) + ", in " + left_text(left);
  }
}

std::optional<step> expiry_steps::look(const std::string& what, wall_clock::time_point not_after, wall_clock::time_point now) {
  const auto at = step_of(not_after - now);
  const auto known = seen_.find(what);
  if (known == seen_.end() || known->second.not_after != not_after) {
    seen_[what] = {not_after, at};
    return std::nullopt;
  }
  return std::exchange(known->second.at, at) < at ? std::optional(at) : std::nullopt;
}

void certificate_watch::look_at(const std::string& what, wall_clock::time_point not_after, wall_clock::time_point now, std::vector<line>& into) {
  const auto reached = steps_.look(what, not_after, now);
  if (!reached) return;
  if (auto text = expiry_remark(what, not_after, now)) into.push_back({*reached == step::over ? log::level::err : log::level::warn, std::move(*text)});
}

std::vector<certificate_watch::line> certificate_watch::look(wall_clock::time_point now) {
  std::vector<line> out;
  const auto& own = options_.dtls_certificate;
  if (const auto dtls = dtls_.current()) look_at("dtls.certificate: " + (own.empty() ? "the self-signed one" : own), dtls->own().not_after(), now, out);
  if (options_.tls.certificate_file.empty()) return out;  // it presents that of [dtls]
  const auto tls = tls_.current();
  if (const auto end = tls ? tls->not_after() : std::nullopt) look_at("tls.certificate: " + options_.tls.certificate_file, *end, now, out);
  return out;
}

awaitable<void> certificate_watch::run() {
  for (;;) {
    for (const auto& one : look(wall_clock::now())) {
      if (one.at == log::level::err) log::error("{}", one.text);
      else log::warn("{}", one.text);
    }
    co_await sleep_until(deadline_after(period));
  }
}

}  // namespace agw::server
