// A gateway under test: text messages go through media_gateway::execute, real contexts stand on loopback, and an MGC in memory
// takes the gateway's Notify and ServiceChange requests and keeps their text.
#pragma once

#include <atomic>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <boost/asio/post.hpp>

#include <catch2/catch.hpp>

#include <agw/core/metrics.hpp>
#include <agw/core/shard.hpp>
#include <agw/core/task_group.hpp>
#include <agw/h248/registration_registry.hpp>
#include <agw/h248/text.hpp>
#include <agw/iq/media_gateway.hpp>

#include "support/loop.hpp"
#include "unit/h248/link_memory.hpp"
#include "unit/iq/services.hpp"

namespace agw::iq::test {

class rig : h248::command_handler {
 public:
  explicit rig(media_gateway_config config = two_sides(), std::size_t threads = 1)
      : network_(loop.get_executor()),
        shards(threads),
        mg(loop.get_executor(), named("mg")),
        mgc(loop.get_executor(), named("mgc")),
        registry_(mgc, {}),
        registration(mg, to_mgc(), 1),
        gateway(std::move(config), shared_services(), shards, mg, registration, names),
        tasks_(loop.get_executor(), "rig") {
    mg.add_link(network_.open(h248::test::memory_network::at("10.0.0.1")));
    mgc.add_link(network_.open(h248::test::memory_network::at("10.0.0.2")));
    mgc.on_request([this](const h248::incoming_request& request, h248::outgoing_reply& reply) {
      return h248::execute(request, reply, static_cast<h248::command_handler&>(*this));
    });
    mgc.on_message([this](h248::direction d, const h248::peer_address&, std::string_view text, clock::time_point) {
      if (d == h248::direction::received) heard.emplace_back(text);
    });
    tasks_.spawn("mg", [this] { return mg.run(); });
    tasks_.spawn("mgc", [this] { return mgc.run(); });
    tasks_.spawn("registration", [this] { return registration.run(); });
    tasks_.spawn("gateway", [this] { return gateway.run(); });
    until([this] { return registration.state() == h248::registration_state::registered; });
  }

  ~rig() override {
    time_.reset();
    run([this] { return gateway.close(); });
    run([this] { return tasks_.stop(); });
    shards.stop();
  }

  /// Time goes on by `by` and whatever that wakes runs. From the first call on the clock stands still between the calls.
  void pass(clock::duration by) {
    if (!time_) time_.emplace(loop, clock::now());
    time_->advance(by);
    // The timers of the shards notice when an earlier one re-arms their queue; what they set off has happened when they have answered.
    for (int round = 0; round < 2; ++round) {
      std::atomic<std::size_t> answered = 0;
      for (std::size_t i = 0; i < shards.size(); ++i) {
        asio::post(shards[i].executor(), [executor = shards[i].executor(), &answered] {
          auto wake = std::make_shared<timer>(executor, clock::now() - std::chrono::hours(1));
          wake->async_wait([wake, executor, &answered](error_code) { asio::post(executor, [&answered] { ++answered; }); });
        });
      }
      loop.restart();
      while (answered < shards.size()) loop.run_for(std::chrono::microseconds(100));
      time_->settle();
    }
  }

  /// Whether nothing gets through to the MGC.
  void cut_off(bool away) {
    const auto host = h248::test::memory_network::at("10.0.0.2").host;
    if (away) network_.cut_off.insert(host);
    else network_.cut_off.erase(host);
  }

  /// Whether the MGC has a request that holds `part`.
  bool heard_already(std::string_view part) const {
    for (const auto& text : heard) {
      if (text.find(part) != std::string::npos) return true;
    }
    return false;
  }

  /// Time goes on second by second until the MGC has a request that holds `part`.
  std::string heard_in_time(std::string_view part) {
    for (int seconds = 0; seconds < 10'000 && !heard_already(part); ++seconds) {
      pass(std::chrono::seconds(1));
      loop.run_for(std::chrono::milliseconds(1));  // what stands on a shard answers in its own time
    }
    if (time_) time_->settle();  // a reply that is there comes before the time at which its request would be repeated
    INFO(part);
    REQUIRE(heard_already(part));
    return heard_of(part);
  }

  /// Turns the loop until `done()`, which must not turn it itself: what it waits for would come unnoticed. Throws when nothing
  /// has happened for a minute of real time, since with a clock that stands still no timer ends a wait in vain.
  void until(const std::function<bool()>& done) {
    loop.restart();
    while (!done()) {
      if (loop.run_one_for(std::chrono::minutes(1)) == 0) throw std::logic_error("what the test waits for does not come");
    }
  }

  /// Asks again and again, a moment of real time apart, until the answer holds `part`.
  void ask_until(const std::string& actions, std::string_view part) {
    std::string answer;
    for (int i = 0; i < 10'000 && answer.find(part) == std::string::npos; ++i) {
      loop.run_for(std::chrono::milliseconds(1));
      answer = ask(actions);
    }
    INFO(answer);
    REQUIRE(answer.find(part) != std::string::npos);
  }

  template <class F>
  void run(F f) {
    const agw::testing::started work(loop, std::move(f));
    until([&] { return work.ended(); });
    work.check();
  }

  /// The whole reply, compact, to the request that stands first in `text` (all of a message).
  std::string whole(const std::string& text) {
    auto in = std::make_shared<h248::parsed_message>(h248::parse(text));
    INFO(text);
    REQUIRE(in->ok());
    const auto& request = std::get<h248::transaction_request>((*in)->transactions.front());
    const h248::incoming_request asked(h248::test::memory_network::at("10.0.0.2"), in, request);
    h248::outgoing_reply reply;
    run([&]() -> awaitable<void> { co_await gateway.execute(asked, reply); });
    h248::message out;
    out.version = (*in)->version;
    reply->id = request.id;
    out.from = {h248::mid::form::device, "mg", {}};
    out.transactions.push_back(std::move(*reply));
    auto written = h248::to_text(out);
    // What is written is read again: nothing in an answer refers to memory that is gone, and all of it is grammatical.
    auto again = h248::parse(written);
    INFO(written);
    REQUIRE(again.ok());
    return written;
  }

  /// The reply to `actions` in a version 3 message, without the message around it.
  std::string ask(const std::string& actions, int version = 3) {
    auto written = whole("MEGACO/" + std::to_string(version) + " mgc Transaction=" + std::to_string(++last_) + "{" + actions + "}");
    const auto id = "=" + std::to_string(last_) + "{";
    const auto at = written.find(id);
    REQUIRE(at != std::string::npos);
    written = written.substr(at + id.size());
    while (!written.empty() && (written.back() == '\n' || written.back() == '\r')) written.pop_back();
    REQUIRE(written.ends_with('}'));
    written.pop_back();
    return written;
  }

  /// Turns the loop until the MGC got a request that holds `part`, and returns that message.
  std::string heard_of(std::string_view part) {
    std::string found;
    until([&] {
      for (const auto& text : heard) {
        if (text.find(part) != std::string::npos) {
          found = text;
          return true;
        }
      }
      return false;
    });
    return found;
  }

  asio::io_context loop{1};

 private:
  std::optional<agw::test::manual_clock> time_;
  h248::test::memory_network network_;

 public:
  shard_pool shards;
  h248::package_names names;
  h248::endpoint mg;
  h248::endpoint mgc;

 private:
  h248::gateway_registry registry_;

 public:
  h248::registration registration;
  media_gateway gateway;
  std::vector<std::string> heard;  ///< by the MGC

 private:
  static h248::endpoint_config named(const char* name) {
    h248::endpoint_config out;
    out.mid = h248::mid_name::parse(name).value();
    out.seed = 1;
    return out;
  }
  static h248::registration_config to_mgc() {
    h248::registration_config out;
    out.mgcs.push_back(h248::peer_name::parse("10.0.0.2").value());
    out.max_waiting_delay = {};
    out.silence = {};  // tests of hours on a clock that moves
    return out;
  }
  awaitable<void> run(h248::action_state& at, const h248::command& c) override {
    if (c.kind == h248::command_kind::service_change && c.termination().is_root()) {
      registry_.service_change(at, c);
    } else {
      at.answer(c);
    }
    co_return;
  }

  task_group tasks_;
  std::uint32_t last_ = 0;
};

/// What stands between `before` and the next `after` behind it.
inline std::string between(const std::string& text, const std::string& before, const std::string& after) {
  const auto from = text.find(before);
  INFO(text);
  REQUIRE(from != std::string::npos);
  const auto begin = from + before.size();
  const auto end = text.find(after, begin);
  REQUIRE(end != std::string::npos);
  return text.substr(begin, end - begin);
}

/// The profile's core side, and its access side with a stream group.
inline const std::string core_local =
    "Media{Stream=2{LocalControl{Mode=SendReceive},Local{v=0\r\nc=IN IP4 $\r\nm=message $ TCP/MSRP *\r\na=setup:passive\r\na=path:$\r\n}}}";
inline const std::string access_local =
    "Media{TerminationState{mgroup/sem=\"DEAGG 1 2\"},Stream=1{LocalControl{Mode=SendReceive},Local{v=0\r\nc=IN IP4 $\r\n"
    "m=application $ UDP/DTLS/SCTP webrtc-datachannel\r\na=setup:passive\r\na=fingerprint:sha-256 $\r\na=ice-ufrag:$\r\na=ice-pwd:$\r\n"
    "a=candidate:$\r\na=sctp-port:$\r\na=max-message-size:262144\r\n}},Stream=2{LocalControl{Mode=SendReceive},Local{v=0\r\n"
    "m=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\na=dcmap:0 subprotocol=\"msrp\";label=\"chat\"\r\na=dcsa:0 setup:active\r\n"
    "a=dcsa:0 path:msrps://127.0.0.1:9/si438;dc\r\n}}}";

/// An Add of the core side into a new context, with further descriptors.
inline std::string add_core(const std::string& more = {}) { return "Context=${Add=ip/1/core/${" + core_local + more + "}}"; }

}  // namespace agw::iq::test
