// A network in memory for endpoints under test: delivers in order, one turn of the loop later, unless the test has cut a host off.
#pragma once

#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>

#include <boost/asio/post.hpp>

#include <agw/core/scope_guard.hpp>
#include <agw/core/until.hpp>
#include <agw/h248/link.hpp>

namespace agw::h248::test {

class memory_network {
 public:
  explicit memory_network(loop_executor executor) : executor_(std::move(executor)) {}

  static peer_address at(const char* host, transport via = transport::udp) { return {via, asio::ip::make_address(host), 2944}; }
  std::unique_ptr<message_link> open(const peer_address& address);

  std::set<asio::ip::address> cut_off;  // neither send nor receive
  std::size_t lose_next = 0;            // so many messages get lost

 private:
  friend class memory_link;
  void deliver(const peer_address& from, const peer_address& to, std::string text);

  loop_executor executor_;
  std::map<peer_address, message_link::receiver*> receivers_;
};

class memory_link final : public message_link {
 public:
  memory_link(memory_network& network, const peer_address& address) : network_(network), address_(address) {}
  transport kind() const noexcept override { return address_.via; }
  peer_address local() const override { return address_; }
  bool reliable() const noexcept override { return false; }
  std::size_t max_message_bytes() const noexcept override { return 65507; }
  awaitable<void> run(receiver on_message, state_observer) override {
    // Another link at that address is not heard as long as this one is there.
    auto& heard = network_.receivers_[address_];
    const auto before = std::exchange(heard, &on_message);
    const scope_guard unlist([&] { heard = before; });
    co_await sleep_until(no_deadline);
  }
  bool send(const peer_address& to, std::string_view text) override {
    network_.deliver(address_, to, std::string(text));
    return true;
  }

 private:
  memory_network& network_;
  peer_address address_;
};

inline std::unique_ptr<message_link> memory_network::open(const peer_address& address) {
  return std::make_unique<memory_link>(*this, address);
}

inline void memory_network::deliver(const peer_address& from, const peer_address& to, std::string text) {
  if (lose_next > 0) {
    --lose_next;
    return;
  }
  asio::post(executor_, [this, from, to, t = std::move(text)]() mutable {
    if (cut_off.contains(from.host) || cut_off.contains(to.host)) return;
    if (const auto at = receivers_.find(to); at != receivers_.end() && at->second) (*at->second)(from, std::move(t));
  });
}

}  // namespace agw::h248::test
