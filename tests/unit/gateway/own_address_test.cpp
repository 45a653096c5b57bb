#include <catch2/catch.hpp>

#include "unit/gateway/rig.hpp"

using namespace agw;
using namespace agw::gateway;
using namespace agw::gateway::test;

namespace {

const ip_address v6 = asio::ip::address_v6::loopback();
const ip_address public4 = asio::ip::make_address("203.0.113.10");
const ip_address public6 = asio::ip::make_address("2001:db8::10");

interface_addresses behind_nat() {
  interface_addresses out;
  out.bound = {loopback, v6};
  out.advertised = {public6, public4};
  return out;
}

stream_change association(bool ice, std::optional<ip_address> address = {}, std::optional<ip_family> family = {}) {
  stream_change out;
  association_local local;
  local.ice = ice;
  local.address = address;
  local.family = family;
  out.local = local;
  return out;
}

awaitable<boost::system::result<termination_answer, refusal>> ask(context& gateway, stream_number n, stream_change wanted, interface_addresses at) {
  auto change = with_stream(n == s1 ? access_side : core_side, n, std::move(wanted));
  change.addresses = std::move(at);
  auto applying = gateway.apply(std::move(change));
  co_return co_await std::move(applying);
}

const association_answer& association_of(const boost::system::result<termination_answer, refusal>& r) {
  REQUIRE(r.has_value());
  return std::get<association_answer>(r->streams.at(s1));
}

}  // namespace

TEST_CASE("answers and candidates name the advertised address of the family that Local asks for") {
  for (const auto& [family, first, second] :
       {std::tuple(std::optional<ip_family>(), public4, public6), std::tuple(std::optional(ip_family::ip4), public4, public6),
        std::tuple(std::optional(ip_family::ip6), public6, public4)}) {
    rig r;
    const auto& wanted_family = family;
    const auto& c = first;
    const auto& other = second;
    r.run([&](context& gateway) -> awaitable<void> {
      auto asking = ask(gateway, s1, association(true, {}, wanted_family), behind_nat());
      const auto made = co_await std::move(asking);
      const auto& answer = association_of(made);
      CHECK(answer.address == c);
      REQUIRE(answer.candidates.size() == 2);
      CHECK(answer.candidates[0].find(c.to_string() + " " + std::to_string(answer.port)) != std::string::npos);
      CHECK(answer.candidates[1].find(other.to_string()) != std::string::npos);
    });
  }
}

TEST_CASE("Local may name the advertised address, and not the one behind it") {
  for (const auto n : {s1, s2}) {
    rig r;
    const auto number = n;
    r.run([&](context& gateway) -> awaitable<void> {
      const auto named = [&](const ip_address& a) {
        auto out = number == s1 ? association(false, a) : bearer_change(setup_role::passive);
        if (number == s2) std::get<bearer_local>(*out.local).address = a;
        return out;
      };
      auto wrong = ask(gateway, number, named(loopback), behind_nat());
      const auto refused = co_await std::move(wrong);
      REQUIRE(refused.has_error());
      CHECK(refused.error().text.find(public4.to_string()) != std::string::npos);
      auto right = ask(gateway, number, named(public6), behind_nat());
      const auto made = co_await std::move(right);
      REQUIRE(made.has_value());
    });
  }
}

TEST_CASE("a family that the interface does not have is refused") {
  rig r;
  r.run([&](context& gateway) -> awaitable<void> {
    auto asking = ask(gateway, s1, association(true, {}, ip_family::ip6), loopback);
    const auto refused = co_await std::move(asking);
    REQUIRE(refused.has_error());
    CHECK(refused.error().reason == refusal_reason::conflict);
  });
}

TEST_CASE("a bearer listens on the bound address and tells the advertised one, in its path too") {
  rig r;
  r.run([&](context& gateway) -> awaitable<void> {
    auto wanted = bearer_change(setup_role::passive);
    auto& local = std::get<bearer_local>(*wanted.local);
    local.msrp_aware = local.choose_path = true;
    auto asking = ask(gateway, s2, wanted, behind_nat());
    const auto made = co_await std::move(asking);
    REQUIRE(made.has_value());
    const auto& answer = std::get<bearer_answer>(made->streams.at(s2));
    CHECK(answer.address == public4);
    REQUIRE(answer.path.size() == 1);
    CHECK(answer.path[0].find("203.0.113.10:" + std::to_string(answer.port)) != std::string::npos);
    auto dialling = tcp::connect({loopback, answer.port}, loopback);
    const auto connected = co_await std::move(dialling);
    CHECK(connected->remote().port() == answer.port);
  });
}

TEST_CASE("a bearer dials from the bound address when the controller names the advertised one as its source") {
  rig r;
  port_pool sources(0, 0);
  r.services.source_ports = &sources;
  r.run([&](context& gateway) -> awaitable<void> {
    auto executor = co_await asio::this_coro::executor;
    auto listener = *tcp::listener::open(executor, loopback, r.ports);
    auto wanted = bearer_change(setup_role::active, listener->local().port(), setup_role::passive);
    wanted.settings.emplace().source_address = public4;
    auto asking = ask(gateway, s2, wanted, behind_nat());
    const auto made = co_await std::move(asking);
    REQUIRE(made.has_value());
    auto accepting = listener->accept(std::nullopt);
    const auto accepted = co_await until(deadline_after(std::chrono::seconds(20)), std::move(accepting));
    CHECK(accepted->remote().address() == loopback);
  });
}

TEST_CASE("with alternatives of both families each is answered with its own address") {
  rig r;
  r.run([&](context& gateway) -> awaitable<void> {
    auto wanted = association(true, {}, ip_family::ip6);
    wanted.alternatives = {*association(true, {}, ip_family::ip4).local};
    wanted.keep_alternatives = true;
    auto asking = ask(gateway, s1, wanted, behind_nat());
    const auto made = co_await std::move(asking);
    CHECK(association_of(made).address == public6);
    const auto& taken = made->taken.at(s1);
    REQUIRE(taken.size() == 2);
    CHECK(std::get<association_answer>(taken[1].answer).address == public4);
    CHECK(std::get<association_answer>(taken[1].answer).port != association_of(made).port);
    // Local that comes again may have either.
    auto again = ask(gateway, s1, association(true, public4), behind_nat());
    const auto changed = co_await std::move(again);
    CHECK(association_of(changed).address == public4);
  });
}

TEST_CASE("streams keep the certificate that their answer named when there is a newer one") {
  rig r;
  r.run([&](context& gateway) -> awaitable<void> {
    auto first = ask(gateway, s1, association(false), loopback);
    const auto before = co_await std::move(first);
    CHECK(association_of(before).fingerprint == gateway_identity()->own().fingerprint().str());
    const auto newer = std::make_shared<const dtls::context>(dtls::certificate::self_signed());
    r.services.dtls.replace(newer);
    stream_change repeated;
    repeated.local = std::get<association_local>(*association(false).local);
    auto again = ask(gateway, s1, repeated, loopback);
    const auto same = co_await std::move(again);
    CHECK(association_of(same).fingerprint == association_of(before).fingerprint);
    auto other = association(false);
    auto change = with_stream(core_side, s1, other);
    auto applying = gateway.apply(std::move(change));
    const auto later = co_await std::move(applying);
    CHECK(association_of(later).fingerprint == newer->own().fingerprint().str());
  });
}
