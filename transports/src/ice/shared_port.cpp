#include "agw/transports/shared_port.hpp"

#include <algorithm>
#include <array>

#include <boost/asio/execution/context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/query.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "agw/core/metrics.hpp"
#include "ice/lane.hpp"
#include "ice/lane_table.hpp"

namespace agw::ice {

namespace {

// What a thousand calls may send while the shard is busy; rmem_max bounds it for others than root.
constexpr int socket_buffer_bytes = 16 << 20;
// As much as a socket of its own keeps for a call.
constexpr std::size_t max_lane_bytes = 1 << 20;
// A lane that has nothing keeps no more memory than this.
constexpr std::size_t max_kept_bytes = 4096;
constexpr std::size_t max_names = 3;  // of the credentials now, and of restarts that are under way

const void* loop_of(const loop_executor& executor) { return &asio::query(executor, asio::execution::context); }

}  // namespace

lane::~lane() {
  for (const auto& n : names_) owner_.table_->forget_name(n, *this);
  for (const auto& s : sources_) owner_.table_->let_go(s, *this);
}

bool lane::take(const udp::arrival& a) {
  if (waiting_.datagrams.bytes() + a.bytes.size() > max_lane_bytes) return false;
  waiting_.datagrams.push(a.bytes);
  waiting_.sources.push_back(*a.source);
  traffic_.bytes_in += a.bytes.size();
  ++traffic_.datagrams_in;
  return true;
}

void lane::look() {
  if (!look_ || look_()) readable_.set();
}

std::span<const udp::arrival> lane::receive() {
  views_.clear();
  const bool much = reading_.datagrams.bytes() > max_kept_bytes;
  reading_.datagrams.clear();
  reading_.sources.clear();
  if (waiting_.datagrams.empty()) {
    if (much) {
      reading_ = {};
      waiting_ = {};
      views_.shrink_to_fit();
    }
    return {};
  }
  std::swap(waiting_, reading_);
  for (std::size_t i = 0; i < reading_.sources.size(); ++i) {
    udp::arrival a;
    a.bytes = reading_.datagrams[i];
    a.source = &reading_.sources[i];
    views_.push_back(a);
  }
  return views_;
}

awaitable<void> lane::wait_readable() {
  if (waiting_.datagrams.empty()) co_await readable_.wait();
}

void lane::send(const datagram_batch& batch, const udp::endpoint& to) {
  owner_.become(dscp_, fragments_);
  owner_.socket_.send(batch, to);
  traffic_.datagrams_out += batch.size();
  traffic_.bytes_out += batch.bytes();
}

void lane::send(bytes_view datagram, const udp::endpoint& to) {
  owner_.become(dscp_, fragments_);
  owner_.socket_.send(datagram, to);
  ++traffic_.datagrams_out;
  traffic_.bytes_out += datagram.size();
}

bool lane::set_dscp(unsigned dscp) noexcept {
  const auto before = std::exchange(dscp_, dscp);
  if (owner_.become(dscp_, fragments_)) return true;
  dscp_ = before;
  return false;
}

bool lane::name(std::string_view ufrag) {
  if (std::ranges::find(names_, ufrag) != names_.end()) return true;
  if (!owner_.table_->name(ufrag, *this)) return false;
  names_.emplace_back(ufrag);
  if (names_.size() > max_names) {
    owner_.table_->forget_name(names_.front(), *this);
    names_.erase(names_.begin());
  }
  return true;
}

bool lane::claim(std::span<const udp::endpoint> sources) {
  std::erase_if(sources_, [&](const udp::endpoint& s) {
    if (std::ranges::find(sources, s) != sources.end()) return false;
    owner_.table_->let_go(s, *this);
    return true;
  });
  bool all = true;
  for (const auto& s : sources) {
    if (std::ranges::find(sources_, s) != sources_.end()) continue;
    if (owner_.table_->claim(s, *this)) sources_.push_back(s);
    else all = false;
  }
  return all;
}

shared_port::shared_port(udp::socket socket) : socket_(std::move(socket)), table_(std::make_unique<lane_table>()) {}

shared_port::~shared_port() { count_kernel_drops(); }

result<std::unique_ptr<shared_port>> shared_port::open(loop_executor executor, const asio::ip::address& address, port_pool& ports) {
  udp::socket_config config;
  config.receive_buffer_bytes = config.send_buffer_bytes = socket_buffer_bytes;
  auto socket = udp::socket::open(std::move(executor), address, ports, config);
  if (!socket) return socket.error();
  return std::unique_ptr<shared_port>(new shared_port(std::move(*socket)));
}

std::size_t shared_port::lanes() const noexcept { return table_->names(); }

bool shared_port::become(unsigned dscp, bool fragments) {
  if (fragments != fragments_) socket_.allow_fragments(fragments_ = fragments);
  if (dscp == dscp_) return true;
  if (!socket_.set_dscp(dscp)) return false;
  dscp_ = dscp;
  return true;
}

// Data may stand right behind the first check of its source, which the lane's agent has yet to verify: the agent sees it behind that check, and judges.
void shared_port::dispatch(std::span<const udp::arrival> arrivals) {
  struct hint {
    const udp::endpoint* source = nullptr;
    lane* to = nullptr;
  };
  std::array<hint, 32> hints;
  std::size_t used = 0;
  for (const auto& a : arrivals) {
    bool named = false;
    auto* to = table_->find(a.bytes, *a.source, named);
    if (named && to && used < hints.size()) hints[used++] = {a.source, to};
    if (!named && !to) {
      const auto found = std::find_if(hints.begin(), hints.begin() + used, [&](const hint& h) { return *h.source == *a.source; });
      if (found != hints.begin() + used) to = found->to;
    }
    if (!to && named) count_drop("ice", "unknown-ufrag");
    else if (!to) count_drop("ice", "unverified");
    else if (!to->take(a)) count_drop("ice", "lane-full");
    else if (to->holds_one()) due_.push_back(to);
  }
  // Behind the last: what they read may lie where the arrivals lie.
  for (auto* const at : std::exchange(due_, {})) at->look();
}

void shared_port::count_kernel_drops() {
  const auto now = socket_.kernel_drops();
  if (const auto lost = now - std::exchange(kernel_drops_, now); lost != 0) count_drop("udp", "kernel", lost);
}

awaitable<void> shared_port::run() {
  constexpr auto drops_interval = std::chrono::seconds(1);
  auto executor = co_await asio::this_coro::executor;
  auto count_at = clock::now();
  for (;;) {
    const auto arrivals = socket_.receive();
    dispatch(arrivals);
    if (!arrivals.empty()) {
      // The lanes have their turn before more comes.
      co_await asio::post(executor, use_awaitable);
      continue;
    }
    if (const auto now = clock::now(); now >= count_at) {
      count_kernel_drops();
      count_at = now + drops_interval;
    }
    co_await socket_.wait_readable();
  }
}

result<shared_port*> shared_ports::open(loop_executor executor, const asio::ip::address& address, port_pool& ports) {
  auto opened = shared_port::open(executor, address, ports);
  if (!opened) return opened.error();
  entries_.push_back({executor, std::move(*opened)});
  return entries_.back().port.get();
}

shared_port* shared_ports::find(const loop_executor& executor, const asio::ip::address& address) const {
  for (const auto& e : entries_) {
    if (loop_of(e.executor) == loop_of(executor) && e.port->local().address() == address) return e.port.get();
  }
  return nullptr;
}

}  // namespace agw::ice
