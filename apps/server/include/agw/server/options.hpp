// What agw-server can be told by its command line and its configuration file. agw-server.toml lists every key with its default.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <variant>
#include <vector>

#include <boost/asio/ip/tcp.hpp>

#include "agw/core/clock.hpp"
#include "agw/core/log.hpp"
#include "agw/core/settings.hpp"
#include "agw/core/value_kind.hpp"
#include "agw/gateway/services.hpp"
#include "agw/h248/endpoint.hpp"
#include "agw/h248/link_address.hpp"
#include "agw/h248/registration.hpp"
#include "agw/iq/media_gateway.hpp"
#include "agw/transports/tls_stream.hpp"

namespace agw::server {

/// Where the ports come from that connections to the core are dialled from.
struct source_port_choice {
  enum class origin { any, ports, own };
  origin from = origin::any;  ///< the system's choice, those of server_options::ports, or `range`
  port_range range;
};

/// The parts' own configuration structs, filled in: what a part has no key for keeps the part's default.
struct server_options {
  server_options();

  agw::h248::peer_address h248;         ///< --h248: where H.248 is listened on; port 0: the system chooses
  boost::asio::ip::tcp::endpoint http;  ///< --http: metrics and health; port 0: the system chooses
  std::vector<std::string> http_names;  ///< by which metrics are reached, besides addresses, localhost and this machine's name
  port_range ports{20000, 29999};       ///< --ports: of media sockets towards WICs and the core
  bool shared_port = false;             ///< one UDP port for each shard and access address, instead of one for each call
  unsigned threads = 0;                 ///< --threads: shards; 0: one for each core. shards() has the number
  log::config log;                      ///< --log-level; format and file
  std::string config_file;              ///< --config; empty: none

  agw::h248::endpoint_config control;                             ///< mid (empty: the h248 address), version, style, transactions
  agw::h248::registration_config registration;                    ///< MGCs (--mgc), profile, version, delays
  std::map<std::string, std::string> names;                       ///< [h248.names]: package_names' overrides
  gateway::gateway_config gateway;                                ///< ICE mode, consent, MTU, SCTP streams, MSRP
  std::map<std::string, clock::duration, std::less<>> deadlines;  ///< stage_services::deadlines: "ice", "dtls", …
  std::string dtls_certificate;                                   ///< PEM files; empty: self-signed at start
  std::string dtls_key;
  std::size_t sctp_send_memory_mib = 256;       ///< see sctp::stack_config::send_memory_bytes
  clock::duration dtls_certificate_lifetime{};  ///< of a self-signed one, then there is a new one for new streams; 0: as long as the process
  source_port_choice source_ports;              ///< of connections that are dialled to the core
  tls::config tls;                    ///< towards the core
  std::string turn_user;              ///< towards gateway.turn, which parse() completes
  std::string turn_password;
  std::string turn_password_file;     ///< its first line is the password, instead of turn_password
  bool shutdown_graceful = false;            ///< SIGTERM: the calls that stand may end by themselves
  clock::duration shutdown_delay = std::chrono::minutes(10);  ///< graceful: how long they may take; 0: as long as they do
  bool ready_when_registered = false;        ///< the service manager is told READY then; otherwise when everything listens
  std::map<std::string, bool> floating;      ///< by interface: its address comes and goes, so that a start without it is no error
  iq::media_gateway_config iq;  ///< interfaces (--access, --core), group, limits; max_contexts 0 until parse() has fitted it

  /// What parse() read, to see what a later one changes: values by key as they would stand in the file, and the words it was called with.
  std::map<std::string, std::string> values;
  std::vector<std::string> command_line;

  unsigned shards() const;
};

/// The table of settings over `o`, which it refers to.
void declare(settings& table, server_options& o);

/// How many descriptors the configuration needs, in the worst case: each call has a UDP socket for each address of its access interface,
/// one for its passive TCP candidate, where that is configured, and a TCP socket towards the core.
std::size_t descriptors_needed(const server_options& o);

/// "0.1.0 (commit 0123456789ab)".
std::string version_text();

/// Reads the command line, and the file it names. The values are checked together; files of keys are opened.
std::variant<server_options, early_exit> parse(int argc, const char* const* argv);

}  // namespace agw::server
