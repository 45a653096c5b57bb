#include "world.hpp"

#include <algorithm>
#include <cerrno>
#include <functional>
#include <optional>

#include <sys/socket.h>

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/ip/tcp.hpp>

#include <agw/core/error.hpp>
#include <agw/core/metrics.hpp>
#include <agw/core/shard.hpp>
#include <agw/core/sockets.hpp>
#include <agw/core/task_group.hpp>
#include <agw/h248/registration_registry.hpp>
#include <agw/h248/text.hpp>
#include <agw/iq/media_gateway.hpp>
#include <agw/testing/loop.hpp>

#include "support/driven_loops.hpp"
#include "unit/h248/link_memory.hpp"
#include "unit/iq/services.hpp"

namespace agw::iq::overlap {

namespace {

using tcp = asio::ip::tcp;

/// One transaction under way.
struct flight {
  explicit flight(std::size_t max_reply_bytes) : reply(max_reply_bytes) {}

  transaction asked;
  std::string request;
  std::shared_ptr<h248::parsed_message> in;
  std::optional<h248::incoming_request> handed_over;
  h248::outgoing_reply reply;
  std::string answered;
  std::optional<h248::parsed_message> again;
  std::uint64_t begun = 0;
  std::uint64_t ended = 0;
  std::exception_ptr error;
  asio::cancellation_signal cancel;
  bool cancelled = false;

  /// It was cancelled, and has ended without a reply.
  bool dropped() const { return cancelled && error && is_cancellation(error); }
};

h248::endpoint_config named(const char* name) {
  h248::endpoint_config out;
  out.mid = h248::mid_name::parse(name).value();
  out.seed = 1;
  return out;
}

h248::registration_config to_mgc() {
  h248::registration_config out;
  out.mgcs.push_back(h248::peer_name::parse("10.0.0.2").value());
  out.max_waiting_delay = {};
  return out;
}

}  // namespace

struct world::impl : h248::command_handler {
  explicit impl(const world_config& c)
      : services(test::shared_services()),
        shards(c.threads ? std::make_unique<shard_pool>(c.shards) : std::make_unique<shard_pool>(c.shards, shard_pool::driven)),
        network(loop.get_executor()),
        mg(loop.get_executor(), named("mg")),
        mgc(loop.get_executor(), named("mgc")),
        registry(mgc, {}),
        registration(mg, to_mgc(), 1),
        tasks(loop.get_executor(), "world"),
        listener(loop, tcp::endpoint(asio::ip::address_v4::loopback(), 0)) {
    services.stages.metrics = &counted;
    services.config.flush_time = c.flush_time;
    services.config.shutdown_time = c.shutdown_time;
    max_reply_bytes = c.max_reply_bytes;
    auto config = test::two_sides();
    config.max_terminations_per_context = c.limits.terminations_per_context;
    gateway.emplace(std::move(config), services, *shards, mg, registration, names);
    if (!c.threads) driven.emplace(loop, *shards, c.seed);
    listener.non_blocking(true);
    tcp_acceptor gone(loop, tcp::endpoint(asio::ip::address_v4::loopback(), 0));
    refusing = gone.local_endpoint().port();
    mg.add_link(network.open(h248::test::memory_network::at("10.0.0.1")));
    mgc.add_link(network.open(h248::test::memory_network::at("10.0.0.2")));
    mgc.on_request([this](const h248::incoming_request& request, h248::outgoing_reply& reply) {
      return h248::execute(request, reply, static_cast<h248::command_handler&>(*this));
    });
    tasks.spawn("mg", [this] { return mg.run(); });
    tasks.spawn("mgc", [this] { return mgc.run(); });
    tasks.spawn("registration", [this] { return registration.run(); });
    tasks.spawn("gateway", [this] { return gateway->run(); });
    until("the registration", [this] { return registration.state() == h248::registration_state::registered; });
  }

  ~impl() override { shut(); }

  void shut() {
    if (!gateway) return;
    run([this] { return gateway->close(); }, "close()");
    ended_at = clock::now();
    run([this] { return tasks.stop(); }, "the tasks");
    connections.clear();
    if (driven) driven->settle();
    shards->stop();
    gateway.reset();
    driven.reset();
  }

  awaitable<void> run(h248::action_state& at, const h248::command& c) override {
    if (c.kind == h248::command_kind::service_change && c.termination().is_root()) registry.service_change(at, c);
    else at.answer(c);
    co_return;
  }

  /// One step of whatever loop. When there is nothing to do, time goes on, ever faster.
  bool step() {
    if (!driven) return loop.stopped() ? (loop.restart(), true) : loop.run_one_for(std::chrono::milliseconds(100)) != 0;
    if (driven->step()) {
      idle = std::chrono::milliseconds(1);
      return true;
    }
    driven->advance(idle);
    idle = std::min<clock::duration>(idle * 2, std::chrono::seconds(1));
    return false;
  }

  void until(const char* what, const std::function<bool()>& done) {
    idle = std::chrono::milliseconds(1);
    for (int in_vain = 0; !done();) {
      in_vain = step() ? in_vain : in_vain + 1;
      if (in_vain > 600) throw failure(std::string("does not end: ") + what);
    }
  }

  template <class F>
  void run(F f, const char* what) {
    const agw::testing::started work(loop, std::move(f));
    until(what, [&] { return work.ended(); });
    work.check();
  }

  /// As the endpoint does: at once, since afterwards what the reply refers to may be gone.
  void write_answer(flight& f) {
    if (f.reply.full()) {
      f.reply.actions().clear();
      f.reply.fail(h248::error_code::response_too_long);
    }
    h248::message out;
    out.version = (*f.in)->version;
    out.from = {h248::mid::form::device, "mg", {}};
    f.reply->id = (*f.handed_over)->id;
    out.transactions.push_back(std::move(*f.reply));
    f.answered = h248::to_text(out);
  }

  void start(flight& f) {
    f.begun = ++clock_of_steps;
    auto over = [this, &f](std::exception_ptr e) {
      if (e) f.error = std::move(e);
      f.ended = ++clock_of_steps;
      ++ended;
    };
    asio::co_spawn(
        loop,
        [this, &f]() -> awaitable<void> {
          try {
            co_await gateway->execute(*f.handed_over, f.reply);
            write_answer(f);
          } catch (...) {
            f.error = std::current_exception();
          }
          co_await asio::this_coro::throw_if_cancelled(false);  // see task_group: else the handler would not be called
        },
        asio::bind_cancellation_slot(f.cancel.slot(), std::move(over)));
  }

  /// The caller of one of the first `begun` ends, if that is still under way.
  void cancel(std::size_t begun, agw::test::choices& choose) {
    auto& f = *flights[choose.below(begun)];
    if (f.ended != 0 || f.cancelled) return;
    f.cancelled = true;
    f.cancel.emit(asio::cancellation_type::terminal);
  }

  void connect(std::uint16_t port) {
    // A backlog that is full would block a connect() of Asio's.
    auto& made = connections.emplace_back(loop, tcp::v4());
    made.non_blocking(true);
    const tcp::endpoint to(asio::ip::address_v4::loopback(), port);
    if (::connect(made.native_handle(), to.data(), static_cast<socklen_t>(to.size())) != 0 && errno != EINPROGRESS) connections.pop_back();
  }

  void meddle(agw::test::choices& choose) {
    error_code ec;
    switch (choose.below(5)) {
      case 0:
      case 1: {
        if (ports.empty() || connections.size() > 20) break;
        connect(choose.of(ports));
        break;
      }
      case 2: {
        tcp_socket taken(loop);
        listener.accept(taken, ec);
        if (ec) break;
        taken.non_blocking(true);
        connections.push_back(std::move(taken));
        break;
      }
      case 3: {
        if (connections.empty()) break;
        connections.erase(connections.begin() + static_cast<std::ptrdiff_t>(choose.below(connections.size())));
        break;
      }
      default: {
        if (connections.empty()) break;
        static constexpr std::string_view text = "MSRP a786hjs2 SEND\r\nTo-Path: msrp://127.0.0.1:9/b;tcp\r\n";
        auto& to = connections[choose.below(connections.size())];
        to.send(asio::buffer(text.data(), choose.below(text.size()) + 1), 0, ec);
      }
    }
  }

  void check(flight& f) {
    if (f.error) {
      try {
        std::rethrow_exception(f.error);
      } catch (const std::exception& e) {
        throw failure(std::string("execute() threw ") + e.what() + " for " + f.request);
      }
    }
    // Longer than a message: what an endpoint sends in segments.
    h248::parse_limits limits;
    limits.max_bytes = max_reply_bytes + 65536;
    limits.max_memory_bytes = 64 * limits.max_bytes;
    f.again.emplace(h248::parse(f.answered, limits));
    const auto& again = *f.again;
    const bool reply = again.ok() && again->transactions.size() == 1 && std::holds_alternative<h248::transaction_reply>(again->transactions.front());
    if (!reply) throw failure("an answer that cannot be read: " + f.answered);
    const auto& said = std::get<h248::transaction_reply>(again->transactions.front());
    if (said.id != (*f.handed_over)->id) throw failure("an answer to another transaction: " + f.answered);
    if (said.error && !f.reply.given_up() && !f.reply.full()) throw failure("an error of the transaction: " + f.answered);
    // Where peers can connect to.
    for (const auto& a : said.actions) {
      for (const auto& c : a.commands) {
        const auto* media = c.find<h248::media_descriptor>();
        if (!media || c.kind != h248::command_kind::add) continue;
        media->for_each_stream([&](h248::stream_id, const h248::stream_parameters& p) {
          if (!p.local) return;
          const auto at = p.local->find("m=message ");
          if (at == std::string_view::npos) return;
          const auto port = std::stoi(std::string(p.local->substr(at + 10, 5)));
          if (port > 0 && port < 65536) ports.push_back(static_cast<std::uint16_t>(port));
        });
      }
    }
  }

  asio::io_context loop{1};
  metrics counted;
  gateway::gateway_services services;
  std::unique_ptr<shard_pool> shards;
  std::optional<agw::test::driven_loops> driven;
  h248::test::memory_network network;
  h248::package_names names;
  h248::endpoint mg;
  h248::endpoint mgc;
  h248::gateway_registry registry;
  h248::registration registration;
  std::optional<media_gateway> gateway;
  task_group tasks;
  tcp_acceptor listener;
  std::vector<tcp_socket> connections;
  std::vector<std::uint16_t> ports;
  std::uint16_t refusing = 0;
  clock::time_point ended_at;
  std::size_t max_reply_bytes = 0;
  std::vector<std::shared_ptr<flight>> flights;
  std::size_t ended = 0;
  std::uint64_t clock_of_steps = 0;
  std::uint32_t last_id = 0;
  clock::duration idle = std::chrono::milliseconds(1);
};

world::world(const world_config& config) : impl_(std::make_unique<impl>(config)) {}
// What does not end cannot be destroyed. It stays, for the sake of the message that says so.
world::~world() {
  try {
    impl_->shut();
  } catch (const std::exception&) {
    clock::manual_now = clock::real_time;
    (void)impl_.release();
  }
}

std::vector<carried_out> world::run(const std::vector<transaction>& all, agw::test::choices& choose, const disturbances& d) {
  auto& w = *impl_;
  w.flights.clear();
  w.ended = 0;
  for (const auto& t : all) {
    auto& f = *w.flights.emplace_back(std::make_shared<flight>(w.max_reply_bytes));
    f.asked = t;
    f.request = "MEGACO/3 mgc Transaction=" + std::to_string(++w.last_id) + "{" + to_text(t) + "}";
    f.in = std::make_shared<h248::parsed_message>(h248::parse(f.request));
    if (!f.in->ok()) throw std::logic_error("the generator's text is no message: " + f.request);
    const auto& request = std::get<h248::transaction_request>((*f.in)->transactions.front());
    f.handed_over.emplace(h248::test::memory_network::at("10.0.0.2"), f.in, request);
  }
  w.idle = std::chrono::milliseconds(1);
  std::size_t begun = 0;
  bool closing = false, closed = !d.close;
  int in_vain = 0;
  const std::size_t close_at = choose.below(40);
  for (std::size_t turn = 0; w.ended < w.flights.size() || !closed; ++turn) {
    // Most begin at once, as from one datagram.
    while (begun < w.flights.size() && choose.below(4) != 3) w.start(*w.flights[begun++]);
    if (d.peers && choose.one_in(8)) w.meddle(choose);
    if (d.time && w.driven && choose.one_in(40)) w.driven->advance(std::chrono::milliseconds(choose.below(500)));
    if (d.give_up && begun > 0 && choose.one_in(10)) w.flights[choose.below(begun)]->reply.give_up();
    if (d.cancel && begun > 0 && choose.one_in(12)) w.cancel(begun, choose);
    if (d.close && !closing && (turn >= close_at || w.ended == w.flights.size())) {
      closing = true;
      asio::co_spawn(w.loop, [&w] { return w.gateway->close(); }, [&closed](std::exception_ptr e) {
        closed = true;
        if (e) std::rethrow_exception(e);
      });
    }
    in_vain = w.step() || begun < w.flights.size() ? 0 : in_vain + 1;
    if (in_vain > 600) {
      std::string open;
      for (const auto& f : w.flights) {
        if (f->ended == 0) open += "\n  " + f->request;
      }
      throw failure(w.ended == w.flights.size() ? "close() does not end" : "never answered:" + open);
    }
  }
  std::vector<carried_out> out;
  for (const auto& f : w.flights) {
    if (f->dropped()) continue;
    w.check(*f);
    carried_out one;
    one.asked = f->asked;
    one.said = &std::get<h248::transaction_reply>((*f->again)->transactions.front());
    one.begun = f->begun;
    one.ended = f->ended;
    one.keeps = f;
    out.push_back(std::move(one));
  }
  return out;
}

std::string world::transcript() const {
  std::vector<const flight*> all;
  for (const auto& f : impl_->flights) all.push_back(f.get());
  std::ranges::sort(all, {}, [](const flight* f) { return f->ended == 0 ? ~std::uint64_t{0} : f->ended; });
  std::string out;
  for (const auto* f : all) {
    out += "[" + std::to_string(f->begun) + " to " + (f->ended == 0 ? "never" : std::to_string(f->ended)) + "]\n" + f->request + "\n" + (f->dropped() ? "cancelled" : f->answered) + "\n";
  }
  // Without what stands in Local and Remote.
  std::string shown;
  for (std::size_t at = 0; at < out.size();) {
    const auto end = std::min(out.find('\n', at), out.size() - 1) + 1;
    const bool sdp = at + 1 < out.size() && out[at] >= 'a' && out[at] <= 'z' && out[at + 1] == '=';
    if (!sdp) shown.append(out, at, end - at);
    at = end;
  }
  std::erase(shown, '\r');
  return shown;
}

void world::pass(clock::duration by) {
  auto& w = *impl_;
  if (!w.driven) return;
  w.driven->settle();
  w.driven->advance(by);
  w.driven->settle();
}

void world::close() {
  impl_->shut();
  if (counted_contexts() + counted_terminations() != 0) {
    throw failure(std::to_string(counted_contexts()) + " contexts and " + std::to_string(counted_terminations()) + " terminations are left behind close()");
  }
}

std::size_t world::contexts() const { return impl_->gateway ? impl_->gateway->contexts() : 0; }
std::size_t world::counted_contexts() const { return static_cast<std::size_t>(impl_->counted.gauge("agw_contexts", "").Value()); }
std::size_t world::counted_terminations() const { return static_cast<std::size_t>(impl_->counted.gauge("agw_terminations", "").Value()); }
clock::time_point world::now() const { return clock::now(); }
clock::time_point world::ended_at() const { return impl_->ended_at; }
std::uint16_t world::listening() const { return impl_->listener.local_endpoint().port(); }
std::uint16_t world::refusing() const { return impl_->refusing; }
void world::connect_all() {
  for (const auto port : impl_->ports) impl_->connect(port);
}
bool world::too_long() const { return impl_->flights.front()->reply.full(); }
std::uint64_t world::handlers() const { return impl_->driven ? impl_->driven->handlers() : 0; }

}  // namespace agw::iq::overlap
