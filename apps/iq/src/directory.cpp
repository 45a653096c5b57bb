#include "directory.hpp"

#include <algorithm>
#include <charconv>

#include "termination_name.hpp"

namespace agw::iq {

directory::directory(std::uint16_t group, const std::vector<std::string>& interfaces) {
  for (const auto& name : interfaces) prefixes_.push_back(lower("ip/" + std::to_string(group) + "/" + name + "/"));
}

directory::entry* directory::find(std::uint32_t context) {
  const auto found = contexts_.find(context);
  return found == contexts_.end() ? nullptr : &found->second;
}

const directory::entry* directory::find_made(std::uint32_t context) const {
  const auto found = contexts_.find(context);
  return found == contexts_.end() || !found->second.made ? nullptr : &found->second;
}

std::optional<std::uint32_t> directory::where(const std::string& name) const {
  const auto found = names_.find(name);
  if (found == names_.end()) return std::nullopt;
  return found->second;
}

directory::concerned directory::concerned_by(const h248::action& asked, std::uint32_t context, std::size_t most) const {
  constexpr std::size_t most_wildcards = 8;  // each looks at every name
  concerned out;
  std::set<std::uint32_t> all;
  std::set<std::string> wildcards;
  for (const auto& c : asked.commands) {
    const bool moves = c.kind == h248::command_kind::move;
    if (!moves && c.kind != h248::command_kind::add) continue;
    out.several = out.several || moves;
    for (const auto& name : c.terminations) {
      if (!name.is_specific()) {
        if (moves && name.has_all()) wildcards.insert(lower(name.name));
        continue;
      }
      const auto holder = where(lower(name.name));
      if (!holder || *holder == context) continue;
      if (find_made(*holder)) all.insert(*holder);
      else if (contexts_.contains(*holder)) out.unmade = *holder;  // one that has ended makes nobody wait: its action settles later
    }
  }
  out.too_many = wildcards.size() > most_wildcards;
  if (out.too_many) return out;
  for (const auto& pattern : wildcards) add_holders(all, h248::termination_id{pattern}, context, most);
  out.several = out.several || !all.empty() || out.unmade;
  out.others.assign(all.begin(), all.end());
  return out;
}

// No context takes more than its limit: what lies beyond is refused in any case.
void directory::add_holders(std::set<std::uint32_t>& to, h248::termination_id pattern, std::uint32_t but, std::size_t most) const {
  std::size_t matched = 0;
  for (const auto& [id, e] : contexts_) {
    if (matched > most) break;
    if (id == but || !e.made) continue;
    for (const auto& name : e.names) {
      if (!pattern.matches(h248::termination_id{name})) continue;
      ++matched;
      to.insert(id);
    }
  }
}

std::uint32_t directory::open(context_home& home) {
  do {
    last_context_ = last_context_ >= 0xFFFFFFFDu ? 1 : last_context_ + 1;
  } while (contexts_.contains(last_context_));
  contexts_[last_context_].home = &home;
  return last_context_;
}

void directory::relocate(std::uint32_t context, context_home& home) {
  if (auto* const known = find(context)) {
    known->home = &home;
    ++known->relocations;
  }
}

void directory::take(const context_news& news) {
  auto* const known = find(news.context.value);
  if (!known) return;
  if (news.gone) return drop(news.context.value);
  known->made = known->made || news.there;
  if (!news.names || news.edition <= known->edition) return;
  known->edition = news.edition;
  rename(news.context.value, *known, *news.names);
}

void directory::rename(std::uint32_t context, entry& of, const std::vector<std::string>& names) {
  for (const auto& before : of.names) release(before, context);
  of.names = names;
  for (const auto& name : names) names_.insert_or_assign(name, context);
}

void directory::drop(std::uint32_t context) {
  const auto found = contexts_.find(context);
  if (found == contexts_.end()) return;
  for (const auto& name : found->second.names) release(name, context);
  contexts_.erase(found);
}

void directory::release(const std::string& name, std::uint32_t context) {
  const auto found = names_.find(name);
  if (found != names_.end() && found->second == context && !reserved_.contains(name)) names_.erase(found);
}

std::uint32_t directory::free_number() {
  const auto taken = [&](const std::string& prefix) { return names_.contains(prefix + std::to_string(last_number_)); };
  do {
    next_number();
  } while (std::ranges::any_of(prefixes_, taken));
  return last_number_;
}

std::uint32_t directory::next_number() {
  do {
    last_number_ = last_number_ == 0xFFFFFFFFu ? 1 : last_number_ + 1;
  } while (handed_out_.contains(last_number_));
  return last_number_;
}

void directory::prepare(action_terms& terms, const h248::action& asked, std::uint32_t context) {
  const auto handed_out = [&](h248::termination_id name) {
    const auto fields = split(name);
    if (!fields) return false;
    std::uint32_t n = 0;
    const auto [end, ec] = std::from_chars(fields->id.data(), fields->id.data() + fields->id.size(), n);
    return ec == std::errc() && end == fields->id.data() + fields->id.size() && handed_out_.contains(n);
  };
  for (const auto& c : asked.commands) {
    const bool adds = c.kind == h248::command_kind::add;
    for (const auto& name : c.terminations) {
      if (!name.is_specific() || name.is_root()) continue;
      auto key = lower(name.name);
      const auto known = where(key);
      if (known ? *known != context : adds && handed_out(name)) {
        terms.elsewhere.insert(std::move(key));
      } else if (adds) {
        names_.emplace(key, context);
        ++reserved_[key];
        terms.reserved.push_back(std::move(key));
      }
    }
  }
  for (const auto& c : asked.commands) {
    if (c.kind != h248::command_kind::add) continue;
    for (const auto& name : c.terminations) {
      const bool chooses = name.has_choose();
      const auto n = chooses ? free_number() : next_number();
      (chooses ? terms.fresh : terms.plain).push_back(n);
      handed_out_.insert(n);
    }
  }
}

void directory::settle(const action_terms& terms, std::size_t fresh_used, std::size_t plain_used) {
  for (const auto& key : terms.reserved) {
    if (--reserved_[key] > 0) continue;
    reserved_.erase(key);
    const auto found = names_.find(key);
    if (found == names_.end()) continue;
    const auto* known = find(found->second);
    if (!known || std::ranges::find(known->names, key) == known->names.end()) names_.erase(found);
  }
  for (const auto n : terms.fresh) handed_out_.erase(n);
  for (const auto n : terms.plain) handed_out_.erase(n);
  // Numbers that were not used come next again, as long as none has been handed out behind them.
  std::set<std::uint32_t> unused;
  for (auto i = fresh_used; i < terms.fresh.size(); ++i) unused.insert(terms.fresh[i]);
  for (auto i = plain_used; i < terms.plain.size(); ++i) unused.insert(terms.plain[i]);
  while (unused.erase(last_number_) > 0) --last_number_;
}

}  // namespace agw::iq
