// Changes of a termination that is there: all or nothing, what Local may still say, alternatives.
#include "call.hpp"

using namespace agw;
using namespace agw::gateway;
using namespace agw::gateway::test;

namespace {

using applied = boost::system::result<termination_answer, refusal>;

bearer_local local_with(setup_role setup) {
  bearer_local out;
  out.setup = setup;
  return out;
}

awaitable<applied> change(context& gateway, stream_number n, stream_change wanted, termination_id id = core_side) {
  auto asked = with_stream(id, n, std::move(wanted));
  co_return co_await gateway.apply(std::move(asked));
}

}  // namespace

TEST_CASE("a change whose second stream is refused leaves the first as it was") {
  rig r;
  r.run([&](context& gateway) -> awaitable<void> {
    auto two = change_of(core_side);
    two.streams.emplace(s2, bearer_change(setup_role::passive));
    two.streams.emplace(s3, bearer_change(setup_role::passive));
    const auto made = co_await gateway.apply(std::move(two));
    REQUIRE(made.has_value());
    const auto port = bearer_of(*made).port;

    auto wrong = change_of(core_side);
    wrong.streams.emplace(s2, bearer_change(setup_role::passive, std::uint16_t{4000}, setup_role::active));
    wrong.streams.at(s2).local.reset();
    wrong.streams.emplace(s3, bearer_change(setup_role::passive, std::uint16_t{4000}, setup_role::passive));
    const auto refused = co_await gateway.apply(std::move(wrong));
    REQUIRE(refused.has_error());
    CHECK(refused.error().reason == refusal_reason::conflict);
    // Stream 2 still waits for its Remote: the refused change had no effect.
    auto early = co_await dial(r, port);
    auto right = bearer_change(setup_role::passive, std::uint16_t{4001}, setup_role::active);
    right.local.reset();
    // Stream 3, dialled after it, is up before anything is concluded.
    const auto beside = co_await change(gateway, s3, right);
    REQUIRE(beside.has_value());
    auto other = co_await dial(r, bearer_of(*made, s3).port);
    co_await r.event_of("tcp", gateway_event::kind::established, s3);
    CHECK_FALSE(r.saw("tcp", gateway_event::kind::established));
    const auto changed = co_await change(gateway, s2, right);
    REQUIRE(changed.has_value());
    co_await r.event_of("tcp", gateway_event::kind::established);
  });
}

TEST_CASE("a Local that comes again may say what is so, and change what has not begun") {
  rig r;
  r.run([&](context& gateway) -> awaitable<void> {
    const auto made = co_await change(gateway, s2, bearer_change(setup_role::passive));
    REQUIRE(made.has_value());
    const auto port = bearer_of(*made).port;

    stream_change again;
    auto local = local_with(setup_role::actpass);
    local.address = loopback;
    local.port = port;
    local.msrp_aware = true;
    local.choose_path = true;
    again.local = local;
    const auto changed = co_await change(gateway, s2, again);
    REQUIRE(changed.has_value());
    CHECK(bearer_of(*changed).port == port);
    REQUIRE(bearer_of(*changed).path.size() == 1);
    const auto path = bearer_of(*changed).path;

    local.port = static_cast<std::uint16_t>(port + 1);
    again.local = local;
    const auto elsewhere = co_await change(gateway, s2, again);
    REQUIRE(elsewhere.has_error());
    CHECK(elsewhere.error().reason == refusal_reason::conflict);
    CHECK(elsewhere.error().text.substr(0, 2) == "m=");

    auto remote = bearer_change(setup_role::passive, std::uint16_t{4001}, setup_role::active);
    remote.local.reset();
    const auto live = co_await change(gateway, s2, remote);
    REQUIRE(live.has_value());
    local.port = port;
    again.local = local;
    const auto same = co_await change(gateway, s2, again);
    REQUIRE(same.has_value());
    CHECK(bearer_of(*same).path == path);
    local.setup = setup_role::passive;
    again.local = local;
    const auto late = co_await change(gateway, s2, again);
    REQUIRE(late.has_error());
    CHECK(late.error().text.find("a=setup") != std::string::npos);
    stream_change other;
    other.local = channel_local();
    const auto kind = co_await change(gateway, s2, other);
    REQUIRE(kind.has_error());
    CHECK(kind.error().reason == refusal_reason::conflict);
  });
}

TEST_CASE("a Local that names a port which is not ours to give is refused, and nothing is left") {
  rig r;
  r.run([&](context& gateway) -> awaitable<void> {
    auto wanted = bearer_change(setup_role::passive);
    auto local = local_with(setup_role::passive);
    local.port = 1;
    wanted.local = local;
    const auto refused = co_await change(gateway, s2, wanted);
    REQUIRE(refused.has_error());
    CHECK(refused.error().reason == refusal_reason::bad_value);
    CHECK(gateway.terminations() == 0);
  });
}

TEST_CASE("of several descriptions the first that can be had is taken") {
  rig r;
  r.run([&](context& gateway) -> awaitable<void> {
    auto wanted = bearer_change(setup_role::passive);
    auto nowhere = local_with(setup_role::passive);
    nowhere.address = asio::ip::make_address("192.0.2.1");
    wanted.local = nowhere;
    auto tls = local_with(setup_role::passive);
    tls.tls = tls.msrp_aware = tls.choose_path = true;
    auto plain = tls;
    plain.tls = false;
    wanted.alternatives = {tls, plain};
    SECTION("one of them") {
      const auto made = co_await change(gateway, s2, wanted);
      REQUIRE(made.has_value());
      REQUIRE(made->taken.at(s2).size() == 1);
      CHECK(made->taken.at(s2).front().place == 1);
      CHECK(bearer_of(*made).path.front().substr(0, 6) == "msrps:");
    }
    SECTION("all that the same port serves, until Remote chooses by its protocol") {
      wanted.keep_alternatives = true;
      const auto made = co_await change(gateway, s2, wanted);
      REQUIRE(made.has_value());
      const auto& taken = made->taken.at(s2);
      REQUIRE(taken.size() == 2);
      CHECK(taken[1].place == 2);
      const auto& second = std::get<bearer_answer>(taken[1].answer);
      CHECK(second.port == bearer_of(*made).port);
      CHECK(second.path.front().substr(0, 5) == "msrp:");
      auto remote = bearer_change(setup_role::passive, std::uint16_t{4001}, setup_role::active);
      remote.local.reset();
      std::get<bearer_remote>(*remote.remote).msrp_aware = true;  // and no TLS
      const auto live = co_await change(gateway, s2, remote);
      REQUIRE(live.has_value());
      auto peer = co_await dial(r, second.port);
      co_await r.event_of("tcp", gateway_event::kind::established);
      // A connection that still waits for TLS has no end that is told.
      co_await gateway.release(core_side, s2, layer::tcp);
      CHECK(r.saw("tcp", gateway_event::kind::released));
      CHECK(peer.available() == 0);
    }
    SECTION("until they are given back") {
      wanted.keep_alternatives = true;
      const auto made = co_await change(gateway, s2, wanted);
      REQUIRE(made.has_value());
      stream_change narrower;
      narrower.keep_alternatives = false;
      const auto given_back = co_await change(gateway, s2, narrower);
      REQUIRE(given_back.has_value());
      auto remote = bearer_change(setup_role::passive, std::uint16_t{4001}, setup_role::active);
      remote.local.reset();
      std::get<bearer_remote>(*remote.remote).msrp_aware = true;  // and no TLS, which the first description has
      const auto refused = co_await change(gateway, s2, remote);
      REQUIRE(refused.has_error());
      CHECK(refused.error().reason == refusal_reason::conflict);
    }
    SECTION("none") {
      wanted.alternatives.clear();
      const auto refused = co_await change(gateway, s2, wanted);
      REQUIRE(refused.has_error());
      CHECK(gateway.terminations() == 0);
    }
  });
}

TEST_CASE("groups are refused that make no sense") {
  rig r;
  wic browser(r);
  r.run([&](context& gateway) -> awaitable<void> {
    auto wanted = browser.call({4, 6});
    auto& group = wanted.groups->front();
    refusal_reason why = refusal_reason::conflict;
    std::string what;
    SECTION("its channel and its association in each other's place") {
      group.deaggregation = s2;
      group.components = {s1, s3};
      why = refusal_reason::grouping;
      what = "stream 1";
    }
    SECTION("a channel of no group") {
      group.components = {s2};
      why = refusal_reason::missing;
      what = "stream 3";
    }
    SECTION("an association that is not there") {
      group.deaggregation = stream_number{9};
      why = refusal_reason::missing;
      what = "stream 9";
    }
    SECTION("the same channel twice") {
      std::get<channel_local>(*wanted.streams.at(s3).local).sid = 4;
      what = "a=dcmap:4";
    }
    const auto answer = co_await gateway.apply(std::move(wanted));
    REQUIRE(answer.has_error());
    CHECK(answer.error().reason == why);
    CHECK(answer.error().text.find(what) != std::string::npos);
    CHECK(gateway.terminations() == 0);
  });
}

TEST_CASE("a channel that comes later may not have the id of one that is there, nor one that is open take another") {
  rig r;
  r.run([&](context& gateway) -> awaitable<void> {
    call c(r);
    co_await c.run(gateway, [&](task_group&) -> awaitable<void> {
      auto second = with_stream(access_side, s3, channel_change(4));
      stream_group_config group;
      group.deaggregation = s1;
      group.components = {s2, s3};
      second.groups = std::vector<stream_group_config>{group};
      auto twice = second;
      const auto refused = co_await gateway.apply(std::move(twice));
      REQUIRE(refused.has_error());
      CHECK(refused.error().reason == refusal_reason::conflict);
      second.streams.at(s3) = channel_change(6);
      const auto added = co_await gateway.apply(std::move(second));
      CHECK(added.has_value());
      auto renumbered = channel_change(8);
      const auto other = co_await change(gateway, s2, renumbered, access_side);
      REQUIRE(other.has_error());
      CHECK(other.error().text.find("a=dcmap") != std::string::npos);
    });
  });
}

TEST_CASE("certificates are compared as what they are, not as they are written") {
  rig r;
  r.run([&](context& gateway) -> awaitable<void> {
    call c(r);
    const auto other = gateway_identity()->own().fingerprint().str();
    c.adjust = [&](termination_change& wanted) {
      std::get<association_remote>(*wanted.streams.at(s1).remote).fingerprints.push_back(other);
    };
    co_await c.run(gateway, [&](task_group&) -> awaitable<void> {
      stream_change again;
      auto remote = std::get<association_remote>(*c.browser.call({4}).streams.at(s1).remote);
      auto lower = remote.fingerprints.front();
      for (auto& letter : lower) letter = static_cast<char>(std::tolower(static_cast<unsigned char>(letter)));
      remote.fingerprints = {other, lower};
      again.remote = remote;
      const auto same = co_await change(gateway, s1, again, access_side);
      CHECK(same.has_value());
      remote.fingerprints = {other};
      again.remote = remote;
      const auto fewer = co_await change(gateway, s1, again, access_side);
      CHECK(fewer.has_error());
    });
  });
}

TEST_CASE("addresses that the gateway cannot reach, or has not, are refused at once") {
  rig r;
  wic browser(r);
  r.run([&](context& gateway) -> awaitable<void> {
    auto wanted = browser.call({4});
    std::get<association_remote>(*wanted.streams.at(s1).remote).address = asio::ip::make_address("::1");
    const auto other_family = co_await gateway.apply(std::move(wanted));
    REQUIRE(other_family.has_error());
    CHECK(other_family.error().reason == refusal_reason::conflict);
    for (const char* foreign : {"192.0.2.1", "::1"}) {
      auto bearer = bearer_change(setup_role::active, std::uint16_t{4000});
      bearer.settings.emplace().source_address = asio::ip::make_address(foreign);
      const auto refused = co_await change(gateway, s2, bearer);
      REQUIRE(refused.has_error());
      CHECK(refused.error().reason == refusal_reason::bad_value);
    }
    CHECK(gateway.terminations() == 0);
  });
}
