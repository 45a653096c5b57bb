// Terminations in and out of service: by the MGC's word, and with their interface. User data is held back while one is out.
#include "agw/core/log.hpp"
#include "state.hpp"

namespace agw::iq {

namespace {

gateway::stream_mode mode_of(h248::stream_mode m) {
  switch (m) {
    case h248::stream_mode::send_only: return gateway::stream_mode::send_only;
    case h248::stream_mode::receive_only: return gateway::stream_mode::receive_only;
    case h248::stream_mode::send_receive: return gateway::stream_mode::send_receive;
    case h248::stream_mode::inactive:
    case h248::stream_mode::loopback: break;
  }
  return gateway::stream_mode::inactive;
}

}  // namespace

awaitable<void> state::apply_service(std::shared_ptr<context_record> record, std::shared_ptr<termination_record> termination) {
  gateway::termination_change change;
  change.id = termination->id;
  change.name = termination->name;
  change.address = interface(termination->interface)->address;
  const bool serves = termination->serves();
  for (const auto& [n, stream] : termination->streams) {
    if (!stream.has_local || kind_of_answer(stream) == stream_kind::association) continue;
    change.streams[gateway::stream_number{n}].mode = serves ? mode_of(stream.mode) : gateway::stream_mode::inactive;
  }
  if (change.streams.empty()) co_return;
  if (!record->context) co_return;
  using applied = boost::system::result<gateway::termination_answer, gateway::refusal>;
  auto apply = [context = record->context.get(), change]() -> awaitable<applied> {
    auto copy = change;
    co_return co_await context->apply(std::move(copy));
  };
  const auto done = co_await on(*record->home, apply);
  if (!done) log::error("{}: its service state has no effect: {}", termination->name, done.error().text);
}

awaitable<void> state::put_in_service(placed_terminations all, bool in_service, std::shared_ptr<context_record> entered) {
  for (const auto& [record, termination] : all) {
    termination->service = in_service ? h248::service_state::in_service : h248::service_state::out_of_service;
    turnstile::pass turn;
    if (record != entered) turn = co_await turnstile::enter(record->turn);
    if (record->holds(*termination)) co_await apply_service(record, termination);
  }
}

// The MGC's word stands beside it: what it took out of service is out when the address is back, too.
awaitable<void> state::interface_changed(std::string interface, bool here) {
  placed_terminations all;
  for (const auto& [id, record] : contexts) {
    for (const auto& [key, termination] : record->terminations) {
      if (h248::iequals(termination->interface, interface)) all.emplace_back(record, termination);
    }
  }
  for (const auto& [record, termination] : all) {
    const auto turn = co_await turnstile::enter(record->turn);
    if (!record->holds(*termination)) continue;
    termination->interface_lost = !here;
    co_await apply_service(record, termination);
  }
}

}  // namespace agw::iq
