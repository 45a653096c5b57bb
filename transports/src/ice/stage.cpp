#include "agw/transports/ice_stage.hpp"

#include "agw/core/log.hpp"
#include "agw/core/metrics.hpp"
#include "ice/endpoints.hpp"

namespace agw::ice {

namespace {

// A peer needs a handful; libnice takes no more than this either (NICE_AGENT_MAX_REMOTE_CANDIDATES).
constexpr std::size_t max_remote_candidates = 25;

}  // namespace

std::vector<candidate> usable_candidates(const remote_parameters& remote) {
  std::vector<candidate> out;
  const std::string* first = nullptr;
  for (const auto& value : remote.candidates) {
    result<std::optional<candidate>> parsed = std::optional<candidate>();
    if (out.size() < max_remote_candidates) parsed = parse_candidate(value);
    if (parsed && *parsed) {
      out.push_back(std::move(**parsed));
    } else if (!first) {
      first = &value;
    }
  }
  if (first) {
    const auto passed_over = remote.candidates.size() - out.size();
    count_drop("ice", "candidate", passed_over);
    log::debug("ice: {} of {} candidates cannot be used, the first of these is {}", passed_over, remote.candidates.size(), log::printable(*first));
  }
  return out;
}

result<std::unique_ptr<endpoint>> reserve(loop_executor executor, const config& settings, port_pool& ports) {
  if (settings.local_address.is_unspecified() && !settings.advertised_address) return error_code(asio::error::invalid_argument);
  if (settings.use_ice && settings.mode == agent_mode::full) return reserve_full(std::move(executor), settings, ports);
  return reserve_lite(std::move(executor), settings, ports);
}

awaitable<std::unique_ptr<datagram_pipe>> connect(task_group& tasks, endpoint& local, remote_parameters remote) {
  return local.connect(tasks, std::move(remote));
}

}  // namespace agw::ice
