#include <agw/h248/transaction_executor.hpp>

#include <algorithm>
#include <utility>

namespace agw::h248 {

namespace {

statistics_descriptor* find_statistics(command& c) {
  for (auto& d : c.descriptors) {
    if (auto* found = std::get_if<statistics_descriptor>(&d)) return found;
  }
  return nullptr;
}

/// A Media descriptor that holds nothing but statistics, as Subtract returns them in version 3.
bool holds_statistics_only(const media_descriptor& m) {
  return !m.state && !m.single && std::ranges::all_of(m.streams, [](const stream_descriptor& s) {
    const auto& p = s.parameters;
    return p.statistics && !p.control && !p.local && !p.remote;
  });
}

media_descriptor* find_statistics_of_streams(command& c) {
  for (auto& d : c.descriptors) {
    auto* found = std::get_if<media_descriptor>(&d);
    if (found && holds_statistics_only(*found)) return found;
  }
  return nullptr;
}

}  // namespace

action_state::action_state(const incoming_request& request, const action& asked, outgoing_reply& reply)
    : request_(&request), asked_(&asked), reply_(&reply), first_(&reply.actions().emplace_back()), current_(first_),
      uncounted_(first_) {
  current_->context = asked.context;
}

void action_state::answer_under(context_id id) {
  if (uniting_) return;  // one answer for all stands under the context as asked
  elsewhere_ = false;
  if (current_->context == id) return;
  if (const auto known = answers_.find(id.value); known != answers_.end()) {
    current_ = known->second;
    return;
  }
  // The reply that the action began with becomes the first context's.
  const bool untouched = answers_.empty() && first_->commands.empty() && first_->properties.empty() && !first_->error;
  if (!untouched) {
    count_action();
    uncounted_ = &reply_->actions().emplace_back();
  }
  current_ = untouched ? first_ : uncounted_;
  current_->context = id;
  answers_.emplace(id.value, current_);
}

// What the newest action reply holds beside its answers, and its own name.
void action_state::count_action() {
  constexpr std::size_t shortest = 3;  // C=1
  reply_->count(shortest + octets_of(uncounted_->properties));
}

// What the last command answered under several contexts does not stand for this one.
void action_state::return_to_asked() {
  if (!std::exchange(elsewhere_, false)) return;
  answer_under(asked_->context);
}

command& action_state::add(const command& to) {
  ++added_;
  if (uniting_) {
    absorb();
    part_.kind = to.kind;
    reply_->count_growing(&part_);
    return part_;
  }
  return_to_asked();
  auto& made = current_->commands.emplace_back();
  made.kind = to.kind;
  last_.push_back(&made);
  reply_->count_growing(&made);
  return made;
}

command& action_state::answer(const command& to, termination_id name) {
  auto& made = add(to);
  made.terminations.push_back({keep(name.name)});
  return made;
}

command& action_state::answer(const command& to) {
  auto& made = add(to);
  made.terminations = to.terminations;
  return made;
}

void action_state::fail(const command& to, error_code code, std::string_view text) {
  auto& made = answer(to);
  made.add(reply_->error(code, text));
}

void action_state::fail(const command& to, termination_id name, error_code code, std::string_view text) {
  auto& made = answer(to, name);
  made.add(reply_->error(code, text));
}

void action_state::fail(error_code code, std::string_view text) {
  failed_ = true;
  return_to_asked();
  if (!current_->error) current_->error.emplace(reply_->error(code, text));
}

void action_state::begin_command(const command& asked) {
  elsewhere_ = !answers_.empty();
  added_ = 0;
  last_.clear();
  part_ = command();
  united_ = command();
  said_.clear();
  uniting_ = asked.wildcard_response;
}

// True when all went well.
bool action_state::end_command(const command& asked) {
  if (added_ == 0 && !failed_) answer(asked);
  if (uniting_) finish_united(asked);
  reply_->count_growing(nullptr);
  return std::ranges::none_of(last_, [](const command* c) { return c->error() != nullptr; });
}

// H.248.1 7: one answer with the wildcard as asked, in which nothing stands twice.
void action_state::finish_united(const command& asked) {
  absorb();
  uniting_ = false;
  auto all = std::move(united_.descriptors);
  said_.clear();
  if (added_ == 0) return;
  auto& one = answer(asked);
  one.wildcard_response = true;
  one.descriptors = std::move(all);
  reply_->uncount_growing();  // its descriptors were, one by one
}

// Takes over what the last part says and no other did.
void action_state::absorb() {
  reply_->uncount_growing();
  for (auto& d : part_.descriptors) absorb(d);
  part_ = command();
}

void action_state::absorb(descriptor& d) {
  if (auto* counted = std::get_if<statistics_descriptor>(&d)) {
    if (auto* sum = find_statistics(united_)) return add_to(*sum, *counted);
  }
  // Version 3 counts by stream: streams of one number are one sum.
  auto* by_stream = std::get_if<media_descriptor>(&d);
  if (auto* known = by_stream && holds_statistics_only(*by_stream) ? find_statistics_of_streams(united_) : nullptr) {
    for (auto& stream : by_stream->streams) {
      const auto same = std::ranges::find_if(known->streams, [&](const stream_descriptor& s) { return s.id == stream.id; });
      if (same == known->streams.end()) known->streams.push_back(std::move(stream));
      else add_to(*same->parameters.statistics, *stream.parameters.statistics);
    }
    return;
  }
  const auto digest = digest_of(d);
  const auto [from, to] = said_.equal_range(digest);
  if (std::any_of(from, to, [&](const auto& entry) { return *entry.second == d; })) return;
  reply_->count(octets_of(d));
  said_.emplace(digest, &united_.descriptors.push_back(std::move(d)));
}

// The answers of a part are one before they leave its thread.
void action_state::end_part(const command& c) {
  if (uniting_) finish_united(c);
  reply_->count_growing(nullptr);
  count_action();
}

void action_state::join(std::vector<outgoing_reply> parts) {
  std::vector<action*> all;
  for (auto& part : parts) {
    for (auto& one : part.actions()) all.push_back(&one);
    if (!uniting_) reply_->count(part.counted_bytes());  // what becomes one answer is counted when it does
  }
  std::ranges::stable_sort(all, {}, [](const action* one) { return one->context.value; });
  for (auto* const from : all) {
    if (from->commands.empty() && from->properties.empty() && !from->error) continue;
    answer_under(from->context);
    for (auto& answered : from->commands) {
      ++added_;
      if (uniting_) {
        absorb();
        part_ = std::move(answered);
      } else {
        last_.push_back(&current_->commands.emplace_back(std::move(answered)));
      }
    }
    if (!from->properties.empty()) current_->properties = std::move(from->properties);
    if (from->error) {
      failed_ = true;
      if (!current_->error) current_->error = std::move(from->error);
    }
  }
  for (auto& part : parts) reply_->hold(std::make_shared<outgoing_reply>(std::move(part)));
}

// Before version 3 a termination's statistics are one descriptor: those of several are their sum.
void action_state::add_to(statistics_descriptor& sum, const statistics_descriptor& more) {
  for (const auto& entry : more.entries) {
    const auto known = std::ranges::find_if(sum.entries, [&](const statistic& s) { return s.name == entry.name; });
    const auto n = entry.values.first().as_integer();
    const auto before = known == sum.entries.end() ? std::nullopt : known->values.first().as_integer();
    if (known == sum.entries.end()) sum.entries.push_back(entry);
    else if (n && before) known->values = one(keep(std::to_string(*n + *before)));
  }
}

bool action_state::goes_on() const { return !reply_->given_up() && !reply_->full(); }

awaitable<bool> action_state::run(command_handler& handler) {
  co_await handler.begin(*this);
  if (!failed_ && !asked_->properties.empty()) co_await handler.set_properties(*this, asked_->properties);
  bool& good = good_;
  good = !failed_;
  for (auto at = asked_->commands.begin(); good && goes_on() && at != asked_->commands.end(); ++at) {
    const command& asked = *at;
    begin_command(asked);
    if (asked.fault) {
      fail(asked, asked.fault->code, asked.fault->text);
    } else {
      co_await handler.run(*this, asked);
    }
    good = (end_command(asked) || asked.optional) && !failed_ && goes_on();
  }
  if (good && asked_->audit) co_await handler.audit(*this, *asked_->audit);
  co_await handler.end(*this);
  if (good && asked_->error) fail(asked_->error->code, asked_->error->text);
  // Before version 3 an action reply cannot be empty: properties that were set stand for themselves.
  auto& first = *first_;
  if (request_->version() < 3 && first.commands.empty() && first.properties.empty() && !first.error) first.properties = asked_->properties;
  count_action();
  co_return good && !failed_ && goes_on();
}

awaitable<bool> execute_action(const incoming_request& request, const action& asked, outgoing_reply& reply, command_handler& handler) {
  action_state state(request, asked, reply);
  co_return co_await state.run(handler);
}

awaitable<void> execute(const incoming_request& request, outgoing_reply& reply, command_handler& handler) {
  for (auto at = request->actions.begin(); at != request->actions.end(); ++at) {
    const bool goes_on = co_await execute_action(request, *at, reply, handler);
    if (!goes_on) co_return;
  }
}

}  // namespace agw::h248
