#include "call_account.hpp"

#include <algorithm>
#include <utility>

#include "records.hpp"

namespace agw::iq {

namespace {

constexpr std::size_t most_names = 8;

bool is_of_core(const gateway::gateway_event& e) { return e.layer == gateway::layer::tcp || e.layer == gateway::layer::tls; }

}  // namespace

bool call_account::begin(clock::time_point now, std::string controller) {
  if (since_) return false;
  since_ = now;
  controller_ = std::move(controller);
  return true;
}

void call_account::happened(const gateway::gateway_event& event) {
  using kind = gateway::gateway_event::kind;
  if (held_ > 0) return;
  const auto same = [&](const std::optional<ending>& e) {
    return e && e->termination == event.termination && e->stream == event.stream && e->stage == event.stage;
  };
  switch (event.what) {
    case kind::established:
      if (same(failure_)) failure_.reset();
      if (same(end_)) end_.reset();
      if (!end_) ended_first_ = false;
      break;
    case kind::failed:
      if (!failure_) failure_ = ending{event.termination, event.stream, event.stage, event.cause};
      break;
    case kind::released:
      if (end_) break;
      end_ = ending{event.termination, event.stream, event.stage, is_of_core(event) ? "core" : "wic"};
      ended_first_ = !failure_;
      break;
    case kind::candidate:
    case kind::latched: break;
  }
}

std::string_view call_account::cause() const noexcept {
  // A layer that its peer has closed takes others along: what comes behind the end is no cause.
  if (end_ && (!failure_ || ended_first_)) return end_->cause;
  return failure_ ? std::string_view(failure_->cause) : std::string_view();
}

void add_octets(call_octets& to, std::string& wic, std::string& core, const termination_record& termination, const gateway::termination_statistics& counted) {
  for (const auto& [n, s] : counted) {
    const auto known = termination.streams.find(n.value);
    if (known == termination.streams.end()) continue;
    switch (known->second.kind) {
      case stream_kind::association:
        if (!s.peer.empty()) wic = s.peer;
        break;
      case stream_kind::channel:
        to.to_wic += s.octets_sent;
        to.from_wic += s.octets_received;
        break;
      case stream_kind::bearer:
        if (!s.peer.empty()) core = s.peer;
        to.to_core += s.octets_sent;
        to.from_core += s.octets_received;
        break;
    }
  }
}

void call_account::count(const termination_record& termination, const gateway::termination_statistics& counted) {
  add_octets(octets_, wic_, core_, termination, counted);
  if (names_.size() < most_names && std::ranges::find(names_, termination.name) == names_.end()) names_.push_back(termination.name);
}

bool call_account::carried(const call_octets& so_far, clock::time_point now) {
  const bool one_sided = (so_far.forward() > 0) != (so_far.backward() > 0);
  if (!one_sided) one_sided_since_.reset();
  else if (!one_sided_since_) one_sided_since_ = now;
  const bool is = one_sided && now - *one_sided_since_ >= one_way_after;
  return std::exchange(one_way_, is) != is;
}

std::string call_account::terminations() const {
  std::string out;
  for (const auto& name : names_) out.append(out.empty() ? "" : ",").append(name);
  return out;
}

}  // namespace agw::iq
