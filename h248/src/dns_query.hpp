// Questions to DNS by c-ares, on the caller's loop.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include <boost/asio/ip/address.hpp>

#include <agw/core/awaitable.hpp>
#include <agw/h248/resolver.hpp>

struct ares_channeldata;

namespace agw::h248::dns {

struct host_answer {
  std::vector<asio::ip::address> addresses;
  std::chrono::seconds ttl{};
};
struct service {
  std::uint16_t priority = 0;
  std::uint16_t weight = 0;
  std::uint16_t port = 0;
  std::string host{};
};
struct service_answer {
  std::vector<service> services;
  std::chrono::seconds ttl{};
};

// One series of questions. Belongs to the frame of the coroutine that asks them, one at a time.
class query {
 public:
  explicit query(const resolver_config& config);
  query(const query&) = delete;
  ~query();

  awaitable<host_answer> addresses(std::string host);
  awaitable<service_answer> services(std::string name);

 private:
  awaitable<void> drive(const bool& done);

  ares_channeldata* channel_ = nullptr;  // null: c-ares has no memory, or not such servers
};

}  // namespace agw::h248::dns
