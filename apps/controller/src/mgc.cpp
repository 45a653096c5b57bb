#include "mgc.hpp"

#include "agw/core/log.hpp"
#include "agw/h248/text.hpp"
#include "agw/h248/transaction_executor.hpp"

namespace agw::controller {

namespace {

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
      out += word(c.kind);
      out += ' ';
      out += c.termination().name;
      if (const auto* observed = c.find<h248::observed_events_descriptor>()) {
        for (const auto& e : observed->events) {
          out += " · " + std::string(e.name.package) + "/" + std::string(e.name.item);
          if (const auto* type = h248::find(e.parameters, "Type")) out += "{" + std::string(type->values.first().text) + "}";
        }
      }
    }
  }
  return out;
}

std::optional<unsigned> error_in(const h248::transaction_reply& reply) {
  if (reply.error) return static_cast<unsigned>(reply.error->code);
  for (const auto& action : reply.actions) {
    if (action.error) return static_cast<unsigned>(action.error->code);
    for (const auto& c : action.commands) {
      if (const auto* e = c.error()) return static_cast<unsigned>(e->code);
    }
  }
  return std::nullopt;
}

}  // namespace

class mgc::runner final : public h248::command_handler {
 public:
  explicit runner(mgc& m) : mgc_(m) {}

  awaitable<void> run(h248::action_state& at, const h248::command& c) override {
    if (c.kind == h248::command_kind::service_change) {
      mgc_.registry_.service_change(at, c);
    } else if (c.kind == h248::command_kind::notify) {
      const auto found = mgc_.by_context_.find(at.asked().context.value);
      if (found != mgc_.by_context_.end()) found->second->on_notify(c);
      at.answer(c);
    } else {
      at.fail(c, h248::error_code::command_not_allowed_here);
    }
    co_return;
  }

 private:
  mgc& mgc_;
};

mgc::mgc(asio::any_io_executor executor, h248::endpoint_config config, agw::metrics* counted, h248::registry_config gateways)
    : control_(executor, std::move(config), counted), registry_(control_, std::move(gateways)) {
  control_.on_request([this](const h248::incoming_request& request, h248::outgoing_reply& reply) -> awaitable<void> {
    runner commands(*this);
    co_await h248::execute(request, reply, commands);
  });
  control_.on_message([this](h248::direction d, const h248::peer_address&, std::string_view text, clock::time_point) { trace(d, text); });
  registry_.on_change([this](h248::gateway_change change, const h248::registered_gateway& gateway) {
    static constexpr std::string_view words[] = {"registered", "registered again", "draining", "in service again", "gone", "lost"};
    log::info("gateway {}: {}", log::printable(h248::to_text(h248::mid(gateway.mid))), words[static_cast<std::size_t>(change)]);
    if (on_gateway) on_gateway(change);
  });
}

std::optional<h248::registered_gateway> mgc::gateway() const {
  for (const auto& [name, gateway] : registry_.all()) {
    if (!gateway.draining) return gateway;
  }
  return std::nullopt;
}

awaitable<result<h248::incoming_reply>> mgc::request(call_control* owner, composed& what) {
  const auto to = gateway();
  if (!to) co_return h248::make_error_code(h248::errc::no_link);
  transaction_owner mark;
  mark.owner = owner;
  mark.summary = what.summary;
  mark.step = what.step;
  about_to_send_.push_back(std::move(mark));
  co_return co_await control_.request(to->address, what.actions);
}

void mgc::detach(call_control& owner) {
  std::erase_if(by_context_, [&](const auto& entry) { return entry.second == &owner; });
  for (auto* all : {&ours_, &theirs_}) {
    for (auto& [id, t] : *all) {
      if (t.owner == &owner) t.owner = nullptr;
    }
  }
  for (auto& t : about_to_send_) {
    if (t.owner == &owner) t.owner = nullptr;
  }
}

void mgc::bound(transactions& all) {
  constexpr std::size_t most = 4096;
  if (all.size() > most) all.erase(all.begin());
}

void mgc::deliver(call_control* owner, const traced_message& message) const {
  if (owner) {
    owner->on_traced(message);
  } else if (on_traced) {
    on_traced(message);
  }
}

// A message is told to the call that it is about: by transaction id, or by the context that a Notify names.
void mgc::trace(h248::direction d, std::string_view text) {
  const auto parsed = h248::parse(std::string(text));
  if (!parsed.readable()) return;
  const bool sent = d == h248::direction::sent;
  for (const auto& t : parsed->transactions) {
    traced_message m;
    m.sent = sent;
    m.text = std::string(text);
    if (const auto* request = std::get_if<h248::transaction_request>(&t)) {
      m.transaction = request->id.value;
      auto& all = sent ? ours_ : theirs_;
      auto found = all.find(m.transaction);
      if (found == all.end()) {
        transaction_owner fresh;
        if (sent && !about_to_send_.empty()) {
          fresh = std::move(about_to_send_.front());
          about_to_send_.pop_front();
        } else if (!sent && !request->actions.empty()) {
          const auto by = by_context_.find(request->actions.front().context.value);
          if (by != by_context_.end()) fresh.owner = by->second;
        }
        bound(all);
        found = all.emplace(m.transaction, std::move(fresh)).first;
      }
      auto& known = found->second;
      m.repeated = known.seen++ > 0;
      m.step = known.step;
      m.summary = known.summary.empty() ? summary_of(request->actions) : known.summary;
      deliver(known.owner, m);
    } else if (const auto* reply = std::get_if<h248::transaction_reply>(&t)) {
      m.transaction = reply->id.value;
      auto& all = sent ? theirs_ : ours_;
      const auto found = all.find(m.transaction);
      m.error = error_in(*reply);
      m.summary = m.error ? "Error " + std::to_string(*m.error) : "Reply " + summary_of(reply->actions);
      if (found == all.end()) {
        deliver(nullptr, m);
        continue;
      }
      m.repeated = found->second.answered++ > 0;
      // A request's reply is the second arrow behind it; between them the gateway does its part.
      if (found->second.step != 0) m.step = found->second.step + 2;
      deliver(found->second.owner, m);
    }
  }
}

}  // namespace agw::controller
