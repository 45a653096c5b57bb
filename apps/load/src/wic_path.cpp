#include "wic_path.hpp"

#include <boost/asio/post.hpp>

#include "agw/core/error.hpp"
#include "agw/core/metrics.hpp"
#include "agw/core/until.hpp"

namespace agw::load {

namespace {
// After so many batches without a wait other tasks of the loop run.
constexpr unsigned busy_batches = 8;
}  // namespace

result<std::unique_ptr<wic_path>> wic_path::open(loop_executor executor, const asio::ip::address& address, port_pool& ports, clock::duration rtt,
                                                 std::size_t max_datagram_bytes) {
  udp::socket_config buffers;
  buffers.receive_buffer_bytes = 4 << 20;  // nothing is to be lost here
  auto socket = udp::socket::open(std::move(executor), address, ports, buffers);
  if (!socket) return socket.error();
  return std::unique_ptr<wic_path>(new wic_path(std::move(*socket), rtt, max_datagram_bytes));
}

wic_path::wic_path(udp::socket socket, clock::duration rtt, std::size_t max_datagram_bytes)
    : socket_(std::move(socket)), max_datagram_bytes_(max_datagram_bytes) {
  if (rtt > clock::duration(0)) delayed_ = std::make_unique<lines>(rtt / 2);
}

awaitable<void> wic_path::connect(task_group& tasks, const udp::endpoint& gateway, ice::credentials theirs, std::uint64_t tie_breaker) {
  gateway_ = gateway;
  ice_client_config config;
  config.own = credentials_;
  config.gateway = std::move(theirs);
  config.tie_breaker = tie_breaker;
  client_.emplace(std::move(config), clock::now());
  if (delayed_) {
    tasks.spawn("fill", [this] { return fill_lines(); });
    tasks.spawn("empty", [this] { return empty_lines(); });
  }
  tasks.spawn("ice", [this] { return check(); });
  datagram_batch early;  // nothing is due before our ClientHello
  while (client_->now_is() == ice_client::state::checking) {
    if (delayed_) {
      co_await delayed_->arrived.wait();
    } else {
      const bool had_something = read(early);
      if (client_->now_is() == ice_client::state::checking) co_await wait_or_yield(had_something);
    }
  }
  if (client_->now_is() != ice_client::state::nominated) throw stage_error("ice", "failed");
}

// For the life of the path: the first check, its repetitions, and consent.
awaitable<void> wic_path::check() {
  for (;;) {
    const auto due = client_->due();
    if (client_->now_is() == ice_client::state::lost) throw stage_error("ice", "consent");
    if (!due) co_return;
    co_await sleep_until(*due);
    const auto now = clock::now();
    if (const auto request = client_->on_time(now); !request.empty()) transmit(request, now);
  }
}

void wic_path::transmit(bytes_view datagram, clock::time_point now) {
  if (!delayed_) {
    socket_.send(datagram, gateway_);
    return;
  }
  const bool idle = !delayed_->in.due() && !delayed_->out.due();
  if (!delayed_->out.push(datagram, now)) count_drop("load", "delay-line");
  if (idle) delayed_->begun.set();
}

void wic_path::take(bytes_view datagram, clock::time_point now, datagram_batch& into) {
  if (!client_) return;
  switch (client_->on_datagram(datagram, gateway_, now)) {
    case ice_client::verdict::application: into.push(datagram); break;
    case ice_client::verdict::answer: transmit(client_->answer(), now); break;
    case ice_client::verdict::handled: break;
  }
}

// False: nothing was there.
bool wic_path::read(datagram_batch& into) {
  const auto arrivals = socket_.receive();
  if (arrivals.empty()) return false;
  const auto now = clock::now();
  for (const auto& a : arrivals) {
    if (*a.source == gateway_) take(a.bytes, now, into);
  }
  return true;
}

awaitable<void> wic_path::wait_or_yield(bool had_something) {
  if (!had_something) {
    busy_ = 0;
    if (rests_) socket_.rest();
    co_await socket_.wait_readable();
  } else if (++busy_ >= busy_batches) {
    busy_ = 0;
    auto executor = co_await asio::this_coro::executor;
    co_await asio::post(executor, use_awaitable);
  }
}

awaitable<void> wic_path::receive(datagram_batch& into) {
  const auto before = into.size();
  bool had_something = true;
  while (into.size() == before) {
    if (!delayed_) {
      co_await wait_or_yield(had_something);
      had_something = read(into);
      continue;
    }
    while (delayed_->ready.empty()) co_await delayed_->arrived.wait();
    for (std::size_t i = 0; i < delayed_->ready.size(); ++i) into.push(delayed_->ready[i]);
    delayed_->ready.clear();
  }
}

void wic_path::send(const datagram_batch& batch) {
  if (!delayed_) {
    socket_.send(batch, gateway_);
    return;
  }
  const auto now = clock::now();
  for (std::size_t i = 0; i < batch.size(); ++i) transmit(batch[i], now);
}

awaitable<void> wic_path::fill_lines() {
  for (;;) {
    const auto arrivals = socket_.receive();
    const bool idle = !delayed_->in.due() && !delayed_->out.due();
    const auto now = clock::now();
    for (const auto& a : arrivals) {
      if (*a.source == gateway_ && !delayed_->in.push(a.bytes, now)) count_drop("load", "delay-line");
    }
    if (idle && !arrivals.empty()) delayed_->begun.set();
    co_await wait_or_yield(!arrivals.empty());
  }
}

awaitable<void> wic_path::empty_lines() {
  datagram_batch out;
  for (;;) {
    const auto in_due = delayed_->in.due();
    const auto out_due = delayed_->out.due();
    if (!in_due && !out_due) {
      co_await delayed_->begun.wait();
      continue;
    }
    // The delays are equal, so what comes later is due later.
    co_await sleep_until(std::min(in_due.value_or(no_deadline), out_due.value_or(no_deadline)));
    const auto now = clock::now();
    out.clear();
    delayed_->in.pop(now, out);
    for (std::size_t i = 0; i < out.size(); ++i) take(std::as_const(out)[i], now, delayed_->ready);
    if (!out.empty()) delayed_->arrived.set();
    out.clear();
    delayed_->out.pop(now, out);
    if (!out.empty()) socket_.send(out, gateway_);
  }
}

}  // namespace agw::load
