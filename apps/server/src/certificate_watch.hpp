// Certificates that come to their end: what --check-config, a start and a reload say of them, and what is said while the process runs.
#pragma once

#include <chrono>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "agw/core/awaitable.hpp"
#include "agw/core/log.hpp"
#include "agw/core/replaceable.hpp"
#include "agw/server/options.hpp"
#include "agw/transports/dtls_context.hpp"

namespace agw::server {

using wall_clock = std::chrono::system_clock;

/// "dtls.certificate: own.pem expired on 2026-12-01 12:00:00 UTC", or "… expires on …, in 6 days" for the last 30 days; nothing before.
std::optional<std::string> expiry_remark(const std::string& what, wall_clock::time_point not_after, wall_clock::time_point now);

/// "2026-12-01 12:00:00 UTC"
std::string utc_text(wall_clock::time_point at);

/// Compares the end of each certificate with the time at each look. No I/O.
class expiry_steps {
 public:
  enum class step { fine, month, week, day, over };  ///< more than 30 days are left, at most 30, at most 7, at most 1, none

  /// The step that the certificate `what` has come to since the last look, when it is a later one. Nothing at the first look at a new end, which the
  /// start and the reload tell by themselves.
  std::optional<step> look(const std::string& what, wall_clock::time_point not_after, wall_clock::time_point now);

 private:
  struct seen {
    wall_clock::time_point not_after;
    step at = step::fine;
  };
  std::map<std::string, seen> seen_;
};

/// The certificates that are in use, which a reload and keys::renew() replace. Of the control loop; everything that it refers to outlives it.
class certificate_watch {
 public:
  certificate_watch(const server_options& options, const replaceable<const dtls::context>& dtls, const replaceable<tls::context>& tls)
      : options_(options), dtls_(dtls), tls_(tls) {}

  struct line {
    log::level at = log::level::warn;
    std::string text;
  };
  /// What is to be said of them now: 30 days, 7 days and a day before the end, and at the end.
  std::vector<line> look(wall_clock::time_point now);

  /// Looks every 10 seconds and logs, until cancelled: the system's clock may be set.
  awaitable<void> run();

 private:
  void look_at(const std::string& what, wall_clock::time_point not_after, wall_clock::time_point now, std::vector<line>& into);

  const server_options& options_;
  const replaceable<const dtls::context>& dtls_;
  const replaceable<tls::context>& tls_;
  expiry_steps steps_;
};

}  // namespace agw::server
