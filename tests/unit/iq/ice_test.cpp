// ICE credentials and fingerprints in the SDP of an association: what is refused, and what a restart returns.
#include "rig.hpp"

using namespace agw::iq::test;
using Catch::Matchers::Contains;
using Catch::Matchers::StartsWith;

namespace {

const std::string sha256 =
    "a=fingerprint:sha-256 00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:EE:FF:00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:EE:FF\r\n";
const std::string pwd = "abcdefghijklmnopqrstuvwx";

std::string remote(const std::string& ufrag, const std::string& password = pwd, const std::string& fingerprints = sha256) {
  return "Remote{v=0\r\nc=IN IP4 127.0.0.1\r\nm=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\na=setup:active\r\n" +
         (ufrag.empty() ? "" : "a=ice-ufrag:" + ufrag + "\r\n") + (password.empty() ? "" : "a=ice-pwd:" + password + "\r\n") +
         fingerprints + "a=sctp-port:5000\r\n}";
}
std::string local(const std::string& ice) {
  return "Local{v=0\r\nc=IN IP4 $\r\nm=application $ UDP/DTLS/SCTP webrtc-datachannel\r\na=setup:passive\r\na=fingerprint:sha-256 $\r\n" +
         ice + "a=candidate:$\r\na=sctp-port:$\r\n}";
}
const std::string chosen = "a=ice-ufrag:$\r\na=ice-pwd:$\r\n";

std::string modify(const std::string& media) { return "Context=1{Modify=ip/1/access/1{Media{Stream=1{" + media + "}}}}"; }

struct call : rig {
  call() { first = credentials(ask("Context=${Add=ip/1/access/${" + access_local + "}}")); }
  /// "a=ice-ufrag:…" and "a=ice-pwd:…" as a reply has them.
  static std::string credentials(const std::string& reply) {
    return "a=ice-ufrag:" + between(reply, "a=ice-ufrag:", "\n") + "\na=ice-pwd:" + between(reply, "a=ice-pwd:", "\n") + "\n";
  }
  std::string audited() { return credentials(ask("Context=1{AuditValue=ip/1/access/1{Audit{Media}}}")); }
  std::string first;
};

}  // namespace

TEST_CASE("credentials of a wrong form are a wrong value, missing ones are missing", "[iq]") {
  call c;
  CHECK_THAT(c.ask(modify(remote("abc"))), Contains("ER=449{\"a=ice-ufrag:abc"));
  CHECK_THAT(c.ask(modify(remote("ab\"d"))), Contains("ER=4"));
  CHECK_THAT(c.ask(modify(remote("abcd", "short"))), Contains("ER=449{"));
  CHECK_THAT(c.ask(modify(remote(""))), Contains("ER=472{\"a=ice-ufrag"));
  CHECK_THAT(c.ask(modify(remote("abcd", ""))), Contains("ER=472{\"a=ice-pwd"));
  CHECK(c.ask(modify(remote("abcd"))) == "C=1{MF=ip/1/access/1}");
}

TEST_CASE("a fingerprint that cannot be used is passed over beside a good one, and refused alone", "[iq]") {
  call c;
  const std::string sha1 = "a=fingerprint:sha-1 00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:EE:FF:00:11:22:33\r\n";
  const std::string md5 = "a=fingerprint:md5 00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:EE:FF\r\n";
  const std::string unknown = "a=fingerprint:sha3-256 00:11\r\n";
  const std::string malformed = "a=fingerprint:sha-256 00:11\r\n";
  CHECK_THAT(c.ask(modify(remote("abcd", pwd, sha1))), Contains("ER=449{\"a=fingerprint:sha-1"));
  CHECK_THAT(c.ask(modify(remote("abcd", pwd, md5 + unknown))), Contains("ER=449{\"a=fingerprint:md5"));
  CHECK_THAT(c.ask(modify(remote("abcd", pwd, malformed + sha256))), Contains("ER=449{"));
  CHECK(c.ask(modify(remote("abcd", pwd, sha1 + md5 + unknown + sha256))) == "C=1{MF=ip/1/access/1}");
}

TEST_CASE("a restart by the WIC gives the gateway new credentials, which return in Local", "[iq]") {
  call c;
  CHECK(c.ask(modify(remote("abcd"))) == "C=1{MF=ip/1/access/1}");
  CHECK(c.audited() == c.first);
  std::string reply;
  SECTION("by Remote alone") { reply = c.ask(modify(remote("wxyz"))); }
  SECTION("with a Local that asks for them") { reply = c.ask(modify(local(chosen) + "," + remote("wxyz"))); }
  CHECK_THAT(reply, StartsWith("C=1{MF=ip/1/access/1{M{ST=1{L{"));
  CHECK_THAT(reply, !Contains("$"));
  const auto second = call::credentials(reply);
  CHECK(second != c.first);
  CHECK(c.audited() == second);
  CHECK(c.ask(modify(remote("wxyz"))) == "C=1{MF=ip/1/access/1}");  // the same again is no restart
  CHECK(c.audited() == second);
  CHECK(call::credentials(c.ask(modify(remote("abcd")))) != second);
}

TEST_CASE("a Local that names the credentials keeps them when the WIC restarts", "[iq]") {
  call c;
  c.ask(modify(remote("abcd")));
  auto named = c.first;
  CHECK_THAT(c.ask(modify(local(named) + "," + remote("wxyz"))), Contains(named.substr(0, named.find('\n'))));
  CHECK(c.audited() == c.first);
}

TEST_CASE("the controller asks for a restart by $, and the WIC's answer changes nothing more", "[iq]") {
  call c;
  CHECK(call::credentials(c.ask(modify(local(chosen)))) == c.first);  // nothing to restart yet
  c.ask(modify(remote("abcd")));
  const auto offer = call::credentials(c.ask(modify(local(chosen))));
  CHECK(offer != c.first);
  CHECK(c.audited() == offer);
  CHECK(c.ask(modify(remote("wxyz"))) == "C=1{MF=ip/1/access/1}");
  CHECK(c.audited() == offer);
  CHECK_THAT(c.ask(modify(local("a=ice-ufrag:mine\r\na=ice-pwd:" + pwd + "\r\n"))), Contains("ER=473{\"a=ice-ufrag"));
}

namespace {

// With a=tls-id, and another certificate than `sha256` where `letter` is not the first.
std::string remote_of(const std::string& ufrag, const std::string& id, char letter = '0') {
  auto lines = sha256;
  lines.replace(lines.find(" 00:") + 1, 2, std::string(2, letter));
  return remote(ufrag, pwd, lines + (id.empty() ? "" : "a=tls-id:" + id + "\r\n"));
}
std::string tls_id(const std::string& reply) { return between(reply, "a=tls-id:", "\n"); }

}  // namespace

TEST_CASE("a=tls-id is chosen where Local asks for it, and kept where Local names it", "[iq]") {
  call c;
  const auto first = tls_id(c.ask(modify(local(chosen + "a=tls-id:$\r\n"))));
  CHECK(first.size() >= 20);
  CHECK(tls_id(c.ask(modify(local(chosen + "a=tls-id:$\r\n") + "," + remote("abcd")))) == first);
  CHECK(tls_id(c.ask("Context=1{AuditValue=ip/1/access/1{Audit{Media}}}")) == first);
  CHECK_THAT(c.ask(modify(local("a=tls-id:not0123456789this0123456789\r\n"))), Contains("ER=473{\"a=tls-id"));
  CHECK_THAT(c.ask(modify(local("a=tls-id:not this\r\n"))), Contains("ER=449{\"a=tls-id"));
  CHECK_THAT(c.ask(modify(remote_of("abcd", std::string(256, 'x')))), Contains("ER=449{\"a=tls-id"));
  // An ICE restart alone is no reason for another one (RFC 8842, 3.3).
  const auto restarted = c.ask(modify(remote("wxyz")));
  CHECK_THAT(restarted, Contains("a=ice-ufrag:"));
  CHECK(tls_id(restarted) == first);
}
