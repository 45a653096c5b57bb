// What a gateway has to answer, and what stands in it afterwards, when one action is carried out at a time.
#pragma once

#include <cstddef>
#include <cstdint>
#include <set>
#include <string>
#include <vector>

#include <agw/core/clock.hpp>
#include <agw/h248/message.hpp>

#include "script.hpp"
#include "state.hpp"

namespace agw::iq::overlap {

struct limits {
  std::size_t terminations_per_context = 4;
};

/// What transactions that overlap may have seen of time and of each other.
struct moment {
  clock::time_point from;
  clock::time_point by;
  /// Lower-case names that an Add gives. While it is under way its name is reserved, and another Add of it is refused, whatever becomes of the first.
  std::set<std::string> given;
  bool alone = true;  ///< one transaction: which of two errors says that a termination is not here is exact
};

/// 0 without an error.
unsigned code_of(const h248::command& answer);

/// The answers of an action, which are consumed one after the other.
class answers {
 public:
  explicit answers(const h248::action& said);
  /// The next `n`; fewer when there are no more.
  std::vector<const h248::command*> take(std::size_t n);
  bool empty() const noexcept { return at_ == all_.size(); }

 private:
  std::vector<const h248::command*> all_;
  std::size_t at_ = 0;
};

/// Explains answers. Every function returns whether what was said is what would have been said at this state, and then has changed the
/// state; otherwise the state is of no use any more, and why() says what was expected.
class model {
 public:
  model(limits l, moment m) : limits_(l), moment_(m) {}

  /// An action that does not spread. `stopped`: it failed, and its transaction ends with it.
  bool carry_out(state& s, const action& asked, const h248::action& said, bool& stopped);

  /// The part of an action on all contexts that context `id` has. `said`: its answers; null when there are none.
  bool carry_out_in(state& s, std::uint32_t id, const action& asked, const h248::action* said, bool united, bool& matched);
  /// The part of a ServiceChange in the NULL context that is the gateway's own, and the part of each context.
  void change_gateway(state& s, const command& c) const;
  void change_service(state& s, std::uint32_t id, const command& c, bool& matched) const;
  /// The part of a wildcard's Move that takes terminations from `from`. `failed`: an error was answered, nothing follows it.
  bool move_from(state& s, std::uint32_t from, std::uint32_t to, const command& c, const h248::action& said, bool& matched, bool& failed);

  const std::string& why() const noexcept { return why_; }

 private:
  bool run(state& s, std::uint32_t& id, const command& c, answers& said, bool& failed);
  bool add(state& s, std::uint32_t id, const command& c, answers& said, bool& failed);
  bool modify(state& s, std::uint32_t id, const command& c, answers& said, bool& failed);
  bool subtract(state& s, std::uint32_t id, const command& c, answers& said, bool& failed);
  bool audit(state& s, std::uint32_t id, const command& c, answers& said, bool& failed);
  bool change(state& s, std::uint32_t id, const command& c, answers& said, bool& failed);
  bool move(state& s, std::uint32_t id, const command& c, answers& said, bool& failed);
  bool at_root(state& s, const command& c, answers& said, bool& failed);

  /// Errors for which a termination cannot go to context `to`; `perhaps`: errors that are allowed besides success.
  std::set<unsigned> objections(const state& s, std::uint32_t to, const termination& t, std::set<unsigned>& perhaps) const;
  void relocate(state& s, std::uint32_t from, std::uint32_t to, const std::string& key, const command& c) const;
  bool refused(const h248::command* answer, const std::string& name, const std::set<unsigned>& codes);
  bool none_here(const state& s, const command& c, answers& said, bool& failed);
  void configure(termination& t, const command& c) const;
  bool check_audit(const h248::command& answer, const termination& t, const command& c);
  bool check_properties(const context& c, const h248::context_properties& said);
  bool set_topology(context& c, const action& asked, std::set<unsigned>& errors) const;
  bool no(std::string why);

  limits limits_;
  moment moment_;
  std::string why_;
};

}  // namespace agw::iq::overlap
