#include <agw/h248/resolver.hpp>

#include <algorithm>
#include <utility>

#include <agw/h248/error.hpp>

#include "dns_query.hpp"

namespace agw::h248 {
namespace {

constexpr std::size_t most_addresses = 16;
constexpr std::size_t most_targets = 8;

// RFC 2782: by priority, and among equal ones by chance according to their weights.
void put_in_order(std::vector<dns::service>& services, std::mt19937& random) {
  std::ranges::stable_sort(services, {}, &dns::service::priority);
  for (auto first = services.begin(); first != services.end(); ++first) {
    const auto last = std::find_if(first, services.end(), [&](const auto& s) { return s.priority != first->priority; });
    std::uint32_t sum = 0;
    for (auto at = first; at != last; ++at) sum += at->weight;
    const auto chosen = std::uniform_int_distribution<std::uint32_t>(0, sum)(random);
    std::uint32_t passed = 0;
    auto at = first;
    for (; std::next(at) != last; ++at) {
      passed += at->weight;
      if (passed >= chosen) break;
    }
    std::rotate(first, at, std::next(at));
  }
}

// Empty for transports without a name of their own.
std::string service_name(const peer_name& name) {
  if (name.port != default_port(name.via) || name.via == transport::sctp_over_udp) return {};
  return "_megaco-h248._" + std::string(to_text(name.via)) + "." + name.host;
}

void add(std::vector<peer_address>& to, const dns::host_answer& found, transport via, std::uint16_t port) {
  for (const auto& host : found.addresses) {
    const peer_address address{via, host, port};
    if (to.size() < most_addresses && std::ranges::find(to, address) == to.end()) to.push_back(address);
  }
}

}  // namespace

resolver::resolver(resolver_config config) : config_(std::move(config)), random_(std::random_device{}()) {}

awaitable<result<resolver::answer>> resolver::resolve(peer_name name) {
  answer out;
  out.until = no_deadline;
  if (auto known = numeric(name)) {
    out.addresses.push_back(std::move(*known));
    co_return out;
  }
  const auto key = to_text(name);
  std::erase_if(kept_, [now = clock::now()](const auto& one) { return one.second.until <= now; });
  if (const auto at = kept_.find(key); at != kept_.end()) co_return at->second;
  dns::query ask(config_);
  auto ttl = std::chrono::duration_cast<std::chrono::seconds>(config_.longest_kept);
  const auto service_of = service_name(name);
  if (!service_of.empty()) {
    auto found = co_await ask.services(service_of);
    put_in_order(found.services, random_);
    if (found.services.size() > most_targets) found.services.resize(most_targets);
    if (!found.services.empty()) ttl = std::min(ttl, found.ttl);
    for (const auto& s : found.services) {
      if (s.host.empty() || s.host == "." || s.port == 0) continue;  // the service is decidedly not there
      const auto hosts = co_await ask.addresses(s.host);
      if (!hosts.addresses.empty()) ttl = std::min(ttl, hosts.ttl);
      add(out.addresses, hosts, name.via, s.port);
    }
  }
  if (out.addresses.empty()) {
    const auto hosts = co_await ask.addresses(name.host);
    if (!hosts.addresses.empty()) ttl = std::min(ttl, hosts.ttl);
    add(out.addresses, hosts, name.via, name.port);
  }
  if (out.addresses.empty()) co_return make_error_code(errc::bad_address);
  out.until = clock::now() + ttl;
  if (ttl.count() > 0 && kept_.size() < config_.max_kept) kept_.insert_or_assign(key, out);
  co_return out;
}

}  // namespace agw::h248
