#include "trace_book.hpp"

#include <algorithm>
#include <cstdint>

#include "agw/h248/text.hpp"

namespace agw::controller {

namespace {

constexpr std::size_t most_transactions = 4096;

std::string_view word(h248::command_kind kind) {
  switch (kind) {
    case h248::command_kind::add: return "Add";
    case h248::command_kind::move: return "Move";
    case h248::command_kind::modify: return "Modify";
    case h248::command_kind::subtract: return "Subtract";
    case h248::command_kind::audit_value: return "AuditValue";
    case h248::command_kind::audit_capability: return "AuditCapability";
    case h248::command_kind::notify: return "Notify";
    case h248::command_kind::service_change: return "ServiceChange";
  }
  return "?";
}

std::string summary_of(const h248::list<h248::action>& actions) {
  std::string out;
  for (const auto& action : actions) {
    for (const auto& c : action.commands) {
      if (!out.empty()) out += ", ";
      out.append(word(c.kind)).append(" ").append(c.termination().name);
      const auto* observed = c.find<h248::observed_events_descriptor>();
      if (!observed) continue;
      for (const auto& e : observed->events) {
        out += " · " + h248::to_text(e.name);
        if (const auto* type = h248::find(e.parameters, "Type")) out.append("{").append(type->values.first().text).append("}");
      }
    }
  }
  return out;
}

std::optional<unsigned> error_in(const h248::transaction_reply& reply) {
  const auto* e = h248::first_error(reply);
  return e ? std::optional(static_cast<unsigned>(e->code)) : std::nullopt;
}

std::string reply_summary(const h248::transaction_reply& reply) {
  const auto error = error_in(reply);
  return error ? "Error " + std::to_string(*error) : "Reply " + summary_of(reply.actions);
}

}  // namespace

// Reads one message: first whose its parts are, then what each of them is shown.
class trace_book::reader {
 public:
  reader(trace_book& book, h248::direction way, const h248::peer_address& peer, const gateway_pool& gateways,
         std::string_view text)
      : book_(book), peer_(peer), gateways_(gateways), text_(text), sent_(way == h248::direction::sent) {}

  std::vector<traced_share> read() {
    const auto parsed = h248::parse(std::string(text_));
    if (!parsed.readable()) return {};
    if (!sent_) at_ = gateways_.find(parsed->from);
    if (at_ && !at_->is_at(peer_)) at_ = nullptr;
    for (const auto& t : parsed->transactions) {
      std::visit([this](const auto& one) { take(one); }, t);
    }
    const bool one_party = std::ranges::all_of(parts_, [&](const part& p) { return p.whose == parts_.front().whose; });
    std::vector<traced_share> out;
    for (auto& p : parts_) {
      if (!p.whose.owner && !p.whose.everybody) continue;
      traced_share& share = out.emplace_back();
      share.owner = p.whose.owner;
      share.message = std::move(p.shown);
      share.message.sent = sent_;
      if (one_party) {
        share.message.text = text_;
      } else {
        h248::message own;
        own.version = parsed->version;
        own.from = parsed->from;
        own.transactions.push_back(std::move(p.own));
        share.message.text = h248::to_text(own);
      }
    }
    return out;
  }

 private:
  struct part {
    party whose;
    h248::transaction own;  // the transaction without what others own
    traced_message shown;
  };

  part& add(party whose, h248::transaction own, std::string_view kind, std::uint32_t id) {
    part& p = parts_.emplace_back();
    p.whose = whose;
    p.own = std::move(own);
    p.shown.kind = kind;
    p.shown.transaction = id;
    if (at_) p.shown.gateway = at_->name;
    return p;
  }

  // The transaction by parties: one piece for each, with its own actions.
  template <class T, class Whose>
  static std::vector<std::pair<party, T>> split(const T& whole, Whose whose) {
    std::vector<std::pair<party, T>> out;
    for (const auto& a : whole.actions) {
      const party p = whose(a.context);
      auto at = std::ranges::find(out, p, [](const auto& entry) { return entry.first; });
      if (at == out.end()) {
        T piece = whole;
        piece.actions.clear();
        at = out.insert(out.end(), std::pair<party, T>(p, std::move(piece)));
      }
      at->second.actions.push_back(a);
    }
    return out;
  }

  static party everybody() {
    party p;
    p.everybody = true;
    return p;
  }

  party party_of(const h248::action& a) const {
    if (a.context.is_null()) return everybody();
    const auto is_change = [](const h248::command& c) { return c.kind == h248::command_kind::service_change; };
    if (a.context.is_all() && !a.commands.empty() && std::ranges::all_of(a.commands, is_change)) return everybody();
    party p;
    if (!at_) return p;
    const auto found = at_->contexts.find(a.context.value);
    if (found != at_->contexts.end()) p.owner = found->second;
    return p;
  }

  void take(const h248::transaction_request& t) { sent_ ? own_request(t) : their_request(t); }
  void take(const h248::transaction_reply& t) { sent_ ? own_reply(t) : their_reply(t); }

  void own_request(const h248::transaction_request& t) {
    auto* entry = book_.own(peer_, t.id.value);
    if (!entry) {  // of the registry: an audit of the gateway, or nothing that anybody may see
      own_entry fresh;
      const bool of_gateway = std::ranges::all_of(t.actions, [](const h248::action& a) { return a.context.is_null(); });
      fresh.whose.everybody = of_gateway && !t.actions.empty();
      entry = &book_.enter(t.id.value, std::move(fresh));
    }
    auto& p = add(entry->whose, t, "request", t.id.value);
    if (entry->to) p.shown.gateway = entry->to->name;
    p.shown.repeated = entry->seen++ > 0;
    p.shown.step = entry->step;
    p.shown.summary = entry->summary.empty() ? summary_of(t.actions) : entry->summary;
  }

  void their_reply(const h248::transaction_reply& t) {
    auto* entry = book_.own(peer_, t.id.value);
    if (!entry) {
      add(party(), t, "reply", t.id.value);
      return;
    }
    auto& p = add(entry->whose, t, "reply", t.id.value);
    if (entry->to) p.shown.gateway = entry->to->name;
    p.shown.error = error_in(t);
    p.shown.summary = reply_summary(t);
    p.shown.repeated = !t.segment && entry->answered++ > 0;
    // A request's reply is the second arrow behind it; between them the gateway does its part.
    if (entry->step != 0) p.shown.step = entry->step + 2;
  }

  void their_request(const h248::transaction_request& t) {
    const their_key key(peer_, t.id.value);
    auto known = book_.theirs_.find(key);
    const bool repeated = known != book_.theirs_.end();
    if (!repeated) {
      their_entry fresh;
      if (at_) fresh.gateway = at_->name;
      for (const auto& a : t.actions) fresh.contexts.emplace_back(a.context.value, party_of(a));
      book_.enter(key, std::move(fresh));
      known = book_.theirs_.find(key);
    }
    known->second.seen++;
    for (auto& [whose, piece] : split(t, [&](h248::context_id c) { return party_in(known->second, c); })) {
      auto summary = summary_of(piece.actions);
      auto& p = add(whose, std::move(piece), "request", t.id.value);
      p.shown.repeated = repeated;
      p.shown.summary = std::move(summary);
    }
  }

  void own_reply(const h248::transaction_reply& t) {
    const auto known = book_.theirs_.find(their_key(peer_, t.id.value));
    if (known == book_.theirs_.end()) {
      add(party(), t, "reply", t.id.value);
      return;
    }
    auto& entry = known->second;
    const bool repeated = entry.answered++ > 0;
    auto pieces = split(t, [&](h248::context_id c) { return party_in(entry, c); });
    if (t.error) {
      for (const auto& whose : parties(entry)) pieces.emplace_back(whose, t);
    }
    for (auto& [whose, piece] : pieces) {
      const auto error = error_in(piece);
      auto summary = reply_summary(piece);
      auto& p = add(whose, std::move(piece), "reply", t.id.value);
      p.shown.gateway = entry.gateway;
      p.shown.error = error;
      p.shown.summary = std::move(summary);
      p.shown.repeated = repeated;
    }
  }

  // A pending answers a request of the other side, an acknowledgement its own's reply.
  void take(const h248::transaction_pending& t) { note(t, t.id.value, !sent_, "pending", "Pending"); }
  void take(const h248::segment_reply& t) {
    note(t, t.id.value, sent_, "ack", "Segment " + std::to_string(t.segment.number) + " has arrived");
  }

  void take(const h248::transaction_ack& t) {
    for (const auto& range : t.ranges) {
      if (range.first.value <= range.last.value) {
        acknowledged(range.first.value, range.last.value);
      } else {  // across the end of the numbers
        acknowledged(range.first.value, UINT32_MAX);
        acknowledged(0, range.last.value);
      }
    }
  }

  void acknowledged(std::uint32_t first, std::uint32_t last) {
    const auto acked = [&](std::uint32_t id) {
      h248::transaction_ack one;
      h248::ack_range own;
      own.first = own.last = h248::transaction_id{id};
      one.ranges.push_back(own);
      note(one, id, sent_, "ack", "Acknowledgement");
    };
    if (sent_) {
      for (auto at = book_.ours_.lower_bound(first); at != book_.ours_.end() && at->first <= last; ++at) acked(at->first);
    } else {
      auto at = book_.theirs_.lower_bound(their_key(peer_, first));
      for (; at != book_.theirs_.end() && at->first.first == peer_ && at->first.second <= last; ++at) acked(at->first.second);
    }
  }

  // What says nothing but that a transaction is known: `ours`, or one of theirs.
  void note(const h248::transaction& t, std::uint32_t id, bool ours, std::string_view kind, const std::string& summary) {
    std::vector<party> shown_to;
    std::string gateway;
    if (ours) {
      if (const auto* entry = book_.own(peer_, id)) {
        shown_to.push_back(entry->whose);
        if (entry->to) gateway = entry->to->name;
      }
    } else if (const auto known = book_.theirs_.find(their_key(peer_, id)); known != book_.theirs_.end()) {
      shown_to = parties(known->second);
      gateway = known->second.gateway;
    }
    if (shown_to.empty()) shown_to.emplace_back();
    for (const auto& whose : shown_to) {
      auto& p = add(whose, t, kind, id);
      p.shown.summary = summary;
      p.shown.gateway = gateway;
    }
  }

  static party party_in(const their_entry& entry, h248::context_id context) {
    for (const auto& [id, whose] : entry.contexts) {
      if (id == context.value) return whose;
    }
    return party();
  }

  static std::vector<party> parties(const their_entry& entry) {
    std::vector<party> out;
    for (const auto& [id, whose] : entry.contexts) {
      if (std::ranges::find(out, whose) == out.end()) out.push_back(whose);
    }
    return out;
  }

  trace_book& book_;
  const h248::peer_address& peer_;
  const gateway_pool& gateways_;
  gateway_ptr at_;  // that sent the message; null: none that is registered, or ourselves
  std::string_view text_;
  bool sent_;
  std::vector<part> parts_;
};

// A reply from another gateway than the one that was asked is nobody's.
trace_book::own_entry* trace_book::own(const h248::peer_address& peer, std::uint32_t id) {
  const auto at = ours_.find(id);
  if (at == ours_.end() || (at->second.to && !at->second.to->is_at(peer))) return nullptr;
  return &at->second;
}

trace_book::own_entry& trace_book::enter(std::uint32_t id, own_entry entry) {
  if (!ours_.contains(id)) our_order_.push_back(id);
  auto& out = ours_[id] = std::move(entry);
  if (our_order_.size() > most_transactions) {
    ours_.erase(our_order_.front());
    our_order_.pop_front();
  }
  return out;
}

trace_book::their_entry& trace_book::enter(const their_key& key, their_entry entry) {
  if (!theirs_.contains(key)) their_order_.push_back(key);
  auto& out = theirs_[key] = std::move(entry);
  if (their_order_.size() > most_transactions) {
    theirs_.erase(their_order_.front());
    their_order_.pop_front();
  }
  return out;
}

void trace_book::started(h248::transaction_id id, gateway_ptr to, call_control* owner, std::string summary, int step) {
  own_entry fresh;
  fresh.to = std::move(to);
  fresh.whose.owner = owner;
  fresh.whose.everybody = owner == nullptr;
  fresh.summary = std::move(summary);
  fresh.step = step;
  enter(id.value, std::move(fresh));
}

void trace_book::forget(const call_control& owner) {
  for (auto& [id, entry] : ours_) {
    if (entry.whose.owner == &owner) entry.whose = party();
  }
  for (auto& [id, entry] : theirs_) {
    for (auto& [context, whose] : entry.contexts) {
      if (whose.owner == &owner) whose = party();
    }
  }
}

std::vector<traced_share> trace_book::read(h248::direction way, const h248::peer_address& peer, const gateway_pool& gateways,
                                           std::string_view text) {
  reader one(*this, way, peer, gateways, text);
  return one.read();
}

}  // namespace agw::controller
