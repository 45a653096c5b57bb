// Makes transactions that are worth overlapping: over few contexts and terminations, so that they meet.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "model.hpp"
#include "script.hpp"
#include "support/choices.hpp"

namespace agw::iq::overlap {

struct generator_config {
  std::uint16_t listening = 0;  ///< ports of peers: one that answers, one that refuses
  std::uint16_t refusing = 0;
  bool modelled = true;  ///< false: also what only robustness is tested of
};

class generator {
 public:
  generator(agw::test::choices& choose, const generator_config& config) : choose_(choose), config_(config) {}

  /// Contexts and terminations to begin with, one transaction each.
  std::vector<transaction> beginning();
  /// Two to eight transactions for a gateway at this state.
  std::vector<transaction> round(const state& s);

 private:
  transaction make(const state& s);
  action make_action(const state& s, bool last);
  command make_add();
  command make_modify(const std::string& name);
  command make_move(const state& s);
  command make_audit(const std::string& name);
  void configure(command& c, bool access);
  overlap::events make_events();
  overlap::signals make_signals();
  action make_topology(const state& s);
  action make_service_change(const state& s);

  h248::context_id some_context(const state& s);
  /// A termination of the context, or perhaps of another, or none that there is.
  std::string some_name(const state& s, h248::context_id in);
  std::string some_pattern();

  agw::test::choices& choose_;
  generator_config config_;
  bool changes_gateway_ = false;  ///< a transaction of the round changes the gateway's own service state
  bool was_out_ = false;
};

}  // namespace agw::iq::overlap
