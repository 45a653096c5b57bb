// The command line of agw-load.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <boost/asio/ip/address.hpp>

#include "agw/core/clock.hpp"
#include "agw/core/settings.hpp"
#include "agw/h248/link_address.hpp"
#include "mgc.hpp"

namespace agw::load {

enum class scenario : std::uint8_t { bulk_up, bulk_down, messages, setup, idle, churn };
std::string_view name_of(scenario s) noexcept;

enum class direction : std::uint8_t { up, down, both };  ///< up: from the WICs to the core

struct load_options {
  load::scenario scenario = scenario::idle;
  bool sweep = false;
  std::size_t sessions = 1;     ///< calls that stand, or, of setup, that are set up at a time
  double rate = 0;              ///< messages or calls a second; 0: as fast as it goes
  std::size_t size = 0;         ///< octets of a message's body
  direction way = direction::both;
  clock::duration duration = std::chrono::seconds(10);
  std::uint64_t calls = 0;      ///< of setup and churn: end after so many; 0: by duration
  clock::duration rtt{};
  std::size_t concurrency = 32; ///< of calls that are set up or released before and behind what is measured
  std::size_t buffer_bytes = 0; ///< SCTP's, each way, of a WIC; 0: by the scenario
  std::size_t mtu = 1200;       ///< largest UDP payload of a WIC
  std::uint16_t sctp_port = 0;  ///< of all WICs; 0: each has its own
  bool dcep = false;
  double p99_ms = 5;            ///< of sweep
  double precision = 0.05;      ///< of sweep: when the bounds are that close

  std::vector<h248::peer_address> h248;
  asio::ip::address access;     ///< of the WICs
  asio::ip::address core;       ///< of the core peers
  gateway_names names;
  std::string start;            ///< path of an agw-server that is started
  std::string config;           ///< its configuration file; empty: one is written
  int server_pid = 0;
  clock::duration patience = std::chrono::seconds(45);  ///< for the gateway to register

  std::string json;             ///< a file, or - for standard output
  bool quiet = false;
  unsigned threads = 0;         ///< 0: one for each core
  std::string log_level = "error";

  std::size_t buffers() const noexcept;
  unsigned shards() const noexcept;
};

/// --help and --version end with 0, what cannot be used with 2.
std::optional<early_exit> parse(load_options& out, int argc, const char* const* argv);

}  // namespace agw::load
