#include <catch2/catch.hpp>

#include <agw/core/metrics.hpp>
#include <agw/core/sockets.hpp>
#include <agw/core/task_group.hpp>
#include <agw/core/until.hpp>
#include <agw/h248/endpoint.hpp>
#include <agw/h248/link_udp.hpp>
#include <agw/h248/transaction_executor.hpp>

#include "support/loop.hpp"

using namespace agw;
using namespace agw::h248;
using namespace std::chrono_literals;

namespace {

// Answers every command with its own terminations; "ip/bad" fails, "ip/slow" waits for `release`.
struct echo final : command_handler {
  explicit echo(event* gate) : release(gate) {}
  event* release;
  int executed = 0;
  awaitable<void> begin(action_state& state) override {
    if (state.asked().context.value == 99) state.fail(h248::error_code::unknown_context);
    if (state.asked().context.is_choose()) state.set_context({7});
    co_return;
  }
  awaitable<void> run(action_state& state, const command& c) override {
    ++executed;
    if (c.termination() == termination_id{"ip/bad"}) {
      state.fail(c, h248::error_code::unknown_termination, "ip/bad");
      co_return;
    }
    if (c.termination() == termination_id{"ip/slow"}) co_await release->wait();
    state.answer(c);
  }
};

// Two endpoints on UDP, and a body that talks between them.
struct pair {
  explicit pair(loop_executor executor) {
    auto make = [&](const char* name) {
      endpoint_config config;
      config.mid = mid_name::parse(name).value();
      config.transactions.first_timeout = 50ms;
      config.transactions.min_timeout = 20ms;
      config.transactions.segment_replies = true;
      auto made = std::make_unique<endpoint>(executor, std::move(config), &counts);
      auto udp = open_udp_link(executor, {transport::udp, asio::ip::make_address("127.0.0.1"), 0});
      REQUIRE(udp.has_value());
      made->add_link(std::move(*udp));
      return made;
    };
    mg = make("mg");
    mgc = make("mgc");
    mg->on_request([this](const incoming_request& request, outgoing_reply& reply) { return execute(request, reply, handler); });
  }
  peer_address mg_address() const { return mg->local(transport::udp).value(); }

  agw::metrics counts;
  event release;
  echo handler{&release};
  std::unique_ptr<endpoint> mg;
  std::unique_ptr<endpoint> mgc;
};

template <class F>
void with_pair(F body) {
  test::run([&]() -> awaitable<void> {
    pair p(co_await asio::this_coro::executor);
    auto inside = [&](task_group& group) -> awaitable<void> {
      auto run_mg = [&]() -> awaitable<void> { co_await p.mg->run(); };
      auto run_mgc = [&]() -> awaitable<void> { co_await p.mgc->run(); };
      group.spawn("mg", std::move(run_mg));
      group.spawn("mgc", std::move(run_mgc));
      co_await body(p);
    };
    co_await with_tasks("test", std::move(inside));
  });
}

list<action> one(context_id context, command c) {
  list<action> out;
  auto& a = out.emplace_back();
  a.context = context;
  a.commands.push_back(std::move(c));
  return out;
}

command add(std::string_view name) {
  command c;
  c.kind = command_kind::add;
  c.terminations.push_back({name});
  return c;
}

}  // namespace

TEST_CASE("a request is answered over UDP") {
  with_pair([](pair& p) -> awaitable<void> {
    auto actions = one(context_id::choose(), add("ip/1"));
    auto reply = co_await p.mgc->request(p.mg_address(), std::move(actions));
    REQUIRE(reply.has_value());
    REQUIRE(reply->error() == nullptr);
    REQUIRE((*reply)->actions.size() == 1);
    REQUIRE((*reply)->actions.front().context == context_id{7});
    REQUIRE((*reply)->actions.front().commands.front().termination() == termination_id{"ip/1"});
    REQUIRE(p.handler.executed == 1);
    const auto text = p.counts.expose();
    REQUIRE(text.find("agw_h248_transactions_total{command=\"add\",direction=\"received\",result=\"ok\"} 1") != std::string::npos);
    REQUIRE(text.find("agw_h248_transactions_total{command=\"add\",direction=\"sent\",result=\"ok\"} 1") != std::string::npos);
  });
}

TEST_CASE("a long reply is written in turns: what is short goes in between") {
  with_pair([](pair& p) -> awaitable<void> {
    p.mg->on_request([](const incoming_request& request, outgoing_reply& reply) -> awaitable<void> {
      const auto& asked = request->actions.front();
      for (std::uint32_t n = 1; n <= asked.context.value; ++n) {
        auto& a = reply.actions().emplace_back();
        a.context = {n};
        auto& c = a.commands.emplace_back();
        c.kind = command_kind::add;
        c.terminations.push_back({"ip/1"});
      }
      co_return;
    });
    std::vector<std::uint32_t> answered;
    auto ask = [&](std::uint32_t contexts) {
      return [&p, &answered, contexts]() -> awaitable<void> {
        auto actions = one(context_id{contexts}, add("ip/1"));
        auto reply = co_await p.mgc->request(p.mg_address(), std::move(actions));
        CHECK((reply ? "" : reply.error().message()) == "");
        CHECK((reply && (*reply)->actions.size() == contexts));
        answered.push_back(contexts);
        p.release.set();
      };
    };
    auto both = [&](task_group& group) -> awaitable<void> {
      group.spawn("long", ask(2000));
      group.spawn("short", ask(1));
      while (answered.size() < 2) co_await p.release.wait();
    };
    co_await with_tasks("requests", std::move(both));
    CHECK(answered == std::vector<std::uint32_t>{1, 2000});
  });
}

TEST_CASE("a failed command stops the transaction unless it is optional") {
  with_pair([](pair& p) -> awaitable<void> {
    auto actions = one({1}, add("ip/1"));
    auto optional = add("ip/bad");
    optional.optional = true;
    actions.front().commands.push_back(optional);
    actions.front().commands.push_back(add("ip/2"));
    actions.front().commands.push_back(add("ip/bad"));
    actions.front().commands.push_back(add("ip/3"));
    auto reply = co_await p.mgc->request(p.mg_address(), std::move(actions));
    REQUIRE(reply.has_value());
    const auto& done = (*reply)->actions.front().commands;
    REQUIRE(done.size() == 4);
    REQUIRE(done[1].error() != nullptr);
    REQUIRE(done[2].error() == nullptr);
    REQUIRE(done[3].error()->code == h248::error_code::unknown_termination);
    REQUIRE(done[3].error()->text == "ip/bad");
    REQUIRE(p.handler.executed == 4);
  });
}

TEST_CASE("an unknown context is an error of the action") {
  with_pair([](pair& p) -> awaitable<void> {
    auto actions = one({99}, add("ip/1"));
    auto reply = co_await p.mgc->request(p.mg_address(), std::move(actions));
    REQUIRE(reply.has_value());
    REQUIRE((*reply)->actions.front().error->code == h248::error_code::unknown_context);
    REQUIRE(p.handler.executed == 0);
  });
}

TEST_CASE("what is refused is counted by its code, and how long requests take is measured at both ends") {
  with_pair([](pair& p) -> awaitable<void> {
    p.mg->on_admission([](const incoming_request&) -> std::optional<h248::error_code> { return h248::error_code::unauthorized_entity; });
    for (int i = 0; i < 3; ++i) {
      auto actions = one(context_id::choose(), add("ip/1"));
      auto reply = co_await p.mgc->request(p.mg_address(), std::move(actions));
      REQUIRE(reply.has_value());
    }
    const auto text = p.counts.expose();
    CHECK(text.find("agw_h248_errors_total{code=\"504\"} ") != std::string::npos);
    CHECK(text.find("agw_h248_errors_total{code=\"504\"} 0\n") == std::string::npos);
    CHECK(text.find("agw_h248_errors_total{code=\"510\"} 0\n") != std::string::npos);
    CHECK(text.find("agw_h248_peer_errors_total{code=\"504\"} 3\n") != std::string::npos);
    CHECK(text.find("agw_h248_peer_errors_total{code=\"505\"} 0\n") != std::string::npos);
    CHECK(text.find("agw_h248_transactions_total{command=\"add\",direction=\"sent\",result=\"refused\"} 3\n") != std::string::npos);
    CHECK(text.find("agw_h248_transactions_total{command=\"notify\",direction=\"sent\",result=\"disconnected\"} 0\n") != std::string::npos);
    CHECK(text.find("agw_h248_latency_seconds_count{direction=\"sent\"} 3\n") != std::string::npos);
    CHECK(text.find("agw_h248_latency_seconds_count{direction=\"received\"} 0\n") != std::string::npos);
    p.mg->on_admission([](const incoming_request&) -> std::optional<h248::error_code> { return std::nullopt; });
    auto actions = one(context_id::choose(), add("ip/1"));
    auto reply = co_await p.mgc->request(p.mg_address(), std::move(actions));
    REQUIRE(reply.has_value());
    CHECK(p.counts.expose().find("agw_h248_latency_seconds_count{direction=\"received\"} 1\n") != std::string::npos);
  });
}

TEST_CASE("what was wrong with a message that does not count is known of its sender, for the log") {
  with_pair([](pair& p) -> awaitable<void> {
    const auto executor = co_await asio::this_coro::executor;
    udp_socket peer(executor, asio::ip::udp::endpoint(asio::ip::make_address("127.0.0.1"), 0));
    const peer_address from{transport::udp, asio::ip::make_address("127.0.0.1"), peer.local_endpoint().port()};
    CHECK(p.mg->remark(from).empty());
    const auto to = asio::ip::udp::endpoint(asio::ip::make_address("127.0.0.1"), p.mg_address().port);
    peer.send_to(asio::buffer(std::string("no H.248 at all")), to);
    while (p.mg->remark(from).empty()) co_await sleep_until(deadline_after(1ms));
    CHECK(p.mg->remark(from).starts_with("a message came that cannot be read: line 1 column 1: expected "));
    peer.send_to(asio::buffer(std::string("!/1 [127.0.0.9] ER=501{\"why\"}")), to);
    while (p.mg->remark(from).starts_with("a message")) co_await sleep_until(deadline_after(1ms));
    CHECK(p.mg->remark(from) == "it said error 501 \"why\"");
  });
}
