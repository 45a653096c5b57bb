// What the control loop knows of contexts and terminations: their names, and which shard a context lives on.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

#include "agw/core/clock.hpp"
#include "agw/h248/message.hpp"
#include "context_action.hpp"

namespace agw::iq {

class context_home;

/// Of the control loop. Names are in lower case. An entry may be ahead of its context (an Add under way has reserved its name) and behind it (a
/// Subtract under way); what an action finds in the context is the truth.
class directory {
 public:
  struct entry {
    context_home* home = nullptr;
    std::vector<std::string> names;
    std::uint64_t edition = 0;
    std::uint64_t relocations = 0;
    clock::time_point touched = clock::now();  ///< by a command or audit of an MGC
    bool orphaned = false;                     ///< that was so long ago that it was told of
    bool made = false;  ///< it has been heard of; until then it is that of the action that makes it, and nobody else's
  };

  directory(std::uint16_t group, const std::vector<std::string>& interfaces);

  std::size_t size() const noexcept { return contexts_.size(); }
  const std::map<std::uint32_t, entry>& contexts() const noexcept { return contexts_; }
  entry* find(std::uint32_t context);
  /// The same for those who have the number from outside: a context that is being made is not there yet.
  const entry* find_made(std::uint32_t context) const;
  /// The context that a name belongs to.
  std::optional<std::uint32_t> where(const std::string& name) const;
  /// Which contexts an action of `context` concerns beside it: those that hold what its Moves take, and those whose names it adds. `most`: what one
  /// context may hold.
  struct concerned {
    bool too_many = false;              ///< wildcards: the search is bounded
    bool several = false;               ///< the action is one of several contexts, even if there is none other now
    std::vector<std::uint32_t> others;  ///< in ascending order
    std::optional<std::uint32_t> unmade;  ///< one that is being made: whether it has the name is known when that is over
  };
  concerned concerned_by(const h248::action& asked, std::uint32_t context, std::size_t most) const;

  /// An MGC's command or audit concerns it.
  void touch(std::uint32_t context) {
    if (auto* const known = find(context)) known->touched = clock::now();
  }

  /// A new context; its number is that of no other.
  std::uint32_t open(context_home& home);
  void relocate(std::uint32_t context, context_home& home);
  void forget(std::uint32_t context) { drop(context); }
  /// Takes over what a context said.
  void take(const context_news& news);

  /// What an action in `context` is to know of names and numbers. Names that it adds are reserved until settle().
  void prepare(action_terms& terms, const h248::action& asked, std::uint32_t context);
  void settle(const action_terms& terms, std::size_t fresh_used, std::size_t plain_used);

 private:
  void add_holders(std::set<std::uint32_t>& to, h248::termination_id pattern, std::uint32_t but, std::size_t most) const;
  std::uint32_t next_number();
  std::uint32_t free_number();
  void rename(std::uint32_t context, entry& of, const std::vector<std::string>& names);
  void drop(std::uint32_t context);
  void release(const std::string& name, std::uint32_t context);

  std::vector<std::string> prefixes_;  ///< "ip/1/core/"
  std::map<std::uint32_t, entry> contexts_;
  std::unordered_map<std::string, std::uint32_t> names_;
  std::unordered_map<std::string, std::size_t> reserved_;  ///< by how many actions under way
  std::set<std::uint32_t> handed_out_;  ///< numbers that an action under way may use
  std::uint32_t last_context_ = 0;
  std::uint32_t last_number_ = 0;
};

}  // namespace agw::iq
