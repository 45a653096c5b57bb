// The parts of audits, and of the statistics that Subtract returns.
#pragma once

#include <vector>

#include "agw/h248/packages.hpp"
#include "agw/h248/transaction_executor.hpp"
#include "facts.hpp"
#include "records.hpp"

namespace agw::iq {

/// Of a stream; with `only`, those it names.
h248::statistics_descriptor statistics_of(h248::action_state& at, const gateway::stream_statistics& s,
                                          const h248::list<h248::item_name>& only = {});
/// Statistics of a termination: in version 3 per stream, before that in sum.
void answer_statistics(h248::action_state& at, h248::command& answer, const gateway::termination_statistics& counted,
                       const h248::list<h248::item_name>& only = {});
/// What the gateway implements; with `only`, of those.
h248::packages_descriptor implemented_packages(const h248::list<h248::package_version>* only = nullptr);
/// Adds Media; with nothing in it its bare name, since the grammar has no empty one.
void add_media(h248::command& answer, h248::media_descriptor media);
/// The Audit of an audit command; without one it asks for nothing.
const h248::audit_descriptor& asked_for(const h248::command& c);
bool asks_for_statistics(const h248::audit_descriptor& wanted);
/// The descriptors an AuditValue asks for. 532 for a stream that is not there.
checked<void> answer_audit(h248::action_state& at, h248::command& answer, const h248::audit_descriptor& wanted, const termination_record& t,
                           const gateway::termination_statistics& counted);
/// The same beside what the command is answered anyway; where that cannot be, its error stands in place of all.
void add_audit(h248::action_state& at, h248::command& answer, const h248::audit_descriptor& wanted, const termination_record& t,
               const gateway::termination_statistics& counted);
/// The same for ROOT, whose properties are `known`.
void answer_root_audit(h248::action_state& at, h248::command& answer, const h248::audit_descriptor& wanted, const termination_record& root,
                       const std::vector<h248::property>& known, h248::service_state service);
/// What the gateway can do, from the package table: what an AuditCapability asks for.
void answer_capability(h248::action_state& at, h248::command& answer, const h248::audit_descriptor& wanted, const gateway_facts& facts, bool root);
/// Whether the termination meets the values that the Audit gives (version 3).
bool selected(const h248::audit_descriptor& wanted, const termination_record& t, bool any);

}  // namespace agw::iq
