#include "ice/family_sockets.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/experimental/parallel_group.hpp>

#include "agw/core/metrics.hpp"
#include "agw/core/until.hpp"

namespace agw::ice {

family_sockets::family_sockets(std::unique_ptr<packet_port> first, std::unique_ptr<packet_port> second)
    : first_(std::move(first)), second_(std::move(second)) {}

udp::traffic family_sockets::counted() const noexcept {
  auto out = first_->counted();
  if (second_) out += second_->counted();
  return out;
}

std::span<const udp::arrival> family_sockets::receive() {
  if (!second_) return first_->receive();
  second_next_ = !second_next_;
  auto& one = second_next_ ? *second_ : *first_;
  auto& other = second_next_ ? *first_ : *second_;
  const auto arrivals = one.receive();
  return arrivals.empty() ? other.receive() : arrivals;
}

// A wait that loses the race loses nothing: what has come stays in the kernel's buffer.
awaitable<void> family_sockets::wait_readable() { return second_ ? wait_for_either() : first_->wait_readable(); }

awaitable<void> family_sockets::wait_for_either() {
  auto executor = co_await asio::this_coro::executor;
  auto one = detail::settle<void>(first_->wait_readable());
  auto other = detail::settle<void>(second_->wait_readable());
  auto group = asio::experimental::make_parallel_group(asio::co_spawn(executor, std::move(one), asio::deferred),
                                                       asio::co_spawn(executor, std::move(other), asio::deferred));
  auto [order, one_thrown, one_ended, other_thrown, other_ended] =
      co_await group.async_wait(asio::experimental::wait_for_one(), use_awaitable);
  const auto& first_error = order[0] == 0 ? one_ended.error : other_ended.error;
  const auto& thrown = order[0] == 0 ? one_thrown : other_thrown;
  if (thrown) std::rethrow_exception(thrown);
  if (first_error) std::rethrow_exception(first_error);
}

void family_sockets::rest(std::function<bool()> look) {
  if (second_) second_->rest(look);
  first_->rest(std::move(look));
}

void family_sockets::stir() {
  first_->stir();
  if (second_) second_->stir();
}

std::vector<udp::endpoint> family_sockets::of_family(std::span<const udp::endpoint> sources, const packet_port& port) {
  std::vector<udp::endpoint> out;
  for (const auto& s : sources) {
    if (s.address().is_v6() == port.local().address().is_v6()) out.push_back(s);
  }
  return out;
}

void family_sockets::admit(std::span<const udp::endpoint> sources) {
  first_->admit(of_family(sources, *first_));
  if (second_) second_->admit(of_family(sources, *second_));
}

bool family_sockets::name(std::string_view ufrag) { return first_->name(ufrag) && (!second_ || second_->name(ufrag)); }

bool family_sockets::claim(std::span<const udp::endpoint> sources) {
  const bool first = first_->claim(of_family(sources, *first_));
  return second_ ? second_->claim(of_family(sources, *second_)) && first : first;
}

void family_sockets::admit_all() noexcept {
  first_->admit_all();
  if (second_) second_->admit_all();
}

std::uint32_t family_sockets::kernel_drops() const noexcept { return first_->kernel_drops() + (second_ ? second_->kernel_drops() : 0); }

bool family_sockets::reaches(const udp::endpoint& to) const noexcept {
  const bool v6 = to.address().is_v6();
  return first_->local().address().is_v6() == v6 || (second_ && second_->local().address().is_v6() == v6);
}

packet_port* family_sockets::of_family(const udp::endpoint& to) noexcept {
  if (first_->local().address().is_v6() == to.address().is_v6()) return first_.get();
  return reaches(to) ? second_.get() : nullptr;
}

void family_sockets::send(const datagram_batch& batch, const udp::endpoint& to) {
  if (auto* const socket = of_family(to)) return socket->send(batch, to);
  count_drop("udp", "unreachable", batch.size());
}

void family_sockets::send(bytes_view datagram, const udp::endpoint& to) {
  if (auto* const socket = of_family(to)) return socket->send(datagram, to);
  count_drop("udp", "unreachable");
}

void family_sockets::allow_fragments(bool allowed) noexcept {
  first_->allow_fragments(allowed);
  if (second_) second_->allow_fragments(allowed);
}

bool family_sockets::set_dscp(unsigned dscp) noexcept {
  const bool first = first_->set_dscp(dscp);
  return second_ ? second_->set_dscp(dscp) && first : first;
}

}  // namespace agw::ice
