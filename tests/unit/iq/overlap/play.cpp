#include "play.hpp"

#include <set>

#include "generator.hpp"

namespace agw::iq::overlap {

namespace {

/// Everything there is, asked when nothing else happens.
std::vector<transaction> look_around() {
  std::vector<transaction> out;
  action everything;
  everything.context = h248::context_id::all();
  auto& c = everything.commands.emplace_back();
  c.kind = h248::command_kind::audit_value;
  c.termination = "*";
  c.audit = audit_kind::all;
  out.push_back({everything});
  action contexts;
  contexts.context = h248::context_id::all();
  contexts.audit = true;
  out.push_back({contexts});
  action root;
  root.context = h248::context_id::null();
  c.termination = "ROOT";
  root.commands.push_back(c);
  out.push_back({root});
  return out;
}

termination as_told(const h248::command& answer) {
  termination t;
  t.name = std::string(answer.termination().name);
  t.of = t.name.find("access") == std::string::npos ? side::core : side::access;
  t.vague_events = t.vague_signals = true;
  const auto* media = answer.find<h248::media_descriptor>();
  if (!media) return t;
  t.in_service = !media->state || media->state->service == h248::service_state::in_service;
  for (const auto& stream : media->streams) {
    auto& known = t.streams[stream.id.value];
    if (!stream.parameters.control) continue;
    known.mode = stream.parameters.control->mode.value_or(h248::stream_mode::inactive);
    known.reserve_value = stream.parameters.control->reserve_value.value_or(false);
  }
  return t;
}

/// What is there by the gateway's own word, where the model does not know. What cannot be asked is as it was `before`.
state as_told(const std::vector<carried_out>& told, const state& before) {
  state out;
  out.interfaces_out = before.interfaces_out;
  out.out_of_service = before.out_of_service;
  for (const auto& a : told.at(0).said->actions) {
    if (!a.context.is_specific()) continue;
    auto& c = out.contexts[a.context.value].edit();
    for (const auto& answer : a.commands) {
      auto t = as_told(answer);
      const auto key = key_of(t.name);
      c.terminations.emplace(key, std::move(t));
    }
  }
  for (const auto& a : told.at(1).said->actions) {
    if (!a.context.is_specific()) continue;
    auto& c = out.contexts[a.context.value].edit();
    c.priority = a.properties.priority.value_or(0);
    for (const auto& triple : a.properties.topology) {
      topology_rule rule;
      rule.a = key_of(triple.a.name);
      rule.b = key_of(triple.b.name);
      rule.direction = triple.direction;
      rule.stream = triple.stream ? triple.stream->value : std::uint16_t{0};
      c.topology.push_back(std::move(rule));
    }
  }
  for (const auto& a : told.at(2).said->actions) {
    for (const auto& answer : a.commands) {
      const auto* media = answer.find<h248::media_descriptor>();
      out.draining = media && media->state && media->state->service && *media->state->service != h248::service_state::in_service;
    }
  }
  return out;
}

/// What holds whatever was asked: each termination stands in one context, each context has one, and the metrics say the same.
void check_always(const world& w, const std::vector<carried_out>& told) {
  std::set<std::string> names;
  std::set<std::uint32_t> ids;
  std::size_t terminations = 0;
  for (const auto& a : told.at(0).said->actions) {
    if (!a.context.is_specific()) continue;
    if (!ids.insert(a.context.value).second) throw failure("context " + std::to_string(a.context.value) + " answers twice");
    for (const auto& answer : a.commands) {
      ++terminations;
      if (!names.insert(key_of(answer.termination().name)).second) throw failure(std::string(answer.termination().name) + " stands in two contexts");
    }
  }
  std::size_t contexts = 0;
  for (const auto& a : told.at(1).said->actions) contexts += a.context.is_specific() ? 1 : 0;
  if (contexts != ids.size()) throw failure(std::to_string(contexts) + " contexts, of which " + std::to_string(ids.size()) + " have terminations");
  if (w.contexts() != contexts) throw failure("contexts() is " + std::to_string(w.contexts()) + " and there are " + std::to_string(contexts));
  if (w.counted_contexts() != contexts) throw failure("agw_contexts is " + std::to_string(w.counted_contexts()) + " and there are " + std::to_string(contexts));
  if (w.counted_terminations() != terminations) {
    throw failure("agw_terminations is " + std::to_string(w.counted_terminations()) + " and there are " + std::to_string(terminations));
  }
}

/// Names that several of the transactions give to what they add.
std::set<std::string> given_twice(const std::vector<transaction>& all) {
  std::set<std::string> once, twice;
  for (const auto& t : all) {
    std::set<std::string> here;
    for (const auto& a : t) {
      for (const auto& c : a.commands) {
        if (c.kind == h248::command_kind::add && h248::termination_id{c.termination}.is_specific()) here.insert(key_of(c.termination));
      }
    }
    for (const auto& name : here) {
      if (!once.insert(name).second) twice.insert(name);
    }
  }
  return twice;
}

}  // namespace

state overlap_round(world& w, agw::test::choices& choose, const state& before, const std::vector<transaction>& all, const play_config& config,
                    play_result& result) {
  std::string heard;
  try {
    // With threads a timer that has expired may have its handler still to come.
    const auto slack = config.world.threads ? std::chrono::seconds(5) : std::chrono::seconds(0);
    moment m;
    m.from = w.now() - slack;
    m.alone = all.size() == 1;
    m.given = given_twice(all);
    auto done = w.run(all, choose, config.beside);
    result.transactions += all.size();
    result.dropped += all.size() - done.size();
    if (config.beside.close) return state();
    heard = w.transcript();
    w.pass({});
    agw::test::choices calm(std::uint64_t{1});
    const auto told = w.run(look_around(), calm);
    heard += "afterwards\n" + w.transcript();
    m.by = w.now() + slack;
    check_always(w, told);
    if (!config.modelled || config.beside.give_up || config.beside.cancel) return as_told(told, before);
    done.insert(done.end(), told.begin(), told.end());
    auto found = explain(before, done, config.world.limits, m);
    if (found.found == verdict::contradiction) throw failure("no order explains the replies. " + found.why);
    if (found.found == verdict::explained) return std::move(found.after);
    auto last_word = before;
    ++result.undecided;  // what of the gateway's own state was changed is not known: the last word of this round is taken
    for (const auto& d : done) {
      for (const auto& a : d.asked) {
        if (!a.context.is_null() || a.commands.front().kind != h248::command_kind::service_change) continue;
        model(config.world.limits, m).change_gateway(last_word, a.commands.front());
      }
    }
    return as_told(told, last_word);
  } catch (const failure& f) {
    if (heard.empty()) heard = w.transcript();
    throw failure(std::string(f.what()) + "\nbefore: " + to_text(before) + "\n" + heard);
  }
}

play_result play(agw::test::choices& choose, const play_config& config) {
  play_result result;
  auto c = config;
  c.world.seed = choose.seed();
  world w(c.world);
  generator_config made;
  made.listening = w.listening();
  made.refusing = w.refusing();
  made.modelled = config.modelled && !config.beside.give_up && !config.beside.cancel && !config.beside.close;
  c.modelled = made.modelled;
  generator makes(choose, made);
  state known;
  auto calm = c;
  calm.beside = disturbances();
  std::size_t played = 0;
  for (const auto& t : makes.beginning()) known = overlap_round(w, choose, known, {t}, calm, result);
  for (bool last = false; !last;) {
    last = ++played == c.rounds || choose.empty();
    auto beside = c;
    beside.beside.close = c.beside.close && last;
    const auto all = makes.round(known);
    if (c.one_by_one) {
      for (const auto& t : all) known = overlap_round(w, choose, known, {t}, beside, result);
    } else {
      known = overlap_round(w, choose, known, all, beside, result);
    }
    if (choose.one_in(3)) w.pass(std::chrono::milliseconds(100) * choose.below(60));
  }
  w.close();
  return result;
}

}  // namespace agw::iq::overlap
