#include "endpoint_metrics.hpp"

namespace agw::h248 {
namespace {

const char* to_text(direction way) noexcept { return way == direction::sent ? "sent" : "received"; }

constexpr errc failures[] = {errc::timed_out, errc::too_many_pendings, errc::too_long,     errc::too_many_requests,
                             errc::stopped,   errc::segments_missing,  errc::disconnected, errc::no_link};

// A peer chooses the number: only known ones become labels.
std::string code_label(error_code code) { return to_text(code).empty() ? "other" : std::to_string(static_cast<unsigned>(code)); }

}  // namespace

std::string_view command_word(const list<action>& actions) noexcept {
  for (const auto& a : actions) {
    if (a.commands.empty()) continue;
    switch (a.commands.front().kind) {
      case command_kind::add: return "add";
      case command_kind::move: return "move";
      case command_kind::modify: return "modify";
      case command_kind::subtract: return "subtract";
      case command_kind::audit_value: return "audit_value";
      case command_kind::audit_capability: return "audit_capability";
      case command_kind::notify: return "notify";
      case command_kind::service_change: return "service_change";
    }
  }
  return "none";
}

std::string_view result_word(const transaction_reply& reply) noexcept { return first_error(reply) == nullptr ? "ok" : "refused"; }

std::string_view result_word(errc why) noexcept {
  switch (why) {
    case errc::timed_out: return "timed_out";
    case errc::too_many_pendings: return "too_many_pendings";
    case errc::too_long: return "too_long";
    case errc::too_many_requests: return "too_many_requests";
    case errc::stopped: return "stopped";
    case errc::segments_missing: return "segments_missing";
    case errc::disconnected: return "disconnected";
    default: return "other";
  }
}

endpoint_metrics::endpoint_metrics(agw::metrics* metrics) : metrics_(metrics) {
  if (metrics_ == nullptr) return;
  static const std::vector<double> buckets{.0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30};
  for (const auto way : {direction::sent, direction::received}) {
    const auto i = static_cast<std::size_t>(way);
    const metric_labels labels{{"direction", to_text(way)}};
    messages_[i] = &metrics_->counter("agw_h248_messages_total", "H.248 messages, by direction.", labels);
    latencies_[i] = &metrics_->histogram("agw_h248_latency_seconds",
                                         "Time from an H.248 request to its reply, in seconds, by the direction of the request.", labels, buckets);
    for (const auto* command : {"add", "move", "modify", "subtract", "audit_value", "audit_capability", "notify", "service_change", "none"}) {
      transaction_counter(way, command, "ok");
      transaction_counter(way, command, "refused");
      if (way == direction::received) continue;
      for (const auto why : failures) transaction_counter(way, command, result_word(why));
    }
  }
  for (const auto& known : error_code_table()) {
    if (known.given_by != 0) error_counter(std::to_string(known.code));
    peer_error_counter(std::to_string(known.code));
  }
  peer_error_counter("other");
  retransmissions_ = &metrics_->counter("agw_h248_retransmissions_total", "H.248 requests sent again because no reply came in time.");
  repeated_ = &metrics_->counter("agw_h248_repeated_requests_total", "H.248 requests of peers that came again and were not executed again.");
  pendings_ = &metrics_->counter("agw_h248_pendings_sent_total", "TransactionPendings sent because an execution took long.");
  metrics_->declare_resource("transactions");
}

counter& endpoint_metrics::transaction_counter(direction way, std::string_view command, std::string_view result) {
  auto& c = transactions_[std::tuple(way, command, result)];
  if (c == nullptr) {
    const metric_labels labels{{"command", std::string(command)}, {"result", std::string(result)}, {"direction", to_text(way)}};
    c = &metrics_->counter("agw_h248_transactions_total", "H.248 transactions, by first command, result and direction of the request.", labels);
  }
  return *c;
}

counter& endpoint_metrics::error_counter(const std::string& code) {
  auto& c = errors_[code];
  if (c == nullptr) c = &metrics_->counter("agw_h248_errors_total", "H.248 commands that were refused, by error code.", {{"code", code}});
  return *c;
}

counter& endpoint_metrics::peer_error_counter(const std::string& code) {
  auto& c = peer_errors_[code];
  if (c == nullptr) c = &metrics_->counter("agw_h248_peer_errors_total", "H.248 requests of ours that the peer refused, by the first error code.", {{"code", code}});
  return *c;
}

void endpoint_metrics::latency(direction way, clock::duration took) {
  if (metrics_ != nullptr) latencies_[static_cast<std::size_t>(way)]->Observe(std::chrono::duration<double>(took).count());
}

void endpoint_metrics::refused(error_code code) {
  if (metrics_ != nullptr) error_counter(code_label(code)).Increment();
}

void endpoint_metrics::refused_by_peer(error_code code) {
  if (metrics_ != nullptr) peer_error_counter(code_label(code)).Increment();
}

void endpoint_metrics::ran_short_of(std::string_view resource) {
  if (metrics_ != nullptr) metrics_->ran_short_of(resource);
}

void endpoint_metrics::transaction(direction way, std::string_view command, std::string_view result) {
  if (metrics_ != nullptr) transaction_counter(way, command, result).Increment();
}

void endpoint_metrics::message(direction way) {
  if (metrics_ != nullptr) messages_[static_cast<std::size_t>(way)]->Increment();
}

void endpoint_metrics::advance(counter* c, std::uint64_t& seen, std::uint64_t now) {
  if (now > seen) c->Increment(static_cast<double>(now - seen));
  seen = now;
}

void endpoint_metrics::take(const transaction_machine& machine) {
  if (metrics_ == nullptr) return;
  advance(retransmissions_, seen_[0], machine.requests().retransmissions());
  advance(repeated_, seen_[1], machine.replies().repeated_requests());
  advance(pendings_, seen_[2], machine.replies().pendings());
}

}  // namespace agw::h248
