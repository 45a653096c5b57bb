#include <catch2/catch.hpp>

#include "agw/transports/connection_quota.hpp"
#include "descriptors.hpp"

using namespace agw;
using namespace agw::server;

TEST_CASE("a configuration that needs more descriptors than there can be is remarked on with figures") {
  server_options o;
  o.threads = 2;
  o.iq.max_contexts = 1000;
  const auto needed = descriptors_needed(o);
  CHECK(needed > 2000);
  CHECK_FALSE(descriptor_remark(o, {10, needed}));
  const auto remark = descriptor_remark(o, {10, needed - 1000});
  REQUIRE(remark);
  for (const auto& part : {std::string("limits.contexts = 1000"), std::to_string(needed), std::to_string(needed - 1000), std::string("500 calls")}) {
    INFO(*remark);
    CHECK(remark->find(part) != std::string::npos);
  }
  CHECK(descriptor_remark(o, {1, 1})->find("0 calls") != std::string::npos);
}

TEST_CASE("a call takes one descriptor more on an interface of two addresses") {
  server_options o;
  o.iq.max_contexts = 1000;
  const auto one_family = descriptors_needed(o);
  o.iq.interfaces[0].addresses.bound.push_back(asio::ip::address_v6::loopback());
  CHECK(descriptors_needed(o) == one_family + 1000);
  o.shared_port = true;
  CHECK(descriptors_needed(o) == one_family - 1000);
}

TEST_CASE("a TCP candidate takes a listener and two connections for each call, and the process holds a bounded number of further ones") {
  server_options o;
  o.iq.max_contexts = 1000;
  o.gateway.ice_mode = ice::agent_mode::lite;
  o.gateway.ice_tcp = false;
  const auto without = descriptors_needed(o);
  o.gateway.ice_tcp = true;
  CHECK(descriptors_needed(o) == without + 3 * 1000 + ice::extra_tcp_connections);
}

TEST_CASE("in full mode each TCP connection takes two descriptors") {
  server_options o;
  o.iq.max_contexts = 1000;
  o.gateway.ice_mode = ice::agent_mode::full;
  o.gateway.ice_tcp = false;
  const auto without = descriptors_needed(o);
  o.gateway.ice_tcp = true;
  CHECK(descriptors_needed(o) == without + 5 * 1000 + 2 * ice::extra_tcp_connections);
}

TEST_CASE("the limit is raised to what it can be") {
  const auto before = descriptor_limit();
  CHECK(raise_descriptor_limit() == before.at_most);
  CHECK(descriptor_limit().now == before.at_most);
}
