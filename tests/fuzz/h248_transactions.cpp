// Any order of requests, replies, acknowledgements and time: the tables stay within their limits, and nothing is left in the end.
#include <cstdint>
#include <cstdlib>

#include <agw/h248/transaction_machine.hpp>

using namespace agw;
using namespace agw::h248;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  transaction_config c;
  c.max_running = 8, c.max_running_per_peer = 5, c.max_remembered = 12, c.max_remembered_bytes = 100, c.max_peers = 3;
  c.sent_pending_limit = c.received_pending_limit = 2, c.max_requests = 6;
  transaction_machine machine(c, 1);
  auto& replies = machine.replies();
  auto& requests = machine.requests();
  machine.outbox().set_sender(mid_name::parse("mg").value(), layout::compact);
  const mid senders[] = {{mid::form::device, "a"}, {mid::form::device, "b"}, {mid::form::device, "c"}, {mid::form::device, "d"}};
  const peer_address peer{transport::udp, asio::ip::make_address("10.0.0.1"), 2944};
  const auto text = std::make_shared<const std::string>("T=1{}");
  clock::time_point now{std::chrono::seconds(100)};
  std::vector<outgoing_message> out;
  transaction_id own{};
  execution_id last = 0;
  bool bounded = true;
  for (std::size_t i = 0; bounded && i + 1 < size; i += 2) {
    const mid& from = senders[data[i] >> 6];
    const unsigned n = data[i + 1];
    switch (data[i] % 10) {
      case 0: last = std::max(last, replies.on_request(peer, from, 3, {n % 16 + 1}, n >> 6, now)); break;
      case 1: replies.answer(last - std::min<execution_id>(last, n % 16), transaction_reply{}, now); break;
      case 2: replies.forget(last - std::min<execution_id>(last, n % 16)); break;
      case 3: replies.on_ack(from, ack_range{{n % 16}, {n % 16 + n / 16}}, now); break;
      case 4: own = requests.next_id(), (void)requests.start(peer, 3, own, text, now); break;
      case 5: requests.on_reply(peer, 3, {own.value - n % 8}, (n & 64) != 0, now); break;
      case 6: requests.on_pending(peer, {own.value - n % 8}, now); break;
      case 7: (n & 64) != 0 ? requests.disconnected(peer, now) : requests.connected(peer, now); break;
      default: now += std::chrono::milliseconds(40) * n, machine.expire(now), machine.outbox().flush(out, now), out.clear();
    }
    bounded = replies.running() <= 8 && replies.remembered() <= 12 && replies.remembered_bytes() <= 100 && requests.size() <= 6;
  }
  for (; machine.next_deadline() != no_deadline; machine.expire(now)) now = std::max(now, machine.next_deadline());
  if (!bounded || requests.size() + replies.running() + replies.remembered() + replies.remembered_bytes() != 0) std::abort();
  return 0;
}
