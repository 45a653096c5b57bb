#include "agw/msrp/relay_translator.hpp"

#include <algorithm>
#include <utility>

#include "agw/msrp/error.hpp"

namespace agw::msrp {
namespace {

rechunker_config rechunking(const relay_options& options, std::size_t channel_max_bytes) {
  rechunker_config out;
  out.max_message_bytes = std::min(options.max_message_bytes, channel_max_bytes);
  out.limits = options.limits;
  return out;
}

malformed what(boost::system::error_code error) { return malformed(error.message(), reason(error), error); }

void hand(const outbound& one, relay_output& out) {
  if (one.to == side::wic) return out.to_wic(one.head);
  out.to_core(one.head);
  out.to_core(one.rest);
}

}  // namespace

relay_translator::relay_translator(relay_options options, std::size_t channel_max_bytes)
    : options_(std::move(options)),
      rechunker_(rechunking(options_, channel_max_bytes), options_.paths, splits_, to_wic_),
      checker_(options_.limits, options_.paths, splits_, to_core_, channel_max_bytes) {
  bind_sessions();
}

// A session that another connection has stays its own: requests for it are refused here.
void relay_translator::bind_sessions() {
  auto& paths = options_.paths;
  if (!options_.sessions || paths.mode == relay_mode::agnostic) return;
  paths.sessions = options_.sessions.get();
  wic_session_ = options_.sessions->bind(last_uri(paths.wic.own));
  core_session_ = options_.sessions->bind(last_uri(paths.core.own));
  paths.wic.in_use = !wic_session_.holds();
  // The controller may have given both sides one path.
  const bool shared = wic_session_.holds() && equivalent(last_uri(paths.wic.own), last_uri(paths.core.own));
  paths.core.in_use = !core_session_.holds() && !shared;
}

translator::outcome relay_translator::from_wic(const message& m, relay_output& out) {
  const auto made = checker_.check(m.bytes);
  if (!made) return what(made.error());
  if (*made) hand(**made, out);
  return {};
}

translator::outcome relay_translator::from_core(bytes_view& in, relay_output& out) {
  const auto made = rechunker_.next(in);
  if (!made) return what(made.error());
  if (*made) hand(**made, out);
  return {};
}

translator::outcome relay_translator::closed(side from, relay_output& out) {
  if (from == side::wic) return {};
  if (const auto last = rechunker_.finish()) hand(*last, out);
  return {};
}

relay_units relay_translator::units() const {
  relay_units out;
  out.forwarded = to_wic_.chunks + to_core_.chunks;
  out.rejected = to_wic_.rejected + to_core_.rejected;
  return out;
}

}  // namespace agw::msrp
