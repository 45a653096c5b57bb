// A new DTLS and SCTP association in a living call (RFC 8842): the WIC was handed over, or says so by a=tls-id.
#include <boost/asio/post.hpp>
#include <boost/asio/write.hpp>

#include "call.hpp"
#include "agw/transports/dcep.hpp"

using namespace agw;
using namespace agw::gateway;
using namespace agw::gateway::test;

namespace {

using kind = gateway_event::kind;
using applied = boost::system::result<termination_answer, refusal>;

std::shared_ptr<const dtls::context> another_identity() {
  static const auto made = std::make_shared<const dtls::context>(dtls::certificate::self_signed());
  return made;
}

awaitable<applied> tell(context& gateway, association_remote remote, std::optional<association_local> local = {}) {
  stream_change wanted;
  wanted.remote = std::move(remote);
  if (local) wanted.local = std::move(*local);
  auto asked = with_stream(access_side, s1, std::move(wanted));
  co_return co_await gateway.apply(std::move(asked));
}

/// The WIC that takes the call over, with what a test does to its end.
struct successor {
  successor(rig& r, bool with_ice = false) : peer(r, with_ice, another_identity()) {}

  template <class F>
  awaitable<void> run(association_answer gateway, F body) {
    task_group pumps(co_await asio::this_coro::executor, "successor");
    std::exception_ptr error;
    try {
      co_await peer.establish(pumps, gateway);
      co_await body();
    } catch (...) {
      error = std::current_exception();
    }
    channel.reset();
    peer.association.reset();
    try {
      co_await pumps.stop();
    } catch (const stage_error&) {
    }
    if (error) std::rethrow_exception(error);
  }

  awaitable<void> say(std::string text) {
    const auto bytes = std::as_bytes(std::span(text.data(), text.size()));
    co_await channel->send(bytes);
  }

  wic peer;
  std::unique_ptr<sctp::data_channel> channel;
};

/// Until the gateway shakes hands with that WIC, which says nothing but what ICE needs.
awaitable<void> shaken_at(rig& r, wic& silent, task_group& tasks, association_answer gateway) {
  ice::remote_parameters there;
  there.address.emplace(agw::testing::loopback, gateway.port);
  there.credentials.ufrag = gateway.ice_ufrag;
  there.credentials.pwd = gateway.ice_pwd;
  there.candidates = gateway.candidates;
  there.lite = gateway.ice_lite;
  auto connecting = ice::connect(tasks, *silent.endpoint, std::move(there));
  silent.path = co_await std::move(connecting);
  co_await r.events_of("ice", kind::established, 2, s1);
}

/// Both ways between the successor and the core, which has noticed nothing.
awaitable<void> converse(rig& r, call& c, successor& next, association_answer gateway) {
  auto talk = [&]() -> awaitable<void> {
    next.channel = co_await next.peer.association->open_channel(4, "", "msrp");
    co_await r.events_of("channel", kind::established, 2);
    auto text = msrp_send("aaaa", "of the second");
    co_await next.say(text);
    const auto heard = co_await c.core_hears("-------aaaa$\r\n");
    CHECK(heard.find("of the second") != std::string::npos);
    const auto back = msrp_send("bbbb", "of the core");
    co_await asio::async_write(c.core, asio::buffer(back), use_awaitable);
    std::vector<message> got;
    while (read_all(got).find("-------bbbb$") == std::string::npos) {
      const bool more = co_await next.channel->receive(got);
      REQUIRE(more);
    }
  };
  co_await next.run(std::move(gateway), talk);
}

}  // namespace

TEST_CASE("a Remote of another WIC brings up a new association, its channels open again and the core notices nothing") {
  const bool with_ice = GENERATE(false, true);
  const auto mode = GENERATE(ice::agent_mode::lite, ice::agent_mode::full);
  if (!with_ice && mode == ice::agent_mode::full) return;
  rig r;
  r.services.config.ice_mode = mode;
  r.run([&](context& gateway) -> awaitable<void> {
    call c(r, with_ice);
    co_await c.run(gateway, [&](task_group&) -> awaitable<void> {
      co_await c.say(msrp_send("xxxx", "of the first"));
      co_await c.core_hears("-------xxxx$\r\n");
      successor next(r, with_ice);
      const auto answer = co_await tell(gateway, next.peer.remote());
      REQUIRE(answer.has_value());
      const std::vector<std::tuple<std::string, unsigned>> ended = {{"channel", 2}, {"sctp", 1}, {"dtls", 1}};
      std::vector<std::tuple<std::string, unsigned>> told;
      for (const auto& e : r.events) {
        if (e.what == kind::released) told.emplace_back(e.stage, e.stream.value);
      }
      CHECK(told == ended);
      auto there = c.access;
      if (with_ice) {
        REQUIRE(answer->restarted == std::vector<stream_number>{s1});
        there = association_of(*answer);
        CHECK(there.ice_ufrag != c.access.ice_ufrag);
      }
      co_await converse(r, c, next, there);
      CHECK(r.count("dtls", kind::established, s1) == 2);
      CHECK(r.count("sctp", kind::established, s1) == 2);
      CHECK(r.count("tcp", kind::established) == 1);
      for (const auto& e : r.events) CHECK(e.what != kind::failed);
      const auto counted = gateway.statistics(access_side).at(s2);
      CHECK(*counted.messages_received == 2);
      CHECK(*counted.messages_sent == 1);
    });
  });
}

TEST_CASE("an empty Remote releases the association and keeps what stands towards the core; the next Remote brings up a new one") {
  const bool with_ice = GENERATE(false, true);
  const auto mode = GENERATE(ice::agent_mode::lite, ice::agent_mode::full);
  if (!with_ice && mode == ice::agent_mode::full) return;
  rig r;
  r.services.config.ice_mode = mode;
  r.run([&](context& gateway) -> awaitable<void> {
    call c(r, with_ice);
    co_await c.run(gateway, [&](task_group&) -> awaitable<void> {
      co_await c.say(msrp_send("xxxx", "of the first"));
      co_await c.core_hears("-------xxxx$\r\n");
      for (int twice = 0; twice < 2; ++twice) {
        stream_change empty;
        empty.forget_remote = true;
        auto asked = with_stream(access_side, s1, std::move(empty));
        const auto answer = co_await gateway.apply(std::move(asked));
        REQUIRE(answer.has_value());
        CHECK(r.count("channel", kind::released, s2) == 1);
        CHECK(r.count("sctp", kind::released, s1) == 1);
        CHECK(r.count("dtls", kind::released, s1) == 1);
      }
      successor next(r, with_ice);
      const auto answer = co_await tell(gateway, next.peer.remote());
      REQUIRE(answer.has_value());
      auto there = c.access;
      if (with_ice) there = association_of(*answer);
      co_await converse(r, c, next, there);
      CHECK(r.count("sctp", kind::established, s1) == 2);
      CHECK(r.count("tcp", kind::established) == 1);
      for (const auto& e : r.events) CHECK(e.what != kind::failed);
    });
  });
}

TEST_CASE("an empty Remote may come while the association is coming up") {
  rig r;
  r.run([&](context& gateway) -> awaitable<void> {
    call c(r);
    co_await c.run(gateway, [&](task_group&) -> awaitable<void> {
      wic silent(r, false, another_identity());
      auto answer = co_await tell(gateway, silent.remote());  // its handshake has no answer
      REQUIRE(answer.has_value());
      stream_change empty;
      empty.forget_remote = true;
      auto asked = with_stream(access_side, s1, std::move(empty));
      answer = co_await gateway.apply(std::move(asked));
      REQUIRE(answer.has_value());
      successor next(r);
      answer = co_await tell(gateway, next.peer.remote());
      REQUIRE(answer.has_value());
      co_await converse(r, c, next, c.access);
    });
  });
}

TEST_CASE("what was taken from the first WIC reaches the core") {
  rig r;
  r.run([&](context& gateway) -> awaitable<void> {
    call c(r);
    co_await c.run(gateway, [&](task_group&) -> awaitable<void> {
      for (const char* id : {"aaaa", "bbbb", "cccc"}) {
        auto text = msrp_send(id, std::string(50'000, 'x'));
        co_await c.say(std::move(text));
      }
      while (gateway.statistics(access_side).at(s2).messages_received < 3u) co_await settle();
      wic silent(r, false, another_identity());
      const auto answer = co_await tell(gateway, silent.remote());
      REQUIRE(answer.has_value());
      const auto heard = co_await c.core_hears("-------cccc$\r\n");
      CHECK(heard.size() > 150'000);
    });
  });
}

TEST_CASE("another association over the same transport is refused") {
  rig r;
  r.run([&](context& gateway) -> awaitable<void> {
    call c(r);
    std::string was = "was-01234567890123456";
    c.adjust = [&](termination_change& wanted) { std::get<association_remote>(*wanted.streams.at(s1).remote).tls_id = was; };
    co_await c.run(gateway, [&](task_group&) -> awaitable<void> {
      auto remote = c.browser.remote();
      remote.tls_id = was;
      std::string line;
      SECTION("certificate") {
        remote.fingerprints = {another_identity()->own().fingerprint().str()};
        line = "a=fingerprint";
      }
      SECTION("identity") {
        remote.tls_id = "now-01234567890123456";
        line = "a=tls-id";
      }
      SECTION("port") {
        remote.sctp_port = 5009;
        line = "a=sctp-port";
      }
      const auto refused = co_await tell(gateway, remote);
      REQUIRE(refused.has_error());
      CHECK(refused.error().reason == refusal_reason::conflict);
      CHECK(refused.error().text.substr(0, line.size()) == line);
      CHECK(r.count("sctp", kind::released, s1) == 0);
    });
  });
}

TEST_CASE("the same a=tls-id with a new address is the same association; another one is a new one") {
  rig r;
  r.run([&](context& gateway) -> awaitable<void> {
    call c(r);
    const std::string was = "was-01234567890123456";
    c.adjust = [&](termination_change& wanted) {
      std::get<association_remote>(*wanted.streams.at(s1).remote).tls_id = was;
      std::get<association_local>(*wanted.streams.at(s1).local).choose_tls_id = true;
    };
    co_await c.run(gateway, [&](task_group&) -> awaitable<void> {
      CHECK(c.access.tls_id.size() >= 20);
      wic next(r);  // the same certificate
      auto remote = next.remote();
      remote.tls_id = was;
      SECTION("the same") {
        const auto answer = co_await tell(gateway, remote);
        REQUIRE(answer.has_value());
        CHECK(answer->restarted.empty());
        CHECK(r.count("sctp", kind::released, s1) == 0);
      }
      SECTION("another") {
        remote.tls_id = "now-01234567890123456";
        const auto answer = co_await tell(gateway, remote);
        REQUIRE(answer.has_value());
        CHECK(r.count("sctp", kind::released, s1) == 1);
        REQUIRE(answer->restarted == std::vector<stream_number>{s1});
        CHECK(association_of(*answer).tls_id != c.access.tls_id);
        CHECK(association_of(*answer).tls_id.size() >= 20);
      }
    });
  });
}

TEST_CASE("a third WIC may come while the second's association is coming up") {
  const bool with_ice = GENERATE(false, true);
  rig r;
  r.run([&](context& gateway) -> awaitable<void> {
    call c(r, with_ice);
    co_await c.run(gateway, [&](task_group&) -> awaitable<void> {
      wic silent(r, with_ice, another_identity());
      successor next(r, with_ice);
      auto body = [&](task_group& of_silent) -> awaitable<void> {
        const auto first = co_await tell(gateway, silent.remote());
        REQUIRE(first.has_value());
        auto of_first = c.access;
        if (with_ice) of_first = association_of(*first);
        co_await shaken_at(r, silent, of_silent, std::move(of_first));
        const auto answer = co_await tell(gateway, next.peer.remote());
        REQUIRE(answer.has_value());
        const auto there = with_ice ? association_of(*answer) : c.access;
        co_await converse(r, c, next, there);
      };
      co_await with_tasks("silent", body);
      CHECK(r.count("dtls", kind::established, s1) == 2);
      CHECK(r.count("sctp", kind::released, s1) == 1);
      for (const auto& e : r.events) CHECK(e.what != kind::failed);
    });
  });
}

TEST_CASE("a new handshake that fails is told, and the next WIC may try") {
  rig r;
  r.run([&](context& gateway) -> awaitable<void> {
    call c(r);
    co_await c.run(gateway, [&](task_group& tasks) -> awaitable<void> {
      wic impostor(r);  // with another certificate than Remote says
      auto remote = impostor.remote();
      remote.fingerprints = {another_identity()->own().fingerprint().str()};
      const auto answer = co_await tell(gateway, remote);
      REQUIRE(answer.has_value());
      bool refused = false;
      try {
        co_await impostor.secure(tasks, c.access);
      } catch (const stage_error&) {
        refused = true;
      }
      CHECK(refused);
      const auto failed = co_await r.event_of("dtls", kind::failed, s1);
      CHECK(failed.cause == "dtls:fingerprint");
      CHECK_FALSE(r.saw("tcp", kind::released));
      successor next(r);
      const auto again = co_await tell(gateway, next.peer.remote());
      REQUIRE(again.has_value());
      co_await converse(r, c, next, c.access);
    });
  });
}

TEST_CASE("a Subtract may come while the new association is coming up") {
  rig r;
  r.run([&](context& gateway) -> awaitable<void> {
    call c(r);
    co_await c.run(gateway, [&](task_group&) -> awaitable<void> {
      wic silent(r, false, another_identity());
      const auto answer = co_await tell(gateway, silent.remote());
      REQUIRE(answer.has_value());
      auto body = [&](task_group& of_silent) -> awaitable<void> { co_await shaken_at(r, silent, of_silent, c.access); };
      co_await with_tasks("silent", body);
      const auto last = co_await gateway.remove(access_side);
      CHECK(last.contains(s1));
      CHECK(gateway.terminations() == 1);
      CHECK_FALSE(r.saw("tcp", kind::released));
    });
  });
}

TEST_CASE("a Move is refused while the association ends for a new one, and done after that") {
  rig r;
  r.run([&](context& gateway) -> awaitable<void> {
    context other(r.services, r.loop.get_executor(), context_id{8}, {});
    call c(r);
    co_await c.run(gateway, [&](task_group&) -> awaitable<void> {
      successor next(r);
      task_group changes(co_await asio::this_coro::executor, "changes");
      bool done = false;
      changes.spawn("change", [&]() -> awaitable<void> {
        const auto answer = co_await tell(gateway, next.peer.remote());
        CHECK(answer.has_value());
        done = true;
      });
      co_await asio::post(co_await asio::this_coro::executor, use_awaitable);
      REQUIRE_FALSE(done);
      const bool moved = co_await gateway.move(access_side, other);
      CHECK_FALSE(moved);
      co_await changes.join();
      co_await converse(r, c, next, c.access);
    });
    co_await other.close();
  });
}

TEST_CASE("a channel that the WIC opens in-band is opened again by the next WIC, under whatever label") {
  rig r;
  r.run([&](context& gateway) -> awaitable<void> {
    wic first(r);
    auto wanted = first.call({4});
    std::get<channel_local>(*wanted.streams.at(s2).local).sid.reset();
    const auto made = co_await gateway.apply(std::move(wanted));
    REQUIRE(made.has_value());
    const auto there = association_of(*made);
    task_group pumps(co_await asio::this_coro::executor, "wic");
    co_await first.establish(pumps, there);
    sctp::dcep_open open;
    open.protocol = "msrp";
    open.label = "one";
    auto channel = co_await first.association->open_with_dcep(open);
    co_await r.event_of("channel", kind::established);
    successor next(r);
    const auto answer = co_await tell(gateway, next.peer.remote());
    REQUIRE(answer.has_value());
    auto talk = [&]() -> awaitable<void> {
      open.label = "two";
      next.channel = co_await next.peer.association->open_with_dcep(open);
      co_await r.events_of("channel", kind::established, 2);
      CHECK(r.events.back().label == "two");
    };
    co_await next.run(there, talk);
    channel.reset();
    first.association.reset();
    try {
      co_await pumps.stop();
    } catch (const stage_error&) {
    }
  });
}

TEST_CASE("a layer that waits for an order waits again with the new association") {
  rig r;
  r.run([&](context& gateway) -> awaitable<void> {
    call c(r);
    c.adjust = [](termination_change& wanted) { wanted.streams.at(s1).waits_for_order[layer::dtls] = true; };
    gateway_event::kind established = kind::established;
    auto order = [&]() { gateway.order(access_side, s1, layer::dtls); };
    asio::post(r.loop, order);
    co_await c.run(gateway, [&](task_group&) -> awaitable<void> {
      successor next(r);
      const auto answer = co_await tell(gateway, next.peer.remote());
      REQUIRE(answer.has_value());
      task_group attempts(co_await asio::this_coro::executor, "attempts");
      task_group pumps(co_await asio::this_coro::executor, "pumps");
      attempts.spawn("secure", [&] { return next.peer.secure(pumps, c.access); });
      // The WIC repeats its ClientHello, since nothing answers.
      const auto said = [&] { return next.peer.endpoint->counted(); };
      while (said().datagrams_out < 2) co_await sleep_until(deadline_after(10ms));
      CHECK(said().datagrams_in == 0);
      CHECK(r.count("dtls", established, s1) == 1);
      gateway.order(access_side, s1, layer::dtls);
      co_await r.events_of("dtls", established, 2, s1);
      co_await attempts.join();
      co_await pumps.stop();
    });
  });
}
