#include "limits.hpp"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <limits>
#include <vector>

#include <catch2/catch.hpp>
#include <openssl/pem.h>
#include <sys/socket.h>
#include <unistd.h>

#include "agw/transports/certificate.hpp"

using namespace agw;
using namespace agw::server;
using Catch::Matchers::Contains;

TEST_CASE("more contexts than ports is remarked on with figures") {
  server_options o;
  o.ports = {20000, 20099};
  o.iq.max_contexts = 100;
  CHECK_FALSE(port_remark(o));
  o.iq.max_contexts = 101;
  REQUIRE(port_remark(o));
  CHECK_THAT(*port_remark(o), Contains("limits.contexts = 101 needs 101 UDP ports, 1 for each call; [ports] has 100, which is enough for 100 calls"));
  o.iq.interfaces[0].addresses.bound.push_back(asio::ip::address_v6::loopback());
  CHECK_THAT(*port_remark(o), Contains("needs 202 UDP ports, 2 for each call; [ports] has 100, which is enough for 50 calls"));
  o.shared_port = true;
  CHECK_THAT(*port_remark(o), Contains("needs 101 TCP ports, 1 for each call; [ports] has 100"));
}

TEST_CASE("contexts = 0 is as many as ports or descriptors allow, whichever is less") {
  server_options o;
  o.ports = {20000, 20099};
  CHECK(fitting_contexts(o, std::numeric_limits<std::size_t>::max()) == 100);
  auto fifty = o;
  fifty.iq.max_contexts = 50;
  CHECK(fitting_contexts(o, descriptors_needed(fifty)) == 50);
  CHECK(fitting_contexts(o, 3) == 1);
}

TEST_CASE("an interface that has no address of this machine is named, one that has one of two is not") {
  server_options o;
  const auto address = [](const char* text) { return asio::ip::make_address(text); };
  iq::interface_config access, core;
  access.name = "access";
  access.addresses.bound = {address("192.0.2.1"), address("2001:db8::1")};
  core.name = "core";
  core.addresses.bound = {address("192.0.2.7")};
  o.iq.interfaces = {access, core};
  std::vector<gateway::ip_address> ours{address("2001:db8::1"), address("192.0.2.7")};
  const auto is_here = [&](const gateway::ip_address& a) { return std::ranges::find(ours, a) != ours.end(); };
  CHECK(absent_interfaces(o, is_here).empty());
  ours.pop_back();
  auto absent = absent_interfaces(o, is_here);
  REQUIRE(absent.size() == 1);
  CHECK(to_text(absent[0]) == "interfaces.core.address: 192.0.2.7 is no address of this machine");
  CHECK_FALSE(absent[0].floating);
  o.floating["core"] = true;
  ours.clear();
  absent = absent_interfaces(o, is_here);
  REQUIRE(absent.size() == 2);
  CHECK(to_text(absent[0]) == "interfaces.access.address: 192.0.2.1 is no address of this machine");
  CHECK_FALSE(absent[0].floating);
  CHECK(absent[1].floating);
}

TEST_CASE("more threads than the system grants, or than processors, is remarked on with figures") {
  server_options o;
  o.threads = 4;
  CHECK_FALSE(thread_remark(o, {8, 4}));
  CHECK_THAT(thread_remark(o, {7, 4}).value_or(""), Contains("threads = 4 needs 8 threads in all; the system grants 7"));
  CHECK_THAT(thread_remark(o, {100, 2}).value_or(""), Contains("the machine has 2 processors"));
}

TEST_CASE("what is scarcest counts: ports, or descriptors where fewer of them are left") {
  port_pool ports(20000, 20003);
  scarcity much(ports, std::numeric_limits<std::size_t>::max());
  CHECK(much.now().share == 0);
  std::vector<port_lease> leased;
  const auto take = [&](port_protocol p) { leased.push_back(*ports.bind(p, [](std::uint16_t) { return error_code(); })); };
  take(port_protocol::udp);
  take(port_protocol::tcp);
  CHECK(much.now().share == 0.25);
  take(port_protocol::tcp);
  CHECK(much.now().share == 0.5);
  CHECK(much.now().what == "ports");
  scarcity few(ports, 4);
  CHECK(few.now().share > 0.5);  // 0, 1 and 2 are open at least
  CHECK(few.now().what == "descriptors");
}

TEST_CASE("a certificate that has expired, or soon will, is remarked on") {
  char folder[] = "/tmp/agw-limits-XXXXXX";
  REQUIRE(mkdtemp(folder));
  const std::string path = std::string(folder) + "/both.pem";
  const auto write = [&](long begins, long ends) {
    const auto made = dtls::certificate::self_signed();
    X509_gmtime_adj(X509_getm_notBefore(made.x509()), begins);
    X509_gmtime_adj(X509_getm_notAfter(made.x509()), ends);
    REQUIRE(X509_sign(made.x509(), made.key(), EVP_sha256()) > 0);
    FILE* const file = std::fopen(path.c_str(), "w");
    REQUIRE(file);
    CHECK(PEM_write_X509(file, made.x509()) == 1);
    CHECK(PEM_write_PKCS8PrivateKey(file, made.key(), nullptr, nullptr, 0, nullptr, nullptr) == 1);
    std::fclose(file);
  };
  server_options o;
  o.dtls_certificate = o.dtls_key = path;
  constexpr long day = 86400;
  write(-100, 31 * day);
  CHECK_FALSE(certificate_remark(o));
  write(-100, 7 * day - 100);
  CHECK_THAT(certificate_remark(o).value_or(""), Contains("dtls.certificate: " + path + " expires on 20") && Contains(" UTC, in 6 days"));
  write(-100, -50);
  CHECK_THAT(certificate_remark(o).value_or(""), Contains("dtls.certificate: " + path + " expired on 20"));
  o.tls.certificate_file = o.tls.private_key_file = path;
  CHECK_THAT(certificate_remark(o).value_or(""), Contains("; tls.certificate: "));
  write(50, 100);
  CHECK_THAT(certificate_remark(o).value_or(""), Contains("is not valid before 20"));
  std::filesystem::remove_all(folder);
}
