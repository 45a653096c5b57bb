// Statistics, as Subtract and audits return them.
#include <algorithm>

#include "audits.hpp"

namespace agw::iq {

namespace {

h248::statistic counted(h248::action_state& at, std::string_view package, std::string_view item, std::uint64_t value) {
  h248::statistic out;
  out.name = h248::item_name{package, item};
  out.values = h248::one(at.keep(std::to_string(value)));
  return out;
}

template <class T>
void add_to(std::optional<T>& sum, const std::optional<T>& more) {
  if (more) sum = sum.value_or(0) + *more;
}

}  // namespace

h248::statistics_descriptor statistics_of(h248::action_state& at, const gateway::stream_statistics& s,
                                          const h248::list<h248::item_name>& only) {
  h248::statistics_descriptor out;
  out.entries.push_back(counted(at, "nt", "os", s.octets_sent));
  out.entries.push_back(counted(at, "nt", "or", s.octets_received));
  out.entries.push_back(counted(at, "nt", "dur", static_cast<std::uint64_t>(s.duration.count())));
  if (s.srtt_ms) out.entries.push_back(counted(at, "sctpbcc", "srtt", *s.srtt_ms));
  if (s.retransmissions) out.entries.push_back(counted(at, "sctpbcc", "rtx", *s.retransmissions));
  if (s.messages_sent) out.entries.push_back(counted(at, "dcep", "ms", *s.messages_sent));
  if (s.messages_received) out.entries.push_back(counted(at, "dcep", "mr", *s.messages_received));
  if (s.chunks_forwarded) out.entries.push_back(counted(at, "agwmsrp", "fwd", *s.chunks_forwarded));
  if (s.chunks_rejected) out.entries.push_back(counted(at, "agwmsrp", "rej", *s.chunks_rejected));
  if (s.packets_discarded) out.entries.push_back(counted(at, "gm", "dp", *s.packets_discarded));
  if (only.empty()) return out;
  h248::statistics_descriptor some;
  for (const auto& entry : out.entries) {
    const bool asked = std::ranges::any_of(only, [&](h248::item_name n) { return n.matches(entry.name); });
    if (asked) some.entries.push_back(entry);
  }
  return some;
}

void answer_statistics(h248::action_state& at, h248::command& answer, const gateway::termination_statistics& counted_streams,
                       const h248::list<h248::item_name>& only) {
  if (counted_streams.empty()) return;
  if (at.request().version() >= 3) {
    h248::media_descriptor media;
    for (const auto& [n, s] : counted_streams) {
      auto& stream = media.streams.emplace_back();
      stream.id = h248::stream_id{n.value};
      stream.parameters.statistics.emplace(statistics_of(at, s, only));
    }
    answer.add(std::move(media));
    return;
  }
  gateway::stream_statistics sum;
  for (const auto& [n, s] : counted_streams) {
    sum.octets_sent += s.octets_sent;
    sum.octets_received += s.octets_received;
    sum.duration = std::max(sum.duration, s.duration);
    if (s.srtt_ms) sum.srtt_ms = s.srtt_ms;
    add_to(sum.retransmissions, s.retransmissions);
    add_to(sum.messages_sent, s.messages_sent);
    add_to(sum.messages_received, s.messages_received);
    add_to(sum.chunks_forwarded, s.chunks_forwarded);
    add_to(sum.chunks_rejected, s.chunks_rejected);
    add_to(sum.packets_discarded, s.packets_discarded);
  }
  answer.add(statistics_of(at, sum, only));
}

}  // namespace agw::iq
