// What a gateway has to answer, and what stands in it afterwards, when one action is carried out at a time.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include <agw/core/clock.hpp>
#include <agw/h248/message.hpp>

#include "script.hpp"

namespace agw::iq::overlap {

struct stream_state {
  h248::stream_mode mode = h248::stream_mode::send_receive;
  bool reserve_value = false;
  bool operator==(const stream_state&) const = default;
};

/// A signal that may be active.
struct playing {
  std::string name;
  std::optional<std::uint16_t> list;
  bool certain = true;  ///< until `ends_from` it is active; otherwise an event or its place in a list decides
  clock::time_point ends_from = no_deadline;
  clock::time_point ends_by = no_deadline;  ///< from then on it is not active
  bool operator==(const playing&) const = default;
};

struct termination {
  std::string name;
  side of = side::core;
  std::map<std::uint16_t, stream_state> streams;
  bool in_service = true;
  std::set<std::uint32_t> events;  ///< request ids of which one is active; empty: there is no Events descriptor
  bool fragile = false;            ///< an event may have ended the signals
  bool vague_events = false;       ///< which Events are active is not known, until others are commanded
  bool vague_signals = false;      ///< the same of signals
  std::vector<playing> signals;
  bool operator==(const termination&) const = default;
};

struct context {
  std::map<std::string, termination> terminations;
  std::uint16_t priority = 0;
  std::vector<topology_rule> topology;
  bool operator==(const context&) const = default;
};

/// A context that states share until one of them changes it: a search copies many states.
class shared_context {
 public:
  shared_context() : of_(std::make_shared<body>()) {}
  const context& operator*() const noexcept { return of_->value; }
  const context* operator->() const noexcept { return &of_->value; }
  context& edit() {
    if (of_.use_count() > 1) of_ = std::make_shared<body>(*of_);
    of_->text.clear();
    return of_->value;
  }
  const std::string& text() const;
  bool operator==(const shared_context& other) const { return of_ == other.of_ || of_->value == other.of_->value; }

 private:
  struct body {
    context value;
    std::string text;  ///< made when it is first asked for
  };
  std::shared_ptr<body> of_;
};

struct state {
  std::map<std::uint32_t, shared_context> contexts;
  std::set<std::string> interfaces_out;  ///< of service
  bool draining = false;
  bool out_of_service = false;

  std::size_t terminations() const;
  /// The context a termination stands in; end() when there is none.
  std::map<std::uint32_t, shared_context>::const_iterator home_of(const std::string& name) const;
  bool operator==(const state&) const = default;
};

/// Text that is equal for equal states.
std::string to_text(const state& s);

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

std::string key_of(std::string_view name);

}  // namespace agw::iq::overlap
