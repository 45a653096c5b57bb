// The active Events descriptor: what an event sets off.
#include <algorithm>

#include "commands.hpp"

namespace agw::iq {

event_subscription::event_subscription(const termination_record& t)
    : commanded_(t.commanded), events_(t.events), stopped_(t.stopped), regulated_(t.regulated) {}

void event_subscription::restore(termination_record& t) const {
  t.commanded = commanded_;
  t.events = events_;
  t.stopped = stopped_;
  t.regulated = regulated_;
}

void command_runner::subscribe(const h248::command& c, termination_record& termination) const {
  const auto* events = c.find<h248::events_descriptor>();
  if (!events) return;
  termination.commanded = std::make_shared<owned_events>(*events);
  termination.events = &termination.commanded->descriptor;
  termination.stopped = false;
  termination.subscribed = clock::now();
  termination.regulated.clear();
}

// RegulatedNotify: of each hundred, as many as the configuration says, evenly and the first one always; 0: that one only.
bool state::due(const h248::requested_event& asked, termination_record& termination, const observed& event) const {
  if (asked.behaviour->kind == h248::notify_kind::never) return false;
  if (asked.behaviour->kind == h248::notify_kind::immediate) return true;
  const auto n = termination.regulated[event.package + "/" + event.item]++;
  const auto percent = std::min(config.regulated_notify_percent, 100u);
  return n == 0 || n * percent % 100 < percent;
}

void state::observe(std::shared_ptr<context_record> context, std::shared_ptr<termination_record> termination, observed event) {
  if (closing) return;
  const auto* asked = match(*termination, event);
  if (!asked) return;
  const auto keeps = termination->commanded;  // `asked` points into it
  const bool completion = event.package == "g" && event.item == "sc";
  event.request_id = termination->events->id ? termination->events->id->value : 0;
  const auto told = !asked->behaviour || due(*asked, *termination, event);
  if (told) notify.notify(context, termination, std::move(event));

  // H.248.1 7.1.9: an event stops what is being signalled, unless it says KeepActive; then what it embeds becomes active.
  if (!asked->keep_active) {
    const auto playing = std::exchange(termination->signals, {});
    termination->lists.clear();
    for (const auto& signal : playing) end_signal(context, termination, signal, h248::completion_reason::by_event);
  }
  // What RegulatedNotify embeds is for events that it kept back, and for all where there is nothing else; Embed for those told.
  const auto* embedded = asked->embedded.get();
  if (asked->behaviour && (!embedded || (!told && !asked->behaviour->embedded.empty()))) embedded = &asked->behaviour->embedded;
  if (asked->reset_events) termination->events = &keeps->descriptor;
  if (!embedded) return;
  if (embedded->events) termination->events = embedded->events.get();
  // The end of a signal starts none: otherwise two of them could call each other for ever.
  if (embedded->signals && !completion) {
    tasks.spawn("embedded signals", [this, context, termination, keeps, signals = embedded->signals.get()]() -> awaitable<void> {
      const auto here = co_await enter_home(context, termination);
      if (here.context) co_await play(here.context, termination, keeps, *signals);
    });
  }
}

}  // namespace agw::iq
