// Hostile octets, slow readers, gates and hang-ups from both sides of a stage, MSRP's or lines': it ends when both have hung up, in known words,
// and no message exceeds what the channel takes.
#include <cstdint>
#include <cstdlib>
#include <set>

#include "agw/examples/stages.hpp"
#include "agw/gateway/stages.hpp"
#include "agw/gateway/testing/stage_run.hpp"

using namespace agw;
using namespace std::chrono_literals;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) return 0;
  gateway::subprotocol_registry registry;
  gateway::add_builtin_stages(registry);
  examples::add_stages(registry);
  const std::string name = (data[0] & 1) != 0 ? "lines" : "msrp";
  const std::size_t limit = 100 + std::size_t{data[1]} * 16;
  testing::stage_run run(*registry.find(name), [&](auto& c) { c.wic.limit = limit; });
  auto& c = run.component;
  constexpr stream_mode modes[] = {stream_mode::inactive, stream_mode::send_only, stream_mode::receive_only,
                                   stream_mode::send_receive};
  bool wic_open = true;
  bool core_open = true;
  for (std::size_t at = 2; at < size && !run.ended;) {
    const unsigned what = data[at] & 15, how = data[at] >> 4;
    const std::size_t length = at + 1 < size ? std::min<std::size_t>(data[at + 1], size - at - 2) : 0;
    const std::string_view text(reinterpret_cast<const char*>(data) + std::min(at + 2, size), length);
    at += what < 2 ? 2 + length : 1;
    if (what == 0 && wic_open) c.wic.arrive(text, how == 0 ? message_kind::binary : message_kind::text);
    if (what == 1 && core_open) c.core.arrive(text);
    if (what == 2) c.wic.give_room(how);
    if (what == 3) c.core.give_room(how * 8);
    if (what == 4) c.mode.set(how & 4 ? side::wic : side::core, modes[how & 3]);
    if (what == 5 && std::exchange(wic_open, false)) how & 1 ? c.wic.peer_closes() : c.wic.fail();
    if (what == 6 && std::exchange(core_open, false))
      how & 1 ? c.core.peer_resets() : how & 2 ? c.core.peer_is_gone() : c.core.peer_closes();
    if (what == 7) run.finish();
    if (what == 8) run.advance(std::chrono::milliseconds(how * 4));
    if (what > 8) run.settle();
  }
  c.mode.set(side::wic, stream_mode::send_receive);
  c.mode.set(side::core, stream_mode::send_receive);
  c.wic.give_room(testing::unlimited);
  c.core.give_room(testing::unlimited);
  if (wic_open) c.wic.peer_closes();
  if (core_open) c.core.peer_closes();
  run.advance(600ms);
  const std::set<std::string> words{"", name + ":syntax", name + ":too-large", name + ":timeout", "channel:reset", "tcp:reset"};
  if (!run.ended || !words.contains(run.failure())) std::abort();
  for (const auto& message : c.wic.sent) {
    if (message.size() > limit) std::abort();
  }
  return 0;
}
