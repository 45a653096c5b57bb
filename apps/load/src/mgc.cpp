#include "mgc.hpp"

#include "agw/control/links.hpp"
#include "agw/core/log.hpp"
#include "agw/h248/error.hpp"
#include "agw/h248/transaction_executor.hpp"
#include "call_failure.hpp"

namespace agw::load {

namespace {

// What an eP-CSCF wants to know of a call.
h248::events_descriptor wanted_events() {
  h248::events_descriptor out;
  out.id = h248::request_id{1000};
  for (const auto name : {"tcpbcc/BNCChange", "tlsbsc/BNCChange", "sctpbcc/BNCChange", "dcep/chg", "ostuncc/ccr", "stnconfres/fail", "g/cause"}) {
    out.events.emplace_back().name = h248::item_name::of(name);
  }
  return out;
}

std::string_view local_in(const h248::command& reply, std::uint16_t stream) {
  const auto* media = reply.find<h248::media_descriptor>();
  const auto* s = media ? media->find(h248::stream_id{stream}) : nullptr;
  return s && s->local ? *s->local : std::string_view();
}

h248::stream_descriptor& add_stream(h248::media_descriptor& media, std::uint16_t id) {
  auto& stream = media.streams.emplace_back();
  stream.id = h248::stream_id{id};
  stream.parameters.control.emplace().mode = h248::stream_mode::send_receive;
  return stream;
}

h248::property text_property(std::string_view name, std::string_view value) {
  h248::property out;
  out.name = h248::item_name::of(name);
  out.values = h248::one(h248::quoted(value));
  return out;
}

constexpr std::uint16_t association = 1;
constexpr std::uint16_t component = 2;

h248::registry_config registry_settings() {
  h248::registry_config out;
  out.audit_interval = std::chrono::seconds(0);
  return out;
}

}  // namespace

class mgc::runner final : public h248::command_handler {
 public:
  explicit runner(mgc& m) : mgc_(m) {}
  awaitable<void> run(h248::action_state& at, const h248::command& c) override {
    if (c.kind == h248::command_kind::service_change && c.termination().is_root()) {
      mgc_.registry_.service_change(at, c);
    } else if (!mgc_.registry_.heard(at.request())) {
      at.fail(c, h248::error_code::unauthorized_entity, "not registered");
    } else {
      if (c.kind == h248::command_kind::notify) mgc_.notified(at.asked().context, c);
      at.answer(c);
    }
    co_return;
  }

 private:
  mgc& mgc_;
};

h248::command& mgc::transaction::add(h248::context_id context, h248::command_kind kind, std::string_view termination) {
  if (actions.empty()) actions.emplace_back().context = context;
  auto& c = actions.front().commands.emplace_back();
  c.kind = kind;
  c.terminations.push_back(h248::termination_id{termination});
  return c;
}

mgc::mgc(loop_executor executor, gateway_names names)
    : names_(std::move(names)), control_(executor, h248::endpoint_config()), registry_(control_, registry_settings()) {
  control_.on_request([this](const h248::incoming_request& request, h248::outgoing_reply& reply) -> awaitable<void> {
    runner commands(*this);
    co_await h248::execute(request, reply, commands);
  });
  registry_.on_change([this](h248::gateway_change what, const h248::registered_gateway& gateway) { changed(what, gateway); });
}

bool mgc::listen(const std::vector<h248::peer_address>& ends) {
  via_ = ends.front().via;
  return control::add_links(control_, ends, h248::link_side::controller);
}

h248::peer_address mgc::local() const { return control_.local(via_).value(); }

awaitable<void> mgc::run() { co_await control_.run(); }

void mgc::changed(h248::gateway_change what, const h248::registered_gateway& gateway) {
  using enum h248::gateway_change;
  switch (what) {
    case restarted:
    case reconnected:
    case resumed: {
      const bool anew = gateway_ && gateway_->mid == gateway.mid && what == restarted;
      gateway_ = gateway;
      gateway_came_.set();
      if (anew && on_gateway_lost) on_gateway_lost("the gateway restarted");
      break;
    }
    case gone:
    case lost:
      if (!gateway_ || !(gateway_->mid == gateway.mid)) break;
      lose_gateway(what == gone ? "the gateway left" : "the gateway does not answer");
      break;
    case draining:
    case silent:
    case heard: break;
  }
}

void mgc::lose_gateway(std::string why) {
  if (!gateway_) return;
  gateway_.reset();
  if (on_gateway_lost) on_gateway_lost(std::move(why));
}

awaitable<void> mgc::registered() {
  while (!gateway_) co_await gateway_came_.wait();
}

std::string mgc::gateway_name() const { return gateway_ ? h248::to_text(h248::mid(gateway_->mid)) : std::string(); }

std::string mgc::chosen(const std::string& interface) const { return "ip/" + std::to_string(names_.group) + "/" + interface + "/$"; }

awaitable<h248::incoming_reply> mgc::perform(transaction& what) {
  if (!gateway_) throw call_failure("h248:no-gateway");
  ++counts_.transactions;
  const auto to = gateway_->address;
  const auto version = control_.version(to);
  auto sending = control_.request(to, what.actions, version);
  auto reply = co_await std::move(sending);
  if (!reply) {
    const bool timed_out = reply.error() == h248::errc::timed_out;
    if (timed_out) lose_gateway("the gateway does not answer");  // those behind it need not wait as long
    throw call_failure("h248:" + (timed_out ? std::string("timeout") : reply.error().message()));
  }
  if (const auto* e = reply->error()) {
    log::info("H.248: error {} {}", static_cast<unsigned>(e->code), log::printable(e->text));
    throw call_failure("h248:" + std::to_string(static_cast<unsigned>(e->code)));
  }
  const bool answered = !(*reply)->actions.empty() && !(*reply)->actions.front().commands.empty();
  if (!answered) throw call_failure("h248:empty-reply");
  co_return std::move(*reply);
}

awaitable<mgc::core_termination> mgc::reserve_core(const call_request& request) {
  transaction what;
  auto& command = what.add(h248::context_id::choose(), h248::command_kind::add, what.keep(chosen(names_.core_interface)));
  h248::media_descriptor media;
  auto& stream = add_stream(media, component);
  if (!names_.core_realm.empty()) stream.parameters.control->properties.push_back(text_property("ipdc/realm", names_.core_realm));
  stream.parameters.local = what.keep(core_local(request.core));
  command.add(std::move(media));
  command.add(wanted_events());
  const auto reply = co_await perform(what);
  const auto& action = reply->actions.front();
  const auto& answer = action.commands.front();
  core_termination out;
  out.context = action.context.value;
  out.name = answer.termination().name;
  out.local = local_in(answer, component);
  co_return out;
}

awaitable<void> mgc::configure_core(const core_termination& at, const call_request& request) {
  transaction what;
  auto& command = what.add(h248::context_id{at.context}, h248::command_kind::modify, at.name);
  h248::media_descriptor media;
  auto& stream = add_stream(media, component);
  stream.parameters.local = std::string_view(at.local);
  stream.parameters.remote = what.keep(core_remote(request.core, request.core_path));
  command.add(std::move(media));
  co_await perform(what);
}

awaitable<gateway_description> mgc::add_access(std::uint32_t context, const call_request& request) {
  transaction what;
  auto& command = what.add(h248::context_id{context}, h248::command_kind::add, what.keep(chosen(names_.access_interface)));
  h248::media_descriptor media;
  media.state.emplace().properties.push_back(text_property("mgroup/sem", "DEAGG 1 2"));
  auto& first = add_stream(media, association);
  first.parameters.local = what.keep(association_local(request.wic));
  first.parameters.remote = what.keep(association_remote(request.wic));
  auto& second = add_stream(media, component);
  second.parameters.local = what.keep(channel_lines(request.wic, "passive", request.core_path));
  second.parameters.remote = what.keep(channel_lines(request.wic, "active", request.wic_path));
  command.add(std::move(media));
  command.add(wanted_events());
  const auto reply = co_await perform(what);
  auto gateway = read_association(local_in(reply->actions.front().commands.front(), association));
  if (!gateway) throw call_failure("h248:bad-local");
  co_return std::move(*gateway);
}

awaitable<open_call> mgc::open(call_request request) {
  open_call out;
  std::exception_ptr failed;
  try {
    const auto core = co_await reserve_core(request);
    out.context = core.context;
    calls_.insert_or_assign(out.context, std::move(request.on_failure));
    co_await configure_core(core, request);
    out.gateway = co_await add_access(out.context, request);
  } catch (const call_failure&) {
    failed = std::current_exception();
  }
  if (failed) {
    if (out.context != 0) co_await release(out.context);
    std::rethrow_exception(failed);
  }
  co_return out;
}

awaitable<bool> mgc::release(std::uint32_t context) {
  calls_.erase(context);
  transaction what;
  what.add(h248::context_id{context}, h248::command_kind::subtract, "*");
  bool done = true;
  try {
    co_await perform(what);
  } catch (const call_failure& e) {
    log::info("Subtract: {}", e.what());
    done = false;
  }
  if (!done) ++counts_.unreleased;
  co_return done;
}

namespace {

// The Cause of an event that says that something failed.
std::optional<std::string> cause_in(const h248::observed_event& e) {
  const auto text_of = [&e](std::string_view name) {
    const auto* p = h248::find(e.parameters, name);
    return p ? std::string(p->values.first().text) : std::string();
  };
  const bool of_check = e.name.is("ostuncc/ccr");
  const bool failed = e.name.is("stnconfres/fail") || h248::iequals(text_of(of_check ? "result" : "Type"), "Fail");
  if (!failed) return std::nullopt;
  auto cause = text_of("Cause");
  return cause.empty() ? h248::to_text(e.name) : cause;
}

}  // namespace

void mgc::notified(h248::context_id context, const h248::command& notify) {
  ++counts_.notifies;
  const auto* all = notify.find<h248::observed_events_descriptor>();
  const auto call = calls_.find(context.value);
  if (all == nullptr || call == calls_.end() || !call->second) return;
  for (const auto& e : all->events) {
    if (auto cause = cause_in(e)) call->second(std::move(*cause));
  }
}

}  // namespace agw::load
