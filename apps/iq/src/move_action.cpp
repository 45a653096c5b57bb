#include "move_action.hpp"

#include <algorithm>
#include <utility>

#include "agw/core/metrics.hpp"
#include "agw/h248/profile_check.hpp"

namespace agw::iq {

using h248::error_code;

namespace {

using parked = std::shared_ptr<gateway::parked_termination>;
template <class T>
using given = boost::system::result<T, gateway::refusal>;

/// A termination on its way from one owner to another.
struct traveller {
  bool streams_behind = false;  ///< its interface has changed, and the streams have yet to follow
  std::unique_ptr<termination_record> record;
  parked gate;
  std::vector<gateway::gateway_event> unseen;
};

/// A context on its way from one shard to another.
struct packed_context {
  context_record record;
  std::vector<parked> gates;
  std::vector<gateway::gateway_event> unseen;
};

void arrive(context_owner& owner, std::unique_ptr<termination_record> record, std::vector<gateway::gateway_event> unseen, bool streams_behind) {
  const auto& t = owner.enrol(std::move(record));
  if (streams_behind) owner.catch_up(t);
  for (auto& event : unseen) owner.happened(std::move(event));
}

// The rules come before what they are about: nothing passes meanwhile that may not.
void take_up(context_owner& owner, packed_context from) {
  owner.record() = std::move(from.record);
  owner.connect();
  for (auto& one : from.gates) owner.gate().resume(std::move(one));
  owner.settle_in();
  for (auto& event : from.unseen) owner.happened(std::move(event));
}

/// On an error everything is where it was.
awaitable<given<std::vector<parked>>> park_all(context_owner& owner) {
  std::vector<parked> all;
  for (const auto& [key, t] : owner.record().terminations) {
    auto one = co_await owner.gate().park(t->id);
    if (one) {
      all.push_back(std::move(*one));
      continue;
    }
    owner.connect();
    for (auto& back : all) owner.gate().resume(std::move(back));
    co_return one.error();
  }
  co_return all;
}

}  // namespace

move_action::move_action(gateway_control& control, std::uint32_t context, bool makes) : control_(control), context_(context), makes_(makes) {}

awaitable<void> move_action::begin(h248::action_state& at) {
  const auto id = h248::context_id{context_};
  // Between the look into the directory and the turns, others may have had theirs.
  for (;;) {
    const auto* const known = makes_ ? control_.directory_.find(context_) : control_.directory_.find_made(context_);
    if (!known) {
      at.fail(error_code::unknown_context, std::to_string(context_));
      co_return;
    }
    const bool holds = co_await borrow(at);
    if (holds) break;
    let_go();
    if (at.failed()) co_return;
  }
  terms_.service = control_.service_;
  terms_.makes_context = makes_;
  control_.directory_.prepare(terms_, at.asked(), context_);
  prepared_ = true;
  if (makes_) at.set_context(id);
}

// True: the turns of all that are concerned are ours. All places are taken before the first wait.
awaitable<bool> move_action::borrow(h248::action_state& at) {
  const auto most = control_.facts_.config.max_terminations_per_context;
  const auto wanted = control_.directory_.concerned_by(at.asked(), context_, most);
  if (wanted.unmade) {
    co_await wait_for(*wanted.unmade);
    co_return false;
  }
  const bool made_now = makes_ && !made_;
  taker_ = loan::ask(*control_.directory_.find(context_)->home, h248::context_id{context_}, made_now);
  made_ = made_ || makes_;
  for (const auto id : wanted.others) {
    const auto* const known = control_.directory_.find(id);
    auto one = loan::ask(*known->home, h248::context_id{id});
    one->relocations = known->relocations;
    lenders_.emplace(id, std::move(one));
  }
  const bool there = co_await loan::granted(taker_);
  for (auto lender = lenders_.begin(); lender != lenders_.end();) {
    const bool lends = co_await loan::granted(lender->second);
    if (lends) {
      ++lender;
      continue;
    }
    forget_if_gone(*lender->second);
    loan::end(lender->second);
    lender = lenders_.erase(lender);
  }
  if (!there) {
    const auto* const known = control_.directory_.find(context_);
    if (!known || known->home == &taker_->home()) at.fail(error_code::unknown_context, std::to_string(context_));
    co_return false;
  }
  // Contexts that have gone to another thread, or got what is to be moved, are asked again.
  const auto now = control_.directory_.concerned_by(at.asked(), context_, most);
  co_return !now.unmade && std::ranges::all_of(now.others, [&](std::uint32_t id) { return lenders_.contains(id); });
}

// Nothing is held meanwhile: nobody waits for us.
awaitable<void> move_action::wait_for(std::uint32_t context) {
  const auto* const known = control_.directory_.find(context);
  if (!known) co_return;
  auto turn = loan::ask(*known->home, h248::context_id{context});
  turn->relocations = known->relocations;
  const bool there = co_await loan::granted(turn);
  if (!there) forget_if_gone(*turn);
  loan::end(std::move(turn));
}

// A context that was not at its place when its turn came has ended, unless it has gone to another shard.
void move_action::forget_if_gone(const loan& of) {
  const auto* const known = control_.directory_.find(of.id().value);
  if (known && known->relocations == of.relocations) control_.directory_.forget(of.id().value);
}

void move_action::let_go() {
  for (auto& entry : lenders_) loan::end(std::move(entry.second));
  lenders_.clear();
  if (taker_) loan::end(std::move(taker_));
  taker_ = nullptr;
}

awaitable<void> move_action::set_properties(h248::action_state& at, const h248::context_properties& wanted) {
  auto set = [&](context_owner& owner) -> awaitable<void> {
    context_action action(owner, terms_, progress_);
    co_await action.set_properties(at, wanted);
  };
  co_await loan::in(taker_, std::move(set));
}

awaitable<void> move_action::run(h248::action_state& at, const h248::command& c) {
  std::vector<h248::objection> objections;
  sessions_.clear();
  if (c.kind == h248::command_kind::move) objections = h248::check_profile(c, sessions_);
  if (!objections.empty()) {
    at.fail(c, objections.front().code, objections.front().what);
    co_return;
  }
  if (c.kind != h248::command_kind::move) {
    auto there = [&](context_owner& owner) -> awaitable<void> {
      context_action action(owner, terms_, progress_);
      co_await action.run(at, c);
    };
    co_await loan::in(taker_, std::move(there));
    co_return;
  }
  auto take = [&](const h248::command& one) { return move(at, one); };
  co_await one_by_one(c, std::move(take));
  if (progress_.topology.empty()) co_return;
  auto topology = [&](context_owner& owner) -> awaitable<void> {
    context_action action(owner, terms_, progress_);
    action.set_topology(at);
    co_return;
  };
  co_await loan::in(taker_, std::move(topology));
}

awaitable<void> move_action::move(h248::action_state& at, const h248::command& c) {
  const auto found = co_await candidates(c);
  if (found.empty()) {
    auto refuse = [&](context_owner& owner) -> awaitable<void> {
      context_action action(owner, terms_, progress_);
      co_await action.run(at, c);
    };
    co_await loan::in(taker_, std::move(refuse));
    co_return;
  }
  for (const auto& one : found) {
    const bool moved = co_await move_one(at, c, one);
    if (!moved) co_return;
  }
}

awaitable<std::vector<move_action::candidate>> move_action::candidates(const h248::command& c) {
  std::vector<candidate> out;
  const auto pattern = c.termination();
  if (names_no_termination(pattern)) co_return out;
  for (const auto& [id, lender] : lenders_) {
    auto look = [pattern](context_owner& owner) -> awaitable<std::vector<std::string>> {
      std::vector<std::string> keys;
      for (const auto& [key, t] : owner.record().terminations) {
        const h248::termination_id name{t->name};
        if (pattern.has_all() ? pattern.matches(name) : pattern == name) keys.push_back(key);
      }
      co_return keys;
    };
    auto keys = co_await loan::in(lender, std::move(look));
    for (auto& key : keys) {
      auto& one = out.emplace_back();
      one.from = lender;
      one.key = std::move(key);
    }
  }
  co_return out;
}

awaitable<std::optional<command_error>> move_action::refusal(const h248::command& c, candidate what) {
  auto room = [this](context_owner& owner) -> awaitable<std::optional<command_error>> {
    context_action action(owner, terms_, progress_);
    if (owner.record().terminations.size() < owner.facts().config.max_terminations_per_context) co_return std::nullopt;
    co_return command_error(error_code::too_many_terminations, action.too_many());
  };
  auto full = co_await loan::in(taker_, std::move(room));
  if (full) co_return full;
  auto plan = [this, &c, key = what.key](context_owner& owner) -> awaitable<std::optional<command_error>> {
    const auto& t = *owner.find(key);
    if (!t.serves() || !terms_.service->serves(t.interface)) {
      co_return command_error(error_code::service_unavailable, t.name + " is out of service");
    }
    const auto planned = plan_termination(c, sessions_, t, owner.facts());
    if (!planned) co_return planned.error();
    co_return std::nullopt;
  };
  co_return co_await loan::in(what.from, std::move(plan));
}

awaitable<bool> move_action::move_one(h248::action_state& at, const h248::command& c, candidate what) {
  auto spell = [key = what.key](context_owner& owner) -> awaitable<std::string> { co_return owner.find(key)->name; };
  const auto spelt = co_await loan::in(what.from, std::move(spell));
  const h248::termination_id name{spelt};
  if (const auto why = co_await refusal(c, what)) {
    at.fail(c, name, why->code, why->text);
    co_return false;
  }
  auto rules = [](context_owner& owner) -> awaitable<std::map<topology_key, topology_rule>> { co_return owner.record().topology; };
  auto topology = co_await loan::in(what.from, std::move(rules));
  if (const auto carried = co_await carry(what.key, what.from, taker_); !carried) {
    at.fail(c, name, carried.error().code, spelt + ": " + carried.error().text);
    co_return false;
  }
  auto configure = [&](context_owner& owner) -> awaitable<bool> {
    context_action action(owner, terms_, progress_);
    co_return co_await action.configure(at, c, sessions_, *owner.find(what.key));
  };
  const bool configured = co_await loan::in(taker_, std::move(configure));
  if (configured) {
    progress_.untouched = false;
    progress_.took = true;
    co_return true;
  }
  // As before: nothing has happened. One that cannot go back stays where it came to, as it was.
  const auto back = co_await carry(what.key, taker_, what.from);
  if (back) {
    auto restore = [was = std::move(topology)](context_owner& owner) -> awaitable<void> {
      owner.record().topology = was;
      owner.connect();
      co_return;
    };
    co_await loan::in(what.from, std::move(restore));
    co_return false;
  }
  progress_.untouched = false;
  progress_.took = true;
  co_return false;
}

// Between contexts of one shard the gateway's termination goes over as it is; between shards in pieces that are taken up elsewhere. An association and
// TLS stay with their thread: then the context that gets them goes there.
awaitable<checked<void>> move_action::carry(std::string key, loan_ptr from, loan_ptr to) {
  if (&from->home() != &to->home()) {
    auto park = [key](context_owner& owner) -> awaitable<given<std::unique_ptr<traveller>>> {
      auto gate = co_await owner.gate().park(owner.find(key)->id);
      if (!gate) co_return gate.error();
      auto out = std::make_unique<traveller>();
      out->gate = std::move(*gate);
      out->unseen = owner.take_unseen(owner.find(key)->id);
      out->streams_behind = owner.is_behind(*owner.find(key));
      out->record = owner.strike(key);
      co_return out;
    };
    auto left = co_await loan::in(from, std::move(park));
    if (left) {
      const std::shared_ptr<traveller> arriving = std::move(*left);
      auto resume = [arriving](context_owner& owner) -> awaitable<void> {
        arrive(owner, std::move(arriving->record), std::move(arriving->unseen), arriving->streams_behind);
        owner.gate().resume(std::move(arriving->gate));
        co_return;
      };
      co_await loan::in(to, std::move(resume));
      co_return checked<void>();
    }
    if (left.error().reason != gateway::refusal_reason::no_resources) co_return error_of(left.error());
    // On the way back nothing follows: it stays where it is.
    bool followed = false;
    if (to == taker_) followed = co_await relocate(from->home());
    if (!followed) {
      auto why = error_of(left.error());
      if (auto* const counted = control_.facts_.services.stages.metrics) counted->ran_short_of("threads");
      why.text += " and what stands in context " + std::to_string(to->id().value) + " have threads of their own";
      co_return why;
    }
    to = taker_;
  }
  auto move = [key, target = to->id()](context_owner& owner) -> awaitable<bool> {
    auto* const taker = owner.neighbour(target);
    const auto id = owner.find(key)->id;
    const bool moved = co_await owner.gate().move(id, taker->gate());
    const bool behind = owner.is_behind(*owner.find(key));
    if (moved) arrive(*taker, owner.strike(key), owner.take_unseen(id), behind);
    co_return moved;
  };
  const bool moved = co_await loan::in(from, std::move(move));
  if (!moved) co_return command_error(error_code::temporarily_busy, "its peer does not take what is on its way");
  co_return checked<void>();
}

awaitable<bool> move_action::relocate(context_home& home) {
  auto pack = [](context_owner& owner) -> awaitable<given<std::unique_ptr<packed_context>>> {
    auto gates = co_await park_all(owner);
    if (!gates) co_return gates.error();
    auto out = std::make_unique<packed_context>();
    out->gates = std::move(*gates);
    for (const auto& [key, t] : owner.record().terminations) {
      for (auto& event : owner.take_unseen(t->id)) out->unseen.push_back(std::move(event));
    }
    const auto id = owner.id();
    out->record = std::exchange(owner.record(), context_record());
    owner.record().id = id;
    co_await owner.close();
    owner.forget();
    co_return out;
  };
  auto packed = co_await loan::in(taker_, std::move(pack));
  if (!packed) co_return false;
  const auto before = std::exchange(taker_, loan::ask(home, h248::context_id{context_}, true));
  control_.directory_.relocate(context_, home);
  loan::end(before);
  (void)co_await loan::granted(taker_);
  const std::shared_ptr<packed_context> arriving = std::move(*packed);
  auto unpack = [arriving](context_owner& owner) -> awaitable<void> {
    take_up(owner, std::move(*arriving));
    co_return;
  };
  co_await loan::in(taker_, std::move(unpack));
  co_return true;
}

awaitable<void> move_action::audit(h248::action_state& at, const h248::context_audit& wanted) {
  auto answer = [&](context_owner& owner) -> awaitable<void> {
    context_action action(owner, terms_, progress_);
    co_await action.audit(at, wanted);
  };
  co_await loan::in(taker_, std::move(answer));
}

awaitable<context_news> move_action::news_of(loan_ptr of) {
  auto look = [](context_owner& owner) -> awaitable<context_news> {
    auto out = owner.news();
    out.gone = owner.record().terminations.empty();
    if (!out.gone) {
      owner.wake();
      co_return out;
    }
    co_await owner.close();
    owner.forget();
    co_return out;
  };
  return loan::in(std::move(of), std::move(look));
}

awaitable<void> move_action::end(h248::action_state& at) {
  if (!taker_) co_return;
  auto finish = [&](context_owner& owner) -> awaitable<context_news> {
    context_action action(owner, terms_, progress_);
    co_await action.end(at);
    auto out = owner.news();
    out.gone = action.gone();
    if (out.gone) owner.forget();
    co_return out;
  };
  const auto of_taker = co_await loan::in(taker_, std::move(finish));
  std::vector<context_news> of_lenders;
  for (const auto& entry : lenders_) of_lenders.push_back(co_await news_of(entry.second));
  // All at once, and names leave a context before they come to another: nobody finds one that stands nowhere.
  for (const auto& news : of_lenders) control_.take(news);
  control_.take(of_taker);
  settle();
  let_go();
}

move_action::~move_action() {
  settle();
  let_go();
}

void move_action::settle() {
  if (std::exchange(prepared_, false)) control_.directory_.settle(terms_, progress_.fresh_used, progress_.plain_used);
}

}  // namespace agw::iq
