#include "search.hpp"

#include <algorithm>
#include <unordered_set>

namespace agw::iq::overlap {

namespace {

constexpr std::size_t most_nodes = 8'000;

/// How far a transaction is.
struct progress {
  std::size_t action = 0;
  bool over = false;
  // of an action that spreads
  bool begun = false;
  bool matched = false;
  bool failed = false;
  std::set<std::uint32_t> done;  ///< contexts
};

struct node {
  state s;
  std::vector<progress> at;
};

std::string key_of_node(const node& n) {
  std::string out;
  for (const auto& p : n.at) {
    out += std::to_string(p.action) + (p.over ? "." : "") + (p.begun ? "b" : "") + (p.matched ? "m" : "") + (p.failed ? "f" : "");
    for (const auto id : p.done) out += "," + std::to_string(id);
    out += "|";
  }
  return out + to_text(n.s);
}

class search {
 public:
  search(const std::vector<carried_out>& all, const limits& l, const moment& m, const state& before) : all_(all), model_(l, m) {
    for (const auto& entry : before.contexts) universe_.insert(entry.first);
    for (const auto& t : all_) {
      for (const auto& a : t.said->actions) {
        if (a.context.is_specific()) universe_.insert(a.context.value);
      }
      order_.push_back(order_.size());
    }
    // What ended first has probably been carried out first.
    std::ranges::sort(order_, {}, [&](std::size_t i) { return all_[i].ended; });
  }

  bool run(node n) {
    while (take_what_changes_nothing(n)) {
    }
    const auto explained = far(n);
    if (std::ranges::all_of(n.at, &progress::over)) {
      result.after = std::move(n.s);
      return true;
    }
    if (++result.nodes > most_nodes) {
      result.found = verdict::undecided;
      return false;
    }
    if (!seen_.insert(key_of_node(n)).second) return false;
    for (const auto i : order_) {
      if (!may_go_on(n, i)) continue;
      for (const auto part : parts(n, i)) {
        node next = n;
        if (!step(next, i, part)) {
          if (explained >= furthest_) {
            furthest_ = explained;
            result.why = "transaction " + std::to_string(i + 1) + ": " + why_ + "; at this state: " + to_text(n.s);
          }
          continue;
        }
        if (run(std::move(next))) return true;
        if (result.found == verdict::undecided) return false;
      }
    }
    return false;
  }

  explanation result;

 private:
  static constexpr std::uint32_t whole = 0;             ///< of an action that does not spread; the gateway's part of one that does
  static constexpr std::uint32_t finish = 0xFFFFFFFFu;  ///< of an action that spreads

  static std::size_t far(const node& n) {
    std::size_t out = 0;
    for (const auto& p : n.at) out += p.action * 100 + p.done.size() + (p.over ? 1000 : 0);
    return out;
  }

  const action& asked(const node& n, std::size_t i) const { return all_[i].asked[n.at[i].action]; }

  bool may_go_on(const node& n, std::size_t i) const {
    if (n.at[i].over) return false;
    for (std::size_t other = 0; other < all_.size(); ++other) {
      if (!n.at[other].over && all_[other].ended < all_[i].begun) return false;
    }
    return true;
  }

  std::vector<std::uint32_t> parts(const node& n, std::size_t i) const {
    const auto& p = n.at[i];
    if (!asked(n, i).spreads()) return {whole};
    if (!p.begun) return {whole};
    std::vector<std::uint32_t> out;
    for (const auto id : universe_) {
      if (!p.done.contains(id)) out.push_back(id);
    }
    if (out.empty()) out.push_back(finish);
    return out;
  }

  /// What reads only, or was refused, may as well have been carried out here: nothing else depends on it.
  bool take_what_changes_nothing(node& n) {
    for (const auto i : order_) {
      if (!may_go_on(n, i)) continue;
      const auto& a = asked(n, i);
      for (const auto part : parts(n, i)) {
        if (!changes_nothing(n, i, a, part)) continue;
        node next = n;
        if (!step(next, i, part)) continue;
        if (!(next.s == n.s)) continue;
        n = std::move(next);
        return true;
      }
    }
    return false;
  }

  bool changes_nothing(const node& n, std::size_t i, const action& a, std::uint32_t part) const {
    const bool reads = a.topology.empty() && !a.priority && std::ranges::all_of(a.commands, [](const command& c) {
      return c.kind == h248::command_kind::audit_value || c.kind == h248::command_kind::audit_capability;
    });
    if (reads) return true;
    if (a.spreads()) {
      if (part == finish) return true;
      // What has no answers of this context did nothing there, unless one answer stands for all.
      return a.context.is_all() && !a.commands.front().wildcard_response && part != whole && !answers_of(n, i, part);
    }
    const auto* said = nth(i, n.at[i].action);
    if (!said) return false;
    if (said->error) return said->commands.empty();
    return a.commands.size() == 1 && !a.commands.front().has_pattern() && said->commands.size() == 1 && said->commands.front().error() != nullptr;
  }

  const h248::action* nth(std::size_t i, std::size_t n) const {
    const auto& said = all_[i].said->actions;
    return n < said.size() ? &said[n] : nullptr;
  }

  /// Of an action on all contexts: what context `id` answered.
  const h248::action* answers_of(const node& n, std::size_t i, std::uint32_t id) const {
    const auto& said = all_[i].said->actions;
    for (std::size_t k = n.at[i].action; k < said.size(); ++k) {
      if (said[k].context.value == id) return &said[k];
    }
    return nullptr;
  }

  bool no(std::string why) {
    why_ = std::move(why);
    return false;
  }

  bool step(node& n, std::size_t i, std::uint32_t part) {
    auto& p = n.at[i];
    const auto& a = asked(n, i);
    const auto* said = nth(i, p.action);
    if (!said) return no("the reply ends before action " + std::to_string(p.action + 1));
    if (!a.spreads()) {
      bool stopped = false;
      if (!model_.carry_out(n.s, a, *said, stopped)) return no(model_.why());
      return next_action(p, i, stopped);
    }
    return a.context.is_all() ? step_all(n, i, part) : a.context.is_null() ? step_service(n, i, part) : step_move(n, i, part);
  }

  bool next_action(progress& p, std::size_t i, bool stopped) {
    const auto done = p.action + 1;
    p = progress();
    p.action = done;
    p.over = stopped || done == all_[i].asked.size();
    if (p.over && done < all_[i].said->actions.size() && !all_[i].asked[done - 1].spreads()) return no("the reply goes on behind action " + std::to_string(done));
    return true;
  }

  bool step_all(node& n, std::size_t i, std::uint32_t part) {
    auto& p = n.at[i];
    const auto& a = asked(n, i);
    if (part == whole) return p.begun = true;
    const bool united = !a.commands.empty() && a.commands.front().wildcard_response;
    if (part != finish) {
      p.done.insert(part);
      return model_.carry_out_in(n.s, part, a, united ? nullptr : answers_of(n, i, part), united, p.matched) || no(model_.why());
    }
    const auto* common = answers_of(n, i, h248::context_id::all().value);
    const auto* answer = common && !common->commands.empty() ? &common->commands.front() : nullptr;
    const auto code = answer && answer->error() ? static_cast<unsigned>(answer->error()->code) : 0u;
    if (a.commands.empty()) return next_action(p, i, false);
    if (united) {
      if (!answer) return no("no common answer");
      const bool pattern = a.commands.front().has_pattern();
      const auto expected = p.matched ? 0u : pattern ? 431u : 430u;
      if (code != expected && (p.matched || pattern || code != 435)) return no("error " + std::to_string(code) + " instead of " + std::to_string(expected) + " for all contexts");
    } else if (p.matched ? common != nullptr : common == nullptr) {
      return no(p.matched ? "an answer for all contexts beside those of each" : "no answer at all");
    }
    return next_action(p, i, code != 0);
  }

  bool step_service(node& n, std::size_t i, std::uint32_t part) {
    auto& p = n.at[i];
    const auto& c = asked(n, i).commands.front();
    if (part == whole) {
      model_.change_gateway(n.s, c);
      return p.begun = true;
    }
    if (part != finish) {
      p.done.insert(part);
      model_.change_service(n.s, part, c, p.matched);
      return true;
    }
    const auto* said = nth(i, p.action);
    if (said->error || said->commands.size() != 1 || said->commands.front().error()) return no("a ServiceChange failed");
    return next_action(p, i, false);
  }

  bool step_move(node& n, std::size_t i, std::uint32_t part) {
    auto& p = n.at[i];
    const auto& a = asked(n, i);
    const auto* said = nth(i, p.action);
    const auto error = said->error ? static_cast<unsigned>(said->error->code) : 0u;
    const auto target = a.context.is_specific() ? a.context.value : said->context.is_specific() ? said->context.value : 0xFFFFFFF0u;
    if (part == whole) {
      if (a.context.is_specific() && !n.s.contexts.contains(target)) {
        if (error != 411) return no("a Move to a context that is not there");
        return next_action(p, i, true);
      }
      if (a.context.is_choose() && n.s.draining) {
        if (error != 503) return no("a new context of a gateway that drains");
        return next_action(p, i, true);
      }
      if (error != 0) return no("error " + std::to_string(error) + " for a Move");
      return p.begun = true;
    }
    if (part != finish) {
      p.done.insert(part);
      if (part == target) return true;
      if (a.context.is_specific() && !n.s.contexts.contains(target)) return no("the context that it moves to has gone");
      return model_.move_from(n.s, part, target, a.commands.front(), *said, p.matched, p.failed) || no(model_.why());
    }
    const auto code = said->commands.empty() || !said->commands.back().error() ? 0u : static_cast<unsigned>(said->commands.back().error()->code);
    if (!p.matched && code != 431 && code != 433) return no("nothing to move, and error " + std::to_string(code));
    if (p.matched && (code != 0) != p.failed) return no("error " + std::to_string(code) + " for a Move");
    return next_action(p, i, code != 0);
  }

  const std::vector<carried_out>& all_;
  model model_;
  std::set<std::uint32_t> universe_;
  std::vector<std::size_t> order_;
  std::unordered_set<std::string> seen_;
  std::size_t furthest_ = 0;
  std::string why_;
};

}  // namespace

explanation explain(const state& before, const std::vector<carried_out>& all, const limits& l, const moment& m) {
  search s(all, l, m, before);
  node n;
  n.s = before;
  n.at.resize(all.size());
  for (std::size_t i = 0; i < all.size(); ++i) n.at[i].over = all[i].asked.empty();
  if (s.run(std::move(n))) s.result.found = verdict::explained;
  return std::move(s.result);
}

}  // namespace agw::iq::overlap
