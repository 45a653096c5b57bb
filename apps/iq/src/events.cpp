// The active Events descriptor: what an event sets off.
#include <algorithm>

#include "commands.hpp"

namespace agw::iq {

awaitable<void> command_runner::apply_events(const h248::command& c, std::shared_ptr<context_record> record,
                                             std::shared_ptr<termination_record> termination) {
  for (const auto& d : c.descriptors) {
    if (const auto* events = std::get_if<h248::events_descriptor>(&d)) {
      termination->commanded = std::make_shared<owned_events>(*events);
      termination->events = &termination->commanded->descriptor;
      termination->stopped = false;
    }
    if (const auto* signals = std::get_if<h248::signals_descriptor>(&d)) {
      auto owned = std::make_shared<const owned_signals>(*signals);
      co_await state_.play(record, termination, owned, owned->descriptor);
    }
  }
}

void state::observe(std::shared_ptr<context_record> context, std::shared_ptr<termination_record> termination, observed event) {
  if (closing) return;
  const auto* asked = match(*termination, event);
  if (!asked) return;
  const auto keeps = termination->commanded;  // `asked` points into it
  const bool completion = event.package == "g" && event.item == "sc";
  event.request_id = termination->events->id ? termination->events->id->value : 0;
  if (!asked->behaviour || asked->behaviour->kind != h248::notify_kind::never) notify.notify(context, termination, std::move(event));

  // H.248.1 7.1.9: an event stops what is being signalled, unless it says KeepActive; then what it embeds becomes active.
  if (!asked->keep_active) {
    const auto playing = std::exchange(termination->signals, {});
    termination->lists.clear();
    for (const auto& signal : playing) end_signal(context, termination, signal, h248::completion_reason::by_event);
  }
  const auto* embedded = asked->embedded ? asked->embedded.get() : asked->behaviour ? &asked->behaviour->embedded : nullptr;
  if (asked->reset_events) termination->events = &keeps->descriptor;
  if (!embedded) return;
  if (embedded->events) termination->events = embedded->events.get();
  // The end of a signal starts none: otherwise two of them could call each other for ever.
  if (embedded->signals && !completion) {
    tasks.spawn("embedded signals", [this, context, termination, keeps, signals = embedded->signals.get()]() -> awaitable<void> {
      const auto turn = co_await turnstile::enter(context->turn);
      if (!context->closing) co_await play(context, termination, keeps, *signals);
    });
  }
}

}  // namespace agw::iq
