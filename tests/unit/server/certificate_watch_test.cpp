#include "certificate_watch.hpp"

#include <catch2/catch.hpp>

#include "agw/transports/certificate.hpp"

using namespace agw;
using namespace agw::server;
using namespace std::chrono_literals;

namespace {

constexpr auto day = 24h;
using step = expiry_steps::step;

std::shared_ptr<const dtls::context> context_for(std::chrono::hours valid) {
  dtls::self_signed_config config;
  config.valid_for = valid;
  return std::make_shared<const dtls::context>(dtls::certificate::self_signed(config));
}

struct watched {
  server_options options;
  replaceable<const dtls::context> dtls;
  replaceable<tls::context> tls;
  certificate_watch watch{options, dtls, tls};

  explicit watched(std::chrono::hours valid) : dtls(context_for(valid)) { options.dtls_certificate = "own.pem"; }
  wall_clock::time_point end() const { return dtls.current()->own().not_after(); }
  /// What is said when so much is left; "!" stands before an error.
  std::string said(wall_clock::duration left) {
    std::string out;
    for (const auto& one : watch.look(end() - left)) out += (one.at == log::level::err ? "!" : "") + one.text + "\n";
    return out;
  }
};

}  // namespace

TEST_CASE("30 days, 7 days and a day before its end, and at its end, a certificate is told of once") {
  watched w(90 * day);
  const auto on = utc_text(w.end());
  CHECK(w.said(60 * day) == "");
  CHECK(w.said(30 * day + 1s) == "");
  CHECK(w.said(30 * day) == "dtls.certificate: own.pem expires on " + on + ", in 30 days\n");
  CHECK(w.said(30 * day - 10s) == "");
  CHECK(w.said(8 * day) == "");
  CHECK(w.said(7 * day - 1s) == "dtls.certificate: own.pem expires on " + on + ", in 6 days\n");
  CHECK(w.said(2 * day) == "");
  CHECK(w.said(day) == "dtls.certificate: own.pem expires on " + on + ", in 24 hours\n");
  CHECK(w.said(1s) == "");
  CHECK(w.said(0s) == "!dtls.certificate: own.pem expired on " + on + "\n");
  CHECK(w.said(-5 * day) == "");
}

TEST_CASE("what a start and a reload tell by themselves is not told again") {
  watched w(90 * day);
  CHECK(w.said(5 * day) == "");  // the first look
  CHECK(w.said(5 * day - 10s) == "");
  w.dtls.replace(context_for(40 * day));
  CHECK(w.said(3 * day) == "");
  CHECK(w.said(1h).find("in 60 minutes") != std::string::npos);
}

TEST_CASE("a clock that is set past several steps has the last of them told, and the way again when it is set back") {
  watched w(90 * day);
  CHECK(w.said(60 * day) == "");
  CHECK(w.said(-1s).starts_with("!dtls.certificate: own.pem expired"));
  CHECK(w.said(60 * day) == "");
  CHECK(w.said(6 * day).find("in 6 days") != std::string::npos);
}

TEST_CASE("a certificate that was made at the start has no file to name") {
  watched w(90 * day);
  w.options.dtls_certificate.clear();
  CHECK(w.said(60 * day) == "");
  CHECK(w.said(20 * day).starts_with("dtls.certificate: the self-signed one expires on 20"));
}

TEST_CASE("a remark counts days, hours or minutes, rounded down") {
  const wall_clock::time_point end{480'000h};
  const auto of = [&](wall_clock::duration left) { return expiry_remark("a", end, end - left).value_or("nothing"); };
  const auto text = utc_text(end);
  CHECK(of(31 * day) == "nothing");
  CHECK(of(3 * day - 1s) == "a expires on " + text + ", in 2 days");
  CHECK(of(2 * day) == "a expires on " + text + ", in 48 hours");
  CHECK(of(119min) == "a expires on " + text + ", in 119 minutes");
  CHECK(of(1min) == "a expires on " + text + ", in 1 minute");
  CHECK(of(-1s) == "a expired on " + text);
}
