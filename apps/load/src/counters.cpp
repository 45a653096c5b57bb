#include "counters.hpp"

namespace agw::load {

namespace {

void add(direction_counts& to, const direction_tally& t) noexcept {
  to.messages_received += t.messages_received.get();  // first what is behind: never more received than sent
  to.bytes_received += t.bytes_received.get();
  to.messages_sent += t.messages_sent.get();
  to.bytes_sent += t.bytes_sent.get();
  to.misplaced += t.misplaced.get();
}

direction_counts minus(const direction_counts& a, const direction_counts& b) noexcept {
  direction_counts out = a;
  out.messages_sent -= b.messages_sent;
  out.bytes_sent -= b.bytes_sent;
  out.messages_received -= b.messages_received;
  out.bytes_received -= b.bytes_received;
  out.misplaced -= b.misplaced;
  return out;
}

}  // namespace

void load_counts::add(const crew_tally& t) noexcept {
  calls_begun += t.calls_begun.get();
  calls_up += t.calls_up.get();
  calls_failed += t.calls_failed.get();
  calls_ended += t.calls_ended.get();
  standing += t.standing.get();
  unsent += t.unsent.get();
  load::add(up, t.up);
  load::add(down, t.down);
}

load_counts operator-(const load_counts& now, const load_counts& before) noexcept {
  load_counts out = now;
  out.calls_begun -= before.calls_begun;
  out.calls_up -= before.calls_up;
  out.calls_failed -= before.calls_failed;
  out.calls_ended -= before.calls_ended;
  out.unsent -= before.unsent;
  out.up = minus(now.up, before.up);
  out.down = minus(now.down, before.down);
  return out;
}

void crew_latencies::add(const crew_latencies& other) {
  up.add(other.up);
  down.add(other.down);
  setup.add(other.setup);
  for (const auto& [name, h] : other.stages) stages[name].add(h);
  for (const auto& [cause, n] : other.causes) causes[cause] += n;
}

}  // namespace agw::load
