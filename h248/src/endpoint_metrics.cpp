#include "endpoint_metrics.hpp"

namespace agw::h248 {
namespace {

const char* to_text(direction way) noexcept { return way == direction::sent ? "sent" : "received"; }

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

std::string result_word(const transaction_reply& reply) {
  const auto* error = first_error(reply);
  if (error == nullptr) return "ok";
  // A peer chooses the number: only known ones become labels.
  if (to_text(error->code).empty()) return "other";
  return std::to_string(static_cast<unsigned>(error->code));
}

endpoint_metrics::endpoint_metrics(agw::metrics* metrics) : metrics_(metrics) {
  if (metrics_ == nullptr) return;
  for (const auto way : {direction::sent, direction::received}) {
    messages_[static_cast<std::size_t>(way)] =
        &metrics_->counter("agw_h248_messages_total", "H.248 messages by direction", {{"direction", to_text(way)}});
  }
  retransmissions_ = &metrics_->counter("agw_h248_retransmissions_total", "Requests sent again because no reply came in time");
  repeated_ = &metrics_->counter("agw_h248_repeated_requests_total", "Requests of peers that came again and were not executed again");
  pendings_ = &metrics_->counter("agw_h248_pendings_sent_total", "TransactionPendings sent because an execution took long");
}

void endpoint_metrics::transaction(direction way, std::string_view command, const std::string& result) {
  if (metrics_ == nullptr) return;
  auto& c = transactions_[std::tuple(way, command, result)];
  if (c == nullptr) {
    const metric_labels labels{{"command", std::string(command)}, {"result", result}, {"direction", to_text(way)}};
    c = &metrics_->counter("agw_h248_transactions_total", "H.248 transactions by first command, result and direction of the request", labels);
  }
  c->Increment();
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
