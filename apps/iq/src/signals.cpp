// Signals: orders to the layers, which are over at once, and the life of those that last.
#include <algorithm>

#include "agw/core/log.hpp"
#include "commands.hpp"
#include "media_properties.hpp"

namespace agw::iq {

using h248::completion_reason;

namespace {

bool same(const active_signal& a, std::optional<std::uint16_t> list, const h248::signal_request& b) {
  return a.list == list && a.what->name == b.name && a.what->stream == b.stream;
}

std::optional<gateway::layer> layer_of(h248::item_name signal, bool access) {
  if (h248::iequals(signal.package, "tcpbcc")) return gateway::layer::tcp;
  if (h248::iequals(signal.package, "tlsbsc")) return access ? gateway::layer::dtls : gateway::layer::tls;
  if (h248::iequals(signal.package, "sctpbcc")) return gateway::layer::sctp;
  if (h248::iequals(signal.package, "sctpreset")) return gateway::layer::channel;
  if (h248::iequals(signal.package, "ostuncc")) return gateway::layer::ice;
  return std::nullopt;
}

/// The layer that a signal is an order to, on a stream of that kind; nothing where there is none.
std::optional<gateway::layer> layer_of(const h248::signal_request& signal, stream_kind kind) {
  const bool latches = signal.name.is("ipnapt/latch");
  switch (kind) {
    case stream_kind::association: {
      if (latches) return gateway::layer::ice;
      const auto l = layer_of(signal.name, true);
      return l && *l != gateway::layer::tcp && *l != gateway::layer::channel ? l : std::nullopt;
    }
    case stream_kind::channel: return signal.name.is("sctpreset/reset") ? std::optional(gateway::layer::channel) : std::nullopt;
    case stream_kind::bearer: {
      if (latches) return gateway::layer::tcp;
      const auto l = layer_of(signal.name, false);
      return l == gateway::layer::tcp || l == gateway::layer::tls ? l : std::nullopt;
    }
  }
  return std::nullopt;
}

/// The streams that a signal acts on: the one it names, or, where it is not related to a stream, every one that has its layer.
std::vector<std::pair<std::uint16_t, gateway::layer>> orders_of(const h248::signal_request& signal, const termination_record& t) {
  std::vector<std::pair<std::uint16_t, gateway::layer>> out;
  const auto named = signal.stream ? signal.stream->value : std::uint16_t{0};
  for (const auto& [n, record] : t.streams) {
    if (named != 0 && n != named) continue;
    if (const auto l = layer_of(signal, kind_of_answer(record))) out.emplace_back(n, *l);
  }
  return out;
}

h248::signal_type type_of(const h248::signal_request& s) {
  if (s.type) return *s.type;
  return s.duration ? h248::signal_type::time_out : h248::signal_type::brief;
}

std::string_view word_of(completion_reason why) {
  switch (why) {
    case completion_reason::time_out: return "TO";
    case completion_reason::by_event: return "EV";
    case completion_reason::by_signals: return "SD";
    case completion_reason::other:
    case completion_reason::iteration: break;
  }
  return "NC";
}

}  // namespace

checked<void> command_runner::check_signals(const h248::command& c, const media_change& media, const termination_record& termination) const {
  const auto* signals = c.find<h248::signals_descriptor>();
  std::optional<command_error> why;
  const auto check = [&](const h248::signal_request& s) {
    const auto n = s.stream ? s.stream->value : std::uint16_t{0};
    if (n == 0 || why) return;
    const auto full = std::string(s.name.package) + "/" + std::string(s.name.item) + " { Stream = " + std::to_string(n) + " }";
    const auto changed = media.streams.find(n);
    const auto known = termination.streams.find(n);
    const auto* record = changed != media.streams.end() ? &changed->second : known != termination.streams.end() ? &known->second : nullptr;
    if (!record) why.emplace(h248::error_code::unknown_value, full);
    else if (!layer_of(s, kind_of_answer(*record))) why.emplace(h248::error_code::cannot_generate_signals, full);
  };
  if (!signals) return {};
  for (const auto& entry : signals->entries) {
    if (const auto* one = std::get_if<h248::signal_request>(&entry)) check(*one);
    else std::ranges::for_each(std::get<h248::signal_list>(entry).signals, check);
  }
  if (why) return *why;
  return {};
}

awaitable<void> command_runner::play_signals(const h248::command& c, std::shared_ptr<context_record> record,
                                             std::shared_ptr<termination_record> termination) {
  const auto* signals = c.find<h248::signals_descriptor>();
  if (!signals) co_return;
  auto owned = std::make_shared<const owned_signals>(*signals);
  co_await state_.play(record, termination, owned, owned->descriptor);
}

awaitable<void> state::play(std::shared_ptr<context_record> context, std::shared_ptr<termination_record> termination,
                            std::shared_ptr<const void> keeps, const h248::signals_descriptor& signals) {
  // What is not repeated with KeepActive ends; a list of the same number goes on as it is.
  const auto goes_on = [&](const active_signal& playing) {
    return std::ranges::any_of(signals.entries, [&](const h248::signal_entry& entry) {
      if (const auto* one = std::get_if<h248::signal_request>(&entry)) return one->keep_active && same(playing, std::nullopt, *one);
      return playing.list == std::get<h248::signal_list>(entry).id;
    });
  };
  const auto before = std::exchange(termination->signals, {});
  std::vector<active_signal> ended;
  for (const auto& playing : before) (goes_on(playing) ? termination->signals : ended).push_back(playing);
  std::erase_if(termination->lists, [&](const auto& playing) {
    return std::ranges::none_of(signals.entries, [&](const h248::signal_entry& entry) {
      const auto* list = std::get_if<h248::signal_list>(&entry);
      return list && list->id == playing.first;
    });
  });
  for (const auto& signal : ended) end_signal(context, termination, signal, completion_reason::by_signals);

  for (const auto& entry : signals.entries) {
    if (const auto* one = std::get_if<h248::signal_request>(&entry)) {
      if (one->keep_active) continue;  // it plays on; one that does not play is ignored
      active_signal signal;
      signal.keeps = keeps;
      signal.what = one;
      co_await start_signal(context, termination, signal);
      continue;
    }
    const auto& list = std::get<h248::signal_list>(entry);
    if (termination->lists.contains(list.id)) continue;
    termination->lists.emplace(list.id, ++termination->last_signal);
    tasks.spawn("signal list", [this, context, termination, keeps, &list] { return play_list(context, termination, keeps, &list); });
  }
}

awaitable<state::place> state::enter_home(std::shared_ptr<context_record> known, std::shared_ptr<termination_record> termination) {
  place out;
  out.context = std::move(known);
  for (;;) {
    out.turn = co_await turnstile::enter(out.context->turn);
    if (!out.context->home || out.context->holds(*termination)) co_return out;  // ROOT stands nowhere
    out.turn.release();
    if (find_termination(termination->name, &out.context) != termination) co_return place();
  }
}

// One after the other: each waits for the end of the one before it. What ends the list takes it out of `lists`.
awaitable<void> state::play_list(std::shared_ptr<context_record> context, std::shared_ptr<termination_record> termination,
                                 std::shared_ptr<const void> keeps, const h248::signal_list* list) {
  const auto run = termination->lists.at(list->id);
  const auto over = [&] {
    const auto found = termination->lists.find(list->id);
    return found == termination->lists.end() || found->second != run;
  };
  for (const auto& what : list->signals) {
    {
      const auto here = co_await enter_home(context, termination);
      if (!here.context || over()) co_return;
      context = here.context;
      active_signal signal;
      signal.keeps = keeps;
      signal.what = &what;
      signal.list = list->id;
      co_await start_signal(context, termination, signal);
    }
    if (type_of(what) == h248::signal_type::on_off) co_return;
    if (type_of(what) == h248::signal_type::time_out) {
      const auto number = termination->last_signal;
      co_await sleep_until(deadline_after(std::chrono::milliseconds(10) * what.duration.value_or(0)));
      time_out(context, termination, number);
    }
    if (over()) co_return;
    if (what.intersignal_delay) co_await sleep_until(deadline_after(std::chrono::milliseconds(10) * *what.intersignal_delay));
  }
  if (!over()) termination->lists.erase(list->id);
}

void state::time_out(std::shared_ptr<context_record> context, std::shared_ptr<termination_record> termination, std::uint64_t number) {
  find_termination(termination->name, &context);  // it may have been moved meanwhile
  auto& all = termination->signals;
  const auto found = std::ranges::find(all, number, &active_signal::number);
  if (found == all.end()) return;
  const auto ended = *found;
  all.erase(found);
  end_signal(context, termination, ended, completion_reason::time_out);
}

awaitable<void> state::start_signal(std::shared_ptr<context_record> context, std::shared_ptr<termination_record> termination,
                                    active_signal signal) {
  const auto& what = *signal.what;
  signal.number = ++termination->last_signal;
  const auto orders = orders_of(what, *termination);
  const auto how = latching_of(what);
  if (context->home && context->context && (!orders.empty() || (how && *how))) {
    const bool release = h248::iequals(what.name.item, "RelBNC") || what.name.is("sctpreset/reset");
    const auto latch = how ? *how : std::nullopt;
    auto carry_out = [gate = context->context.get(), id = termination->id, orders, release, latch]() -> awaitable<void> {
      for (const auto& [stream, l] : orders) {
        const gateway::stream_number n{stream};
        if (latch) gate->latch(id, n, *latch);
        else if (release) co_await gate->release(id, n, l);
        else gate->order(id, n, l);
      }
    };
    co_await on(*context->home, carry_out);
  }
  switch (type_of(what)) {
    case h248::signal_type::brief:  // over by itself: its natural end is its time-out
      end_signal(context, termination, signal, completion_reason::time_out);
      break;
    case h248::signal_type::on_off: termination->signals.push_back(signal); break;
    case h248::signal_type::time_out:
      termination->signals.push_back(signal);
      if (signal.list) break;  // play_list keeps its time
      tasks.spawn("signal", [this, context, termination, number = signal.number,
                             time = std::chrono::milliseconds(10) * what.duration.value_or(0)]() -> awaitable<void> {
        co_await sleep_until(deadline_after(time));
        time_out(context, termination, number);
      });
      break;
  }
}

void state::end_signal(std::shared_ptr<context_record> context, std::shared_ptr<termination_record> termination, const active_signal& signal,
                       completion_reason why) {
  const auto& reasons = signal.what->notify_completion;
  if (!reasons || !reasons->has(why)) return;
  auto o = make_observed("g", "sc", signal.what->stream ? signal.what->stream->value : std::uint16_t{0});
  add_text(o, "SigID", std::string(signal.what->name.package) + "/" + std::string(signal.what->name.item));
  add_word(o, "Meth", word_of(why));
  if (signal.list) add_word(o, "SLID", std::to_string(*signal.list));
  observe(context, termination, std::move(o));
}

}  // namespace agw::iq
