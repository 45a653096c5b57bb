// What an endpoint does by itself, seen by a peer that is a bare link: each test says what comes in and what goes out.
#include <boost/asio/co_spawn.hpp>

#include <catch2/catch.hpp>

#include <agw/core/metrics.hpp>
#include <agw/core/task_group.hpp>
#include <agw/core/until.hpp>
#include <agw/h248/endpoint.hpp>
#include <agw/h248/transaction_executor.hpp>

#include "link_memory.hpp"
#include "support/loop.hpp"

using namespace agw;
using namespace agw::h248;
using namespace std::chrono_literals;
using h248::test::memory_network;

namespace {

// Adds answer plainly; "ip/slow" waits for `release`; "ip/broken" throws; "ip/*" has two matches.
struct gateway final : command_handler {
  event release;
  std::vector<std::string> executed;
  int cancelled = 0;
  int matched = 0;  // terminations of ip/many/*
  awaitable<void> begin(action_state& state) override {
    if (state.asked().context.is_choose()) state.set_context({7});
    co_return;
  }
  awaitable<void> run(action_state& state, const command& c) override {
    const auto name = c.termination();
    executed.emplace_back(name.name);
    if (name == termination_id{"ip/slow"}) {
      try {
        co_await release.wait();
      } catch (...) {
        ++cancelled;
        throw;
      }
    }
    if (name == termination_id{"ip/broken"}) throw std::logic_error("a bug");
    if (name == termination_id{"ip/bad"}) {
      state.fail(c, h248::error_code::unknown_termination, "ip/bad");
    } else if (name == termination_id{"ip/*"}) {
      for (const auto* match : {"ip/1", "ip/2"}) {
        packages_descriptor packages;
        packages.packages.push_back({"g", 1});
        if (match == std::string_view("ip/2")) packages.packages.push_back({"nt", 1});
        auto& answer = state.answer(c, {match});
        answer.add(std::move(packages));
      }
      if (state.asked().context.value == 2) state.fail(c, {"ip/3"}, h248::error_code::internal_hardware_failure);
    } else if (name == termination_id{"ip/many/*"}) {
      for (int n = 1; n <= 20'000 && !state.whole().full(); ++n, ++matched) {
        if (state.asked().context.is_all()) state.answer_under({static_cast<std::uint32_t>(n)});
        statistics_descriptor counted;
        counted.entries.push_back({item_name::of("nt/dur"), one("1")});
        auto& answer = state.answer(c, {state.keep("ip/many/" + std::to_string(n))});
        answer.add(std::move(counted));
      }
    }
  }
};

struct bench {
  explicit bench(endpoint_config config = {}) {
    config.mid = mid_name::parse("mg").value();
    config.transactions.acknowledge = false;
    control = std::make_unique<endpoint>(context.get_executor(), std::move(config), &counts);
    control->add_link(network.open(address));
    control->set_version(memory_network::at("10.0.0.2"), 3);
    control->on_request([this](const incoming_request& r, outgoing_reply& reply) { return execute(r, reply, handler); });
    peer = network.open(memory_network::at("10.0.0.2"));
    group.spawn("endpoint", [this]() -> awaitable<void> { co_await control->run(); });
    group.spawn("peer", [this]() -> awaitable<void> {
      message_link::receiver on_message = [this](const peer_address&, std::string text) { replies.push_back(std::move(text)); };
      message_link::state_observer on_state;
      co_await peer->run(std::move(on_message), std::move(on_state));
    });
    time.settle();
  }
  ~bench() { stop(); }
  void stop() {
    group.cancel();
    auto end = [this]() -> awaitable<void> { co_await group.stop(); };
    asio::co_spawn(context, std::move(end), [](std::exception_ptr) {});
    time.settle();
  }
  // Sends a message and returns what comes back, headers and error texts cut off.
  std::vector<std::string> ask(std::string_view text) {
    replies.clear();
    peer->send(address, text);
    time.settle();
    return answers();
  }
  std::vector<std::string> answers() {
    std::vector<std::string> out;
    for (auto text : replies) {
      for (auto quote = text.find('"'); quote != std::string::npos; quote = text.find('"', quote)) {
        text.erase(quote, text.find('"', quote + 1) - quote + 1);
      }
      out.push_back(text.substr(text.find("mg ") + 3));
    }
    replies.clear();
    return out;
  }

  using texts = std::vector<std::string>;
  asio::io_context context{1};
  agw::test::manual_clock time{context};
  memory_network network{context.get_executor()};
  task_group group{context.get_executor(), "bench"};
  agw::metrics counts;
  gateway handler;
  peer_address address = memory_network::at("10.0.0.1");
  std::unique_ptr<endpoint> control;
  std::unique_ptr<message_link> peer;
  std::vector<std::string> replies;
};

using texts = bench::texts;

}  // namespace

TEST_CASE("a request that comes again is answered again and not executed again") {
  bench b;
  const auto first = b.ask("!/3 mgc T=5{C=${A=ip/1}}");
  REQUIRE(first == texts{"P=5{C=7{A=ip/1}}"});
  REQUIRE(b.ask("!/3 mgc T=5{C=${A=ip/1}}") == first);
  REQUIRE(b.handler.executed == texts{"ip/1"});
  REQUIRE(b.ask("!/3 mgc K{5}").empty());
  REQUIRE(b.ask("!/3 mgc T=5{C=${A=ip/1}}").empty());
  REQUIRE(b.ask("!/3 other T=5{C=${A=ip/1}}") == first);
  REQUIRE(b.handler.executed.size() == 2);
}

TEST_CASE("other content under a remembered id is not executed, unless contents are compared") {
  bench b;
  const auto first = b.ask("!/3 mgc T=5{C=${A=ip/1}}");
  REQUIRE(b.ask("!/3 mgc T=5{C=1{S=ip/1}}") == first);
  REQUIRE(b.ask("!/3 mgc K{5}").empty());
  REQUIRE(b.ask("!/3 mgc T=5{C=1{S=ip/1}}").empty());
  REQUIRE(b.handler.executed == texts{"ip/1"});
  endpoint_config config;
  config.transactions.compare_requests = true;
  bench other(std::move(config));
  other.ask("!/3 mgc T=5{C=${A=ip/1}}");
  REQUIRE(other.ask("!/3 mgc T=5{C=1{S=ip/2}}") == texts{"P=5{C=1{S=ip/2}}"});
  REQUIRE(other.handler.executed == texts{"ip/1", "ip/2"});
}

TEST_CASE("a message whose header cannot be read is answered with error 400, once a second") {
  bench b;
  b.control->set_version(memory_network::at("10.0.0.2"), 0);
  b.peer->send(b.address, "MEGACO/3 [10.0.0.999 T=1{C=1{A=ip/1}} and so on, and so forth");
  b.time.settle();
  REQUIRE(b.replies == texts{"!/1 mg ER=400{\"Syntax error in message\"}"});
  REQUIRE(b.ask("!/3").empty());
  b.time.advance(1s);
  REQUIRE(b.ask("!/3 ").empty());  // no room for an answer that is not longer
  b.time.advance(1s);
  REQUIRE(b.ask("!/3 [x] what is this, and who asks") == texts{"ER=400{}"});
}

TEST_CASE("replies to the requests of one message share a message, headed with the version of the request") {
  bench b;
  b.peer->send(b.address, "!/2 mgc T=1{C=1{A=ip/1}}T=2{C=1{A=ip/2}}");
  b.time.settle();
  REQUIRE(b.replies == texts{"!/2 mg P=1{C=1{A=ip/1}}P=2{C=1{A=ip/2}}"});
}

TEST_CASE("errors are placed as deep as they can be, and good parts are executed") {
  bench b;
  // The second command is broken: the first runs.
  REQUIRE(b.ask("!/3 mgc T=1{C=1{A=ip/1,A=ip/2{M{XX}},A=ip/3}}") == texts{"P=1{C=1{A=ip/1,A=ip/2{ER=444{}}}}"});
  REQUIRE(b.handler.executed == texts{"ip/1"});
  // A good transaction behind a broken one.
  REQUIRE(b.ask("!/3 mgc T=2{C=1{Frob=ip/1}}T=3{C=1{A=ip/4}}").at(0).ends_with("P=3{C=1{A=ip/4}}"));
  REQUIRE(b.handler.executed.back() == "ip/4");
  // Nothing of it can be read.
  REQUIRE(b.ask("!/3 mgc T=4{Frob}") == texts{"P=4{ER=422{}}"});
  REQUIRE(b.ask("!/3 mgc T={C=1{A=ip/1}}").at(0).starts_with("P=0{ER=403{"));
  REQUIRE(b.ask("!/3 mgc Frob=4{}").at(0).starts_with("P=0{ER=403{"));
}

TEST_CASE("an optional command may fail, be it broken or refused") {
  bench b;
  REQUIRE(b.ask("!/3 mgc T=1{C=1{O-A=ip/bad,A=ip/1,A=ip/bad,A=ip/2}}") ==
          texts{"P=1{C=1{A=ip/bad{ER=430{}},A=ip/1,A=ip/bad{ER=430{}}}}"});
  REQUIRE(b.ask("!/3 mgc T=2{C=1{O-A=ip/2{M{XX}},A=ip/3}}") == texts{"P=2{C=1{A=ip/2{ER=444{}},A=ip/3}}"});
}

TEST_CASE("a wildcarded command answers for each match, W- once for all, and a failure among them stops what follows") {
  bench b;
  REQUIRE(b.ask("!/3 mgc T=1{C=1{MF=ip/*,A=ip/9}}") == texts{"P=1{C=1{MF=ip/1{PG{g-1}},MF=ip/2{PG{g-1,nt-1}},A=ip/9}}"});
  REQUIRE(b.ask("!/3 mgc T=2{C=1{W-MF=ip/*}}") == texts{"P=2{C=1{W-MF=ip/*{PG{g-1},PG{g-1,nt-1}}}}"});
  REQUIRE(b.ask("!/3 mgc T=3{C=2{MF=ip/*,A=ip/9}}") ==
          texts{"P=3{C=2{MF=ip/1{PG{g-1}},MF=ip/2{PG{g-1,nt-1}},MF=ip/3{ER=529{}}}}"});
}

TEST_CASE("the eleventh request of a message gets error 413 and may come again") {
  bench b;
  std::string text = "!/3 mgc ";
  for (int i = 1; i <= 11; ++i) text += "T=" + std::to_string(i) + "{C=1{A=ip/1}}";
  b.ask(text);
  REQUIRE(b.handler.executed.size() == 10);
  REQUIRE(b.ask("!/3 mgc T=11{C=1{A=ip/1}}") == texts{"P=11{C=1{A=ip/1}}"});
}

TEST_CASE("a version that was not agreed gets error 406") {
  endpoint_config config;
  config.version = 2;
  bench b(config);
  b.peer->send(b.address, "!/3 mgc T=1{C=1{A=ip/1}}");
  b.time.settle();
  REQUIRE(b.replies.at(0).starts_with("!/2 mg P=1{ER=406{"));
  REQUIRE(b.ask("!/2 mgc T=1{C=1{A=ip/1}}") == texts{"P=1{C=1{A=ip/1}}"});
  REQUIRE(b.ask("!/4 mgc T=2{C=1{A=ip/1}}").at(0).starts_with("P=2{ER=406{"));
  REQUIRE(b.ask("!/0 mgc T=3{C=1{A=ip/1}}").at(0).starts_with("P=3{ER=406{"));
}

TEST_CASE("what is no message is counted and not answered, and errors are not answered with errors") {
  bench b;
  const auto before = drops("h248", "unreadable");
  REQUIRE(b.ask("GET / HTTP/1.1").empty());
  REQUIRE(b.ask("").empty());
  REQUIRE(b.ask(std::string("\0\x01\x02", 3)).empty());
  REQUIRE(drops("h248", "unreadable") == before + 3);
  REQUIRE(b.ask("!/3 mgc ER=400{\"you\"}").empty());
  REQUIRE(b.ask("!/3 mgc P=77{C=1{A=ip/1}}PN=78{}K{1-4294967295}").empty());
  REQUIRE(b.handler.executed.empty());
}

TEST_CASE("a handler that throws is answered with error 500, and the endpoint lives on") {
  bench b;
  REQUIRE(b.ask("!/3 mgc T=1{C=1{A=ip/broken}}") == texts{"P=1{ER=500{}}"});
  REQUIRE(b.ask("!/3 mgc T=2{C=1{A=ip/1}}") == texts{"P=2{C=1{A=ip/1}}"});
}

TEST_CASE("a slow execution sends Pendings, then a reply that wants an acknowledgement") {
  bench b;
  REQUIRE(b.ask("!/3 mgc T=1{C=1{A=ip/slow}}").empty());
  b.time.advance(1500ms);
  REQUIRE(b.answers() == texts{"PN=1{}"});
  REQUIRE(b.control->executing() == 1);
  b.handler.release.set();
  b.time.settle();
  REQUIRE(b.answers() == texts{"P=1{IA,C=1{A=ip/slow}}"});
  REQUIRE(b.control->executing() == 0);
}

TEST_CASE("an execution beyond the Pending limit is answered with error 506, and goes no further than the command that runs") {
  endpoint_config config;
  config.transactions.sent_pending_limit = 2;
  bench b(config);
  REQUIRE(b.ask("!/3 mgc T=1{C=1{A=ip/slow,A=ip/1},C=2{A=ip/1}}").empty());
  for (int i = 0; i < 3; ++i) b.time.advance(1500ms);
  REQUIRE(b.answers() == texts{"PN=1{}", "PN=1{}", "P=1{IA,ER=506{}}"});
  REQUIRE(b.control->executing() == 0);
  b.handler.release.set();
  b.time.settle();
  REQUIRE(b.answers().empty());
  REQUIRE(b.handler.cancelled == 0);
  REQUIRE(b.handler.executed == std::vector<std::string>{"ip/slow"});
}

TEST_CASE("stopping cancels executions and ends our own requests") {
  bench b;
  REQUIRE(b.ask("!/3 mgc T=1{C=1{A=ip/slow}}").empty());
  boost::system::error_code outcome;
  auto request = [&]() -> awaitable<void> {
    list<action> actions;
    actions.emplace_back().commands.emplace_back().terminations.push_back({"ip/1"});
    const auto reply = co_await b.control->request(memory_network::at("10.0.0.9"), std::move(actions));
    outcome = reply.error();
  };
  asio::co_spawn(b.context, std::move(request), [](std::exception_ptr) {});
  b.time.settle();
  REQUIRE(b.control->unanswered() == 1);
  b.stop();
  REQUIRE(b.handler.cancelled == 1);
  REQUIRE(outcome == make_error_code(errc::stopped));
  REQUIRE(b.control->unanswered() == 0);
}

TEST_CASE("a request that nobody waits for any more is not repeated") {
  bench b;
  task_group asking(b.context.get_executor(), "asking");
  asking.spawn("request", [&b]() -> awaitable<void> {
    list<action> actions;
    actions.emplace_back().commands.emplace_back().terminations.push_back({"ip/1"});
    const auto reply = co_await b.control->request(memory_network::at("10.0.0.2"), std::move(actions));
    REQUIRE(reply.has_value());
  });
  b.time.advance(300ms);
  REQUIRE(b.answers().size() == 2);
  asking.cancel();
  auto end = [&]() -> awaitable<void> { co_await asking.join(); };
  asio::co_spawn(b.context, std::move(end), [](std::exception_ptr) {});
  b.time.settle();
  REQUIRE(asking.empty());
  REQUIRE(b.control->unanswered() == 0);
  b.time.advance(10s);
  REQUIRE(b.answers().empty());
  REQUIRE(b.counts.expose().find("agw_h248_retransmissions_total 1") != std::string::npos);
}

TEST_CASE("an observer sees every message as it is on the wire") {
  bench b;
  std::vector<std::pair<direction, std::string>> seen;
  b.control->on_message([&](direction way, const peer_address& peer, std::string_view text, clock::time_point) {
    REQUIRE(peer == memory_network::at("10.0.0.2"));
    seen.emplace_back(way, text);
  });
  b.ask("!/3 mgc T=1{C=1{A=ip/1}}");
  REQUIRE(seen.size() == 2);
  REQUIRE(seen[0] == std::pair(direction::received, std::string("!/3 mgc T=1{C=1{A=ip/1}}")));
  REQUIRE(seen[1] == std::pair(direction::sent, std::string("!/3 mg P=1{C=1{A=ip/1}}")));
}

TEST_CASE("a transport without a link, and a stopped endpoint, take no requests") {
  bench b;
  const auto ask = [&b](peer_address to) {
    boost::system::error_code outcome;
    auto request = [&]() -> awaitable<void> {
      list<action> actions;
      actions.emplace_back();
      const auto reply = co_await b.control->request(to, std::move(actions));
      outcome = reply.error();
    };
    asio::co_spawn(b.context, std::move(request), [](std::exception_ptr) {});
    b.time.settle();
    return outcome;
  };
  REQUIRE(ask(memory_network::at("10.0.0.2", transport::tcp)) == make_error_code(errc::no_link));
  b.stop();
  REQUIRE(ask(memory_network::at("10.0.0.2")) == make_error_code(errc::stopped));
}

TEST_CASE("a reply beyond its bound is error 533, and what answers stops when the bound is reached") {
  endpoint_config config;
  config.transactions.max_reply_bytes = 10'000;
  bench b(std::move(config));
  REQUIRE(b.ask("!/3 mgc T=1{C=1{AV=ip/many/*,AV=ip/1}}") == texts{"P=1{ER=533{}}"});
  // 27 octets each, "AV=ip/many/100{SA{nt/dur=1}}".
  REQUIRE(b.handler.matched > 340);
  REQUIRE(b.handler.matched < 440);
  REQUIRE(b.handler.executed == texts{"ip/many/*"});
  // In actions of their own.
  b.handler.matched = 0;
  REQUIRE(b.ask("!/3 mgc T=2{C=*{AV=ip/many/*}}") == texts{"P=2{ER=533{}}"});
  REQUIRE(b.handler.matched < 400);
  // A transaction that is remembered is not executed again.
  REQUIRE(b.ask("!/3 mgc T=1{C=1{AV=ip/many/*,AV=ip/1}}") == texts{"P=1{ER=533{}}"});
  REQUIRE(b.handler.matched < 400);
}

TEST_CASE("answers that are united count once, and their statistics are added up") {
  endpoint_config config;
  config.transactions.max_reply_bytes = 1000;
  bench b(std::move(config));
  REQUIRE(b.ask("!/3 mgc T=1{C=1{W-AV=ip/many/*,W-AV=ip/many/*}}") ==
          texts{"P=1{C=1{W-AV=ip/many/*{SA{nt/dur=20000}},W-AV=ip/many/*{SA{nt/dur=20000}}}}"});
  REQUIRE(b.handler.matched == 40'000);
}
