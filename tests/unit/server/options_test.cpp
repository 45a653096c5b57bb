#include <catch2/catch.hpp>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <initializer_list>
#include <iterator>
#include <map>
#include <set>
#include <string>

#include <unistd.h>

#include "agw/control/addresses.hpp"
#include "agw/server/options.hpp"

using namespace agw;
using namespace agw::server;
using namespace std::chrono_literals;

namespace {

// Files of one test; gone with it.
class folder {
 public:
  folder() { REQUIRE(mkdtemp(name_)); }
  ~folder() { std::filesystem::remove_all(name_); }
  folder(const folder&) = delete;
  folder& operator=(const folder&) = delete;
  std::string file(const std::string& name, const std::string& text) const {
    const auto path = std::string(name_) + "/" + name;
    std::ofstream(path) << text;
    return path;
  }
  const char* path() const { return name_; }

 private:
  char name_[32] = "/tmp/agw-options-XXXXXX";
};

std::variant<server_options, early_exit> run(std::initializer_list<std::string> words) {
  std::vector<const char*> argv{"agw-server"};
  for (const auto& w : words) argv.push_back(w.c_str());
  return parse(static_cast<int>(argv.size()), argv.data());
}

server_options accepted(std::initializer_list<std::string> words) {
  auto outcome = run(words);
  if (const auto* e = std::get_if<early_exit>(&outcome)) FAIL(e->text);
  return std::get<server_options>(std::move(outcome));
}

server_options accepted_file(const std::string& text) {
  const folder f;
  return accepted({"--config", f.file("agw.toml", text)});
}

std::string refused(std::initializer_list<std::string> words) {
  auto outcome = run(words);
  REQUIRE(std::holds_alternative<early_exit>(outcome));
  const auto& e = std::get<early_exit>(outcome);
  CHECK(e.code == 2);
  CHECK(e.text.find('\n') == std::string::npos);
  return e.text;
}

// The error line, without the folder.
std::string refused_file(const std::string& text) {
  const folder f;
  auto line = refused({"--config", f.file("agw.toml", text)});
  const auto prefix = std::string(f.path()) + "/";
  if (line.starts_with(prefix)) line.erase(0, prefix.size());
  return line;
}

std::string sample_path() { return AGW_TEST_DATA "/../apps/server/agw-server.toml"; }

}  // namespace

TEST_CASE("without options agw-server runs on loopback") {
  const auto o = accepted({});
  CHECK(h248::to_text(o.h248) == "127.0.0.1:2944");
  REQUIRE(o.registration.mgcs.size() == 1);
  CHECK(h248::to_text(o.registration.mgcs.front()) == "127.0.0.1:12944");
  CHECK(o.http.address().is_loopback());
  REQUIRE(o.iq.interfaces.size() == 2);
  CHECK(o.iq.interfaces[0].name == "access");
  CHECK(o.iq.interfaces[1].name == "core");
  CHECK(o.iq.interfaces[0].addresses.bound.front().is_loopback());
  CHECK(o.deadlines.at("ice") == 30s);
  CHECK(o.deadlines.at("tcp") == 10s);
  CHECK(o.gateway.ice_mode == ice::agent_mode::lite);
  CHECK(o.gateway.msrp_match == msrp::uri_match::exact);
  CHECK(o.control.mid.empty());
  CHECK(o.shards() >= 1);
}

TEST_CASE("the sample configuration has every key, with its default") {
  std::ifstream in(sample_path());
  REQUIRE(in);
  const std::string text{std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
  const auto document = config_document::parse(text, "agw-server.toml");
  REQUIRE(document.has_value());

  server_options defaults, loaded;
  settings of_defaults("agw-server", "0", ""), of_sample("agw-server", "0", "");
  declare(of_defaults, defaults);
  declare(of_sample, loaded);
  const auto error = of_sample.load(*document);
  INFO((error ? error->text : std::string()));
  REQUIRE_FALSE(error);
  const auto sample_values = of_sample.values();
  for (const auto& [key, value] : of_defaults.values()) {
    INFO(key);
    CHECK(std::map<std::string, std::string>(sample_values.begin(), sample_values.end())[key] == value);
  }

  std::set<std::string> in_sample;
  for (const auto& e : document->entries()) in_sample.insert(e.key);
  for (const auto& key : of_defaults.keys()) {
    INFO(key);
    CHECK(in_sample.contains(key));
  }
}

TEST_CASE("the examples in the sample's comments are valid") {
  const auto o = accepted_file(
      "[h248.names]\n\"mgroup/sem\" = \"semantics\"\n\"tcpbcc\" = \"tcpbc\"\n\"tcpbcc/BNCChange/Type/Est\" = \"up\"\n");
  CHECK(o.names.size() == 3);
  CHECK(o.names.at("mgroup/sem") == "semantics");
}

TEST_CASE("options override the file") {
  const folder f;
  const auto path = f.file(
      "agw.toml",
      "[h248]\nlisten = \"127.0.0.1:1\"\nmgc = [\"127.0.0.1:2\"]\nversion = 2\n[interfaces.core]\naddress = \"127.0.0.9\"\n");
  const auto o = accepted({"--h248", "127.0.0.2:3", "--mgc", "127.0.0.1:4", "--mgc", "mgc.example.com:5", "--config", path,
                           "--http", "127.0.0.1:0", "--access", "::1", "--core=127.0.0.3", "--ports", "2000-3000", "--threads",
                           "2", "--log-level", "warn"});
  CHECK(h248::to_text(o.h248) == "127.0.0.2:3");
  REQUIRE(o.registration.mgcs.size() == 2);
  CHECK(o.registration.mgcs[1].host == "mgc.example.com");
  CHECK(o.http.port() == 0);
  CHECK(o.iq.interfaces[0].addresses.bound.front().to_string() == "::1");
  CHECK(o.iq.interfaces[1].addresses.bound.front().to_string() == "127.0.0.3");
  CHECK(o.ports == port_range{2000, 3000});
  CHECK(o.shards() == 2);
  CHECK(o.log.level == "warning");
  CHECK(o.control.version == 2);
  CHECK(o.registration.version == 2);
}

TEST_CASE("controllers of several transports are reached from one address, by one link for each transport") {
  const auto both = accepted({"--mgc", "tcp:127.0.0.1:4", "--mgc", "TCP:[::1]", "--mgc", "mgc.example.com:5", "--mgc", "udp:127.0.0.9:6"});
  const auto& mgcs = both.registration.mgcs;
  REQUIRE(mgcs.size() == 4);
  CHECK(h248::to_text(mgcs[0]) == "tcp:127.0.0.1:4");
  CHECK(h248::to_text(mgcs[1]) == "tcp:[::1]:2944");
  CHECK(h248::to_text(mgcs[2]) == "mgc.example.com:5");
  CHECK(h248::to_text(mgcs[3]) == "127.0.0.9:6");
  const auto ends = control::own_ends(both.h248, mgcs);
  REQUIRE(ends.size() == 2);
  CHECK(h248::to_text(ends[0]) == "127.0.0.1:2944");
  CHECK(h248::to_text(ends[1]) == "tcp:127.0.0.1:2944");

  const auto tcp = accepted({"--h248", "tcp:127.0.0.1:7", "--mgc", "tcp:127.0.0.1:4"});
  CHECK(h248::to_text(tcp.h248) == "tcp:127.0.0.1:7");
  const auto one = control::own_ends(tcp.h248, tcp.registration.mgcs);
  REQUIRE(one.size() == 1);
  CHECK(h248::to_text(one[0]) == "tcp:127.0.0.1:7");
}

TEST_CASE("transports that do not fit together are refused") {
  CHECK(refused({"--h248", "tcp:127.0.0.1:7", "--mgc", "127.0.0.1:4"})
            .starts_with("--h248: tcp:127.0.0.1:7: allowed is a transport that all of h248.mgc have"));
  CHECK(refused({"--h248", "127.0.0.1:0", "--mgc", "tcp:127.0.0.1:4"}).starts_with("--h248: 127.0.0.1:0: allowed is a port from 1"));
  CHECK(accepted_file("[h248]\nlisten = \"127.0.0.1:0\"\nmgc = [\"tcp:127.0.0.1:4\"]\nmid = \"agw/1\"\n").h248.port == 0);
  CHECK(refused({"--h248", "tcp:127.0.0.1"}).starts_with("--h248: tcp:127.0.0.1: allowed is ADDRESS:PORT"));
  CHECK(refused({"--h248", "tls:127.0.0.1:7"}).starts_with("--h248: tls:127.0.0.1:7: allowed is ADDRESS:PORT"));
  CHECK(refused({"--mgc", "tcp:127.0.0.1:0"}).starts_with("--mgc: tcp:127.0.0.1:0: allowed is "));
  CHECK(refused({"--mgc", "tcp::2944"}).starts_with("--mgc: tcp::2944: allowed is "));
}

TEST_CASE("interfaces beyond the two are made by naming them") {
  const auto o = accepted_file("[interfaces.roaming]\naddress = \"192.0.2.7\"\n[interfaces.access]\nrealm = \"internet\"\n");
  REQUIRE(o.iq.interfaces.size() == 3);
  CHECK(o.iq.interfaces[0].realm == "internet");
  CHECK(o.iq.interfaces[2].name == "roaming");
  CHECK(o.iq.interfaces[2].realm == "roaming");
  CHECK(o.iq.interfaces[2].addresses.bound.front().to_string() == "192.0.2.7");
}

TEST_CASE("every value of the file is checked, and the line says where and what") {
  CHECK(refused_file("\n[ports]\nlow = 70000\n") == "agw.toml:3: ports.low = 70000: allowed is an integer from 1024 to 65535");
  CHECK(refused_file("[h248]\nlisten = \"here\"\n").starts_with("agw.toml:2: h248.listen = \"here\": allowed is ADDRESS:PORT"));
  CHECK(refused_file("[h248]\nmgc = [\"127.0.0.1:0\"]\n")
            .starts_with("agw.toml:2: h248.mgc = [\"127.0.0.1:0\"]: allowed is a list of 1 to 16, each HOST[:PORT]"));
  CHECK(refused_file("[h248]\nmgc = []\n").starts_with("agw.toml:2: h248.mgc = []: allowed is a list"));
  CHECK(refused_file("[h248]\nmgc = [\"tls:mgc:2944\"]\n").starts_with("agw.toml:2: h248.mgc = "));
  for (const char* nobody : {"0.0.0.0", "224.0.0.1", "127.0.0.1:2944", "256.1.1.1"}) {
    CHECK(refused_file("[h248]\nmgc = [\"" + std::string(nobody) + "\"]\n").starts_with("agw.toml:2: h248.mgc = "));
  }
  CHECK(refused_file("[h248]\nmid = \"[192.0.2.1\"\n").starts_with("agw.toml:2: h248.mid = \"[192.0.2.1\": allowed is "));
  // Names of many, names that a header cannot hold.
  for (const std::string name : {"*", "*gw", "gw/*", "gw/$", "$", "gw@", "gw@@x", "8gw", "gw.1", "gw-1", "<gw_1>", "MTP{123456789}",
                                 "[0.0.0.0]:2944", "[::]:2944", "[224.0.0.1]"}) {
    INFO(name);
    CHECK(refused_file("[h248]\nmid = \"" + name + "\"\n").starts_with("agw.toml:2: h248.mid = \"" + name + "\": allowed is "));
  }
  CHECK(accepted_file("[msrp]\nmatch = \"sessmatch\"\n").gateway.msrp_match == msrp::uri_match::sessmatch);
  CHECK(refused_file("[msrp]\nmatch = \"all\"\n") == "agw.toml:2: msrp.match = \"all\": allowed is one of \"exact\", \"sessmatch\"");
  CHECK(refused_file("[ice]\nmode = \"half\"\n") == "agw.toml:2: ice.mode = \"half\": allowed is one of \"lite\", \"full\"");
  CHECK(refused_file("[deadlines]\nice = 30\n")
            .starts_with("agw.toml:2: deadlines.ice = 30: allowed is a duration from 100ms to 10min"));
  CHECK(refused_file("[interfaces.access]\naddress = \"0.0.0.0\"\n")
            .starts_with("agw.toml:2: interfaces.access.address = \"0.0.0.0\": allowed is "));
  CHECK(refused_file("[log]\nlevel = \"loud\"\n").starts_with("agw.toml:2: log.level = \"loud\": allowed is one of"));
  CHECK(refused_file("[h248.names]\n\"no/such\" = \"x\"\n")
            .starts_with("agw.toml:2: h248.names.no/such: allowed is the name of a package"));
  CHECK(refused_file("[h248.names]\n\"mgroup/sem\" = \"a b\"\n")
            .starts_with("agw.toml:2: h248.names.mgroup/sem = \"a b\": allowed is a name"));
  CHECK(refused_file("[h248]\nlissen = \"x\"\n")
            .starts_with("agw.toml:2: h248.lissen: unknown key: allowed in [h248] are listen, mgc, mid"));
}

TEST_CASE("wrong options name themselves") {
  CHECK(refused({"--ports", "4-5"}) == "--ports: 4-5: allowed is LOW-HIGH, two ports from 1024 to 65535, the lower one first");
  for (const auto* option : {"--h248", "--mgc", "--http", "--access", "--core", "--threads", "--log-level"}) {
    const auto line = refused({option, "no good"});
    INFO(line);
    CHECK(line.starts_with(std::string(option) + ": no good: allowed is "));
  }
}

TEST_CASE("values that contradict each other are refused") {
  CHECK(refused_file("[ports]\nlow = 30000\n") == "agw.toml:2: ports.low = 30000: allowed is ports.low not above ports.high");
  CHECK(refused_file("[h248]\nlisten = \"0.0.0.0:2944\"\n").starts_with("agw.toml:2: h248.listen = "));
  CHECK(accepted_file("[h248]\nlisten = \"0.0.0.0:2944\"\nmid = \"<mg.example.org>:2944\"\n").h248.host.is_unspecified());
  CHECK(refused_file("[h248]\nlong_timer = \"10s\"\n")
            .starts_with("agw.toml:2: h248.long_timer = \"10s\": allowed is h248.long_timer not below"));
  CHECK(refused_file("[h248]\nmin_timeout = \"1s\"\n").starts_with("agw.toml:2: h248.min_timeout = "));
  CHECK(refused_file("[h248]\nmin_version = 2\nversion = 1\n").starts_with("agw.toml:3: h248.version = 1: "));
  CHECK(refused_file("[interfaces.core]\nrealm = \"access\"\n")
            .starts_with("agw.toml:2: interfaces.core.realm = \"access\": allowed is a realm"));
  CHECK(refused_file("[h248.names]\n\"tcpbcc\" = \"tlsbsc\"\n")
            .starts_with("agw.toml:2: h248.names.tcpbcc = \"tlsbsc\": allowed is a name that nothing else has"));
}

TEST_CASE("certificates are opened before anything starts") {
  const folder f;
  const auto nothing = f.file("empty.pem", "");
  CHECK(refused_file("[dtls]\ncertificate = \"/nonexistent.pem\"\n")
            .starts_with("agw.toml:2: dtls.certificate = \"/nonexistent.pem\": allowed is the path"));
  CHECK(refused_file("[dtls]\ncertificate = \"" + nothing + "\"\n").find(": allowed is only together with dtls.key") !=
        std::string::npos);
  CHECK(refused_file("[dtls]\ncertificate = \"" + nothing + "\"\nkey = \"" + nothing + "\"\n")
            .find(": allowed is a PEM file with a certificate") != std::string::npos);
  CHECK(refused_file("[tls]\nca = \"" + nothing + "\"\n").find(": allowed is a PEM file with certificates of authorities") !=
        std::string::npos);
}

TEST_CASE("SCTP's settings: streams up to all there are, and how long a channel is held") {
  const auto o = accepted_file("[sctp]\nstreams = 65535\nhold_limit = \"5s\"\n");
  CHECK(o.gateway.sctp_streams == 65535);
  CHECK(o.gateway.hold_limit == 5s);
  CHECK(accepted({}).gateway.hold_limit == 30s);
  CHECK(refused_file("[sctp]\nhold_limit = \"500ms\"\n").starts_with("agw.toml:2: sctp.hold_limit"));
  CHECK(refused_file("[sctp]\nhold_limit = \"11min\"\n").starts_with("agw.toml:2: sctp.hold_limit"));
  CHECK(refused_file("[sctp]\nstreams = 65536\n").starts_with("agw.toml:2: sctp.streams"));
}

TEST_CASE("paths in a file count from the file's folder") {
  const folder f;
  f.file("certs.pem", "");
  const auto line = refused({"--config", f.file("agw.toml", "[tls]\nca = \"certs.pem\"\n")});
  CHECK(line.find("tls.ca = \"certs.pem\": allowed is a PEM file with certificates of authorities") != std::string::npos);
  f.file("password", "secret\n");
  const auto o = accepted({"--config", f.file("agw.toml", "[ice]\nmode = \"full\"\nturn = \"192.0.2.1:3478\"\nturn_user = \"u\"\n"
                                                          "turn_password_file = \"password\"\n")});
  CHECK(o.gateway.turn->password == "secret");
}

TEST_CASE("HTTP takes no port that calls or H.248 take") {
  CHECK(refused_file("[http]\nlisten = \"127.0.0.1:2944\"\n").starts_with("agw.toml:2: http.listen = \"127.0.0.1:2944\": allowed is another port than that of h248.listen"));
  CHECK(refused_file("[http]\nlisten = \"0.0.0.0:2944\"\n").starts_with("agw.toml:2: http.listen"));
  CHECK(refused_file("[http]\nlisten = \"127.0.0.1:20000\"\n").find("allowed is a port outside of [ports]") != std::string::npos);
  CHECK(refused_file("[http]\nlisten = \"[::]:29999\"\n").find("allowed is a port outside of [ports]") != std::string::npos);
  CHECK(accepted_file("[http]\nlisten = \"127.0.0.9:20000\"\n").http.port() == 20000);
  CHECK(accepted_file("[http]\nlisten = \"127.0.0.1:30000\"\n").http.port() == 30000);
}

TEST_CASE("without a number of contexts there are as many as fit, and calls get ten minutes to drain") {
  CHECK(accepted_file("[ports]\nlow = 20000\nhigh = 20049\n").iq.max_contexts == 50);
  CHECK(accepted_file("[limits]\ncontexts = 7\n").iq.max_contexts == 7);
  CHECK(accepted({}).shutdown_delay == 10min);
  CHECK(refused_file("[limits]\norphaned_after = \"5s\"\n").find("allowed is \"0s\", or a duration of at least 10s") != std::string::npos);
  CHECK(accepted_file("[limits]\norphaned_after = \"1h\"\n").iq.orphaned_after == 1h);
}

TEST_CASE("the silence of a controller is a second at least, or nothing") {
  CHECK(accepted({}).registration.silence == 60s);
  CHECK(accepted_file("[h248]\nsilence = \"0s\"\n").registration.silence == 0s);
  CHECK(refused_file("[h248]\nsilence = \"10ms\"\n").find("h248.silence") != std::string::npos);
  CHECK(accepted_file("[h248.names]\n\"it\" = \"inact\"\n").registration.inactivity_event == "inact/ito");
}

TEST_CASE("check-config warns of limits that do not fit, with figures") {
  const folder f;
  auto outcome = run({"--check-config", "--config", f.file("agw.toml", "[ports]\nlow = 20000\nhigh = 20049\n[limits]\ncontexts = 51\n")});
  REQUIRE(std::holds_alternative<early_exit>(outcome));
  CHECK(std::get<early_exit>(outcome).code == 0);
  CHECK(std::get<early_exit>(outcome).text.find("\nwarning: limits.contexts = 51 needs 51 UDP ports") != std::string::npos);
}

TEST_CASE("check-config says ok with success") {
  auto outcome = run({"--check-config", "--config", sample_path()});
  REQUIRE(std::holds_alternative<early_exit>(outcome));
  CHECK(std::get<early_exit>(outcome).code == 0);
  // Behind it comes a warning where the machine allows too few descriptors for the defaults.
  CHECK(std::get<early_exit>(outcome).text.starts_with(sample_path() + ": ok"));
}

TEST_CASE("help shows every option with its default") {
  auto outcome = run({"--help"});
  REQUIRE(std::holds_alternative<early_exit>(outcome));
  const auto& help = std::get<early_exit>(outcome).text;
  for (const auto* option :
       {"--config FILE", "--h248 ADDR:PORT", "--mgc ADDR:PORT", "--http ADDR:PORT", "--access ADDR", "--core ADDR",
        "--ports LOW-HIGH", "--threads N", "--log-level LEVEL", "--help", "--version", "--check-config"}) {
    INFO(option);
    CHECK(help.find(option) != std::string::npos);
  }
  CHECK(help.find("(default 127.0.0.1:2944)") != std::string::npos);
  CHECK(help.find("(default 20000-29999)") != std::string::npos);
}

TEST_CASE("whom the gateway trusts, and how long a reply may be, is configured") {
  const auto defaults = accepted({});
  CHECK(defaults.control.trusted == h248::trust::address);
  CHECK(defaults.registration.handoff == h248::handoff_targets::configured);
  CHECK_FALSE(defaults.control.transactions.compare_requests);
  CHECK(defaults.control.transactions.max_reply_bytes == 1u << 20);
  const auto o = accepted_file("[h248]\ntrust = \"host\"\nhandoff = \"any\"\ncompare_requests = true\nmax_reply = 65536\n");
  CHECK(o.control.trusted == h248::trust::host);
  CHECK(o.registration.handoff == h248::handoff_targets::any);
  CHECK(o.control.transactions.compare_requests);
  CHECK(o.control.transactions.max_reply_bytes == 65536);
  CHECK(refused_file("[h248]\ntrust = \"port\"\n").find("h248.trust") != std::string::npos);
  CHECK(refused_file("[h248]\nhandoff = \"none\"\n").find("h248.handoff") != std::string::npos);
  CHECK(refused_file("[h248]\nmax_reply = 10\n").find("h248.max_reply") != std::string::npos);
}

TEST_CASE("an interface may have an address of each family, and others that are advertised for them") {
  const auto o = accepted_file(
      "[interfaces.access]\naddress = [\"::1\", \"127.0.0.2\"]\nadvertised = [\"203.0.113.10\", \"2001:db8::10\"]\n"
      "[interfaces.core]\nadvertised = \"203.0.113.11\"\n");
  const auto& access = o.iq.interfaces[0].addresses;
  REQUIRE(access.bound.size() == 2);
  CHECK(access.bound[0].to_string() == "::1");
  REQUIRE(access.advertised.size() == 2);
  CHECK(access.advertised[0].to_string() == "203.0.113.10");
  REQUIRE(o.iq.interfaces[1].addresses.advertised.size() == 1);
  const auto wrong = [](const std::string& key, const std::string& value) {
    const auto line = refused_file("[interfaces.access]\n" + key + " = " + value + "\n");
    INFO(line);
    CHECK(line.starts_with("agw.toml:2: interfaces.access." + key + " = "));
    CHECK(line.find("allowed is") != std::string::npos);
  };
  wrong("address", "[\"127.0.0.1\", \"127.0.0.2\"]");
  wrong("address", "[]");
  wrong("address", "\"224.0.0.1\"");
  wrong("address", "[\"127.0.0.1\", \"::\"]");
  wrong("advertised", "\"0.0.0.0\"");
  wrong("advertised", "\"224.0.0.1\"");
  wrong("advertised", "\"2001:db8::10\"");
  wrong("advertised", "[\"203.0.113.10\", \"203.0.113.11\"]");
  wrong("advertised", "\"example.com\"");
}

TEST_CASE("STUN and TURN servers are for full ICE, and a TURN server has credentials") {
  const folder f;
  const auto secret = f.file("secret", "pass word\nmore\n");
  const std::string full = "[ice]\nmode = \"full\"\n";
  const auto o = accepted_file(full + "stun = \"192.0.2.1:3478\"\nturn = \"[2001:db8::1]:3478\"\nturn_user = \"u\"\nturn_password_file = \"" +
                               secret + "\"\ngather_timeout = \"1s\"\n");
  REQUIRE(o.gateway.stun);
  CHECK(o.gateway.stun->port() == 3478);
  REQUIRE(o.gateway.turn);
  CHECK(o.gateway.turn->address.address().to_string() == "2001:db8::1");
  CHECK(o.gateway.turn->user == "u");
  CHECK(o.gateway.turn->password == "pass word");
  CHECK(o.gateway.gather_timeout == 1s);
  CHECK(accepted_file(full + "turn = \"192.0.2.1:3478\"\nturn_user = \"u\"\nturn_password = \"p\"\n").gateway.turn->password == "p");
  CHECK(refused_file("[ice]\nstun = \"192.0.2.1:3478\"\n").starts_with("agw.toml:2: ice.stun = "));
  CHECK(refused_file("[ice]\nturn = \"192.0.2.1:3478\"\n").starts_with("agw.toml:2: ice.turn = "));
  CHECK(refused_file(full + "[ports]\nshared = true\n").starts_with("agw.toml:4: ports.shared = true: "));
  CHECK(refused_file("[ports]\nshared = true\n[interfaces.access]\nfloating = true\n").starts_with("agw.toml:2: ports.shared = true: "));
  CHECK(accepted_file("[ports]\nshared = true\n[interfaces.core]\nfloating = true\n").shared_port);
  CHECK(refused_file(full + "stun = \"192.0.2.1:0\"\n").starts_with("agw.toml:3: ice.stun = "));
  CHECK(refused_file(full + "stun = \"0.0.0.0:1\"\n").starts_with("agw.toml:3: ice.stun = "));
  CHECK(refused_file(full + "turn_user = \"u\"\n").starts_with("agw.toml:3: ice.turn_user = "));
  CHECK(refused_file(full + "turn = \"192.0.2.1:3478\"\n").starts_with("agw.toml:3: ice.turn = "));
  CHECK(refused_file(full + "turn = \"192.0.2.1:3478\"\nturn_user = \"u\"\n").find("ice.turn_password") != std::string::npos);
  CHECK(refused_file(full + "turn = \"192.0.2.1:3478\"\nturn_user = \"u\"\nturn_password = \"p\"\nturn_password_file = \"" + secret + "\"\n")
            .find("one of ice.turn_password") != std::string::npos);
  const auto nothing = f.file("nothing", "\n");
  CHECK(refused_file(full + "turn = \"192.0.2.1:3478\"\nturn_user = \"u\"\nturn_password_file = \"" + nothing + "\"\n")
            .find("a password of 1 to 255 bytes") != std::string::npos);
}

TEST_CASE("source ports towards the core are the system's, those of media, or a range of their own") {
  using origin = source_port_choice::origin;
  CHECK(accepted({}).source_ports.from == origin::any);
  CHECK(accepted_file("[tcp]\nsource_ports = \"ports\"\n").source_ports.from == origin::ports);
  const auto own = accepted_file("[tcp]\nsource_ports = \"40000-40010\"\n").source_ports;
  CHECK(own.from == origin::own);
  CHECK(own.range == port_range{40000, 40010});
  CHECK(refused_file("[tcp]\nsource_ports = \"some\"\n").find("allowed is \"any\", \"ports\" or LOW-HIGH") != std::string::npos);
}

TEST_CASE("only a certificate of the gateway's own making has a lifetime") {
  CHECK(accepted_file("[dtls]\ncertificate_lifetime = \"24h\"\n").dtls_certificate_lifetime == 24h);
  CHECK(refused_file("[dtls]\ncertificate_lifetime = \"1s\"\n").starts_with("agw.toml:2: dtls.certificate_lifetime = "));
}
