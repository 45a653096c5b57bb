// agw-load: plays WICs, core peers and the controller against an agw-server, and measures it.
#include <sys/resource.h>

#include <fstream>
#include <iostream>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/signal_set.hpp>

#include "agw/core/log.hpp"
#include "agw/core/until.hpp"
#include "agw/transports/certificate.hpp"
#include "agw/transports/sctp_stack.hpp"
#include "call_failure.hpp"
#include "load_run.hpp"
#include "report.hpp"
#include "server_process.hpp"

namespace {

using namespace agw;
using namespace agw::load;

void raise_descriptor_limit() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur == limit.rlim_max) return;
  limit.rlim_cur = limit.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &limit);
}

crew_services services_for(const load_options& o, shard& control, mgc& controller, port_pool& ports) {
  crew_services out;
  out.options = o;
  out.control = &control;
  out.controller = &controller;
  out.wics.address = o.access;
  out.wics.ports = &ports;
  // use_srtp, as browsers send it even without media: some servers insist on it.
  out.wics.identity = std::make_shared<const dtls::context>(dtls::certificate::self_signed(), "SRTP_AEAD_AES_128_GCM:SRTP_AES128_CM_SHA1_80");
  out.wics.rtt = o.rtt;
  out.wics.mtu = o.mtu;
  out.wics.sctp_port = o.sctp_port;
  out.wics.buffer_bytes = o.buffers();
  out.wics.dcep = o.dcep;
  out.core_address = o.core;
  using std::chrono::seconds;
  out.stages.deadlines = {{"ice", seconds(20)}, {"dtls", seconds(20)}, {"sctp", seconds(20)}, {"channel", seconds(20)}, {"tcp", seconds(20)}};
  return out;
}

// The first signal ends what is measured, the second one the program.
awaitable<void> watch_signals(load_run& run) {
  std::string name;
  {
    asio::signal_set signals(co_await asio::this_coro::executor, SIGINT, SIGTERM);
    const auto number = co_await signals.async_wait(use_awaitable);
    name = number == SIGINT ? "SIGINT" : "SIGTERM";
  }
  co_await run.interrupt(name);
}

// What is asked of a process that has ended would wait for answers.
awaitable<void> watch_process(server_process& server, mgc& controller) {
  while (server.running()) co_await sleep_until(deadline_after(std::chrono::milliseconds(100)));
  if (!controller.has_gateway()) throw call_failure("the gateway has ended: " + server.last_words());
  controller.lose_gateway("the gateway's process has ended");
}

awaitable<void> live(mgc& controller, load_run& run, server_process& server) {
  auto body = [&](task_group& tasks) -> awaitable<void> {
    tasks.spawn("h248", [&] { return controller.run(); });
    tasks.spawn("signals", [&] { return watch_signals(run); });
    event lost;
    std::string why;
    controller.on_gateway_lost = [&](std::string text) {
      why = std::move(text);
      lost.set();
    };
    auto watch_gateway = [&]() -> awaitable<void> {
      co_await lost.wait();
      co_await run.interrupt(why);
    };
    tasks.spawn("gateway", watch_gateway);
    if (server.pid() != 0) tasks.spawn("process", [&] { return watch_process(server, controller); });
    co_await run.play();
    controller.on_gateway_lost = nullptr;
  };
  co_await with_tasks("agw-load", std::move(body));
}

bool write(const outcome& o) {
  const auto& where = o.options.json;
  if (where != "-") std::cout << table(o) << std::flush;
  if (where.empty()) return true;
  const auto text = boost::json::serialize(to_json(o)) + "\n";
  if (where == "-") {
    std::cout << text << std::flush;
    return true;
  }
  std::ofstream out(where);
  out << text;
  out.close();
  if (!out) std::cerr << "agw-load: " << where << " cannot be written\n";
  return static_cast<bool>(out);
}

int run(const load_options& options) {
  raise_descriptor_limit();
  sctp::stack stack;
  shard control(0);
  mgc controller(control.executor(), options.names);
  if (!controller.listen(options.h248)) return 2;
  server_process server;
  if (!options.start.empty()) server.start(options, controller.local());
  port_pool ports(0, 0);
  const auto shared = services_for(options, control, controller, ports);
  shard_pool shards(options.shards());
  std::vector<std::unique_ptr<crew>> crews;
  for (std::size_t i = 0; i < shards.size(); ++i) crews.push_back(std::make_unique<crew>(shards[i], shared, i, shards.size()));
  load_run all(options, control, controller, crews, server.pid() != 0 ? server.pid() : options.server_pid);
  int code = 0;
  asio::co_spawn(control.context(), live(controller, all, server), [&](std::exception_ptr e) {
    if (e) {
      std::cerr << "agw-load: " << describe(e) << std::endl;
      code = 2;
    }
    control.stop();
  });
  control.run();
  shards.stop();
  const bool died = server.pid() != 0 && !server.running();
  if (died && code == 0) std::cerr << "agw-load: the gateway has ended: " << server.last_words() << std::endl;
  if (code == 0) {
    if (!write(all.result())) code = 2;
    else if (died || !all.result().faults().empty()) code = 1;
  }
  server.stop(code != 0);
  if (code != 0 && !options.start.empty()) std::cerr << "agw-load: configuration and log of the gateway are in " << server.folder().string() << std::endl;
  return code;
}

}  // namespace

int main(int argc, char** argv) {
  load_options options;
  if (const auto exit = parse(options, argc, argv)) return finish(*exit);
  log::configure(options.log_level);
  try {
    return run(options);
  } catch (const std::exception& e) {
    std::cerr << "agw-load: " << e.what() << std::endl;
    return 2;
  }
}
