#include "call.hpp"

#include <algorithm>
#include <random>

#include "agw/core/error.hpp"
#include "agw/core/log.hpp"
#include "agw/core/until.hpp"
#include "call_failure.hpp"

namespace agw::controller {

namespace {

std::string random_word(std::size_t size) {
  static constexpr char letters[] = "abcdefghijklmnopqrstuvwxyz0123456789";
  std::random_device random;
  std::string out;
  for (std::size_t i = 0; i < size; ++i) out += letters[random() % 36];
  return out;
}

std::string host_text(const asio::ip::address& a) { return a.is_v6() ? "[" + a.to_string() + "]" : a.to_string(); }

std::string core_remote(const asio::ip::address& address, std::uint16_t port, std::string_view setup, std::string_view path, bool aware) {
  return "v=0\nc=IN " + std::string(address.is_v6() ? "IP6 " : "IP4 ") + address.to_string() + "\nm=message " + std::to_string(port) +
         (aware ? " TCP/MSRP *" : " TCP *") + "\na=setup:" + std::string(setup) + "\na=path:" + std::string(path) + "\n";
}

}  // namespace

call::call(std::string name, call_environment environment, call_options options)
    : name_(std::move(name)), env_(std::move(environment)), options_(std::move(options)) {}

call::~call() { env_.control.detach(*this); }

void call::post(call_message message) {
  inbox_.push_back(std::move(message));
  inbox_changed_.set();
}

awaitable<void> call::run(std::string offer, std::vector<channel> channels) {
  std::string cause;
  std::exception_ptr cancelled;
  try {
    auto body = [&](task_group& tasks) -> awaitable<void> {
      if (offer.empty()) {
        co_await terminate(tasks, std::move(channels));
      } else {
        co_await originate(tasks, std::move(offer), std::move(channels));
      }
      co_await converse(tasks);
      co_await subtract();
    };
    co_await with_tasks("call " + name_, body);
    cause = end_cause_.value_or("requested");
  } catch (const call_failure& e) {
    json::object error;
    error["type"] = "error";
    error["call"] = name_;
    error["of"] = offer.empty() ? "call-me" : "offer";
    error["code"] = e.code();
    error["text"] = e.what();
    if (e.h248()) error["h248"] = *e.h248();
    env_.send(std::move(error));
    cause = "rejected";
  }
  if (cause == "rejected") co_await subtract();
  json::object released;
  released["type"] = "released";
  released["call"] = name_;
  released["cause"] = cause;
  released["statistics"] = std::move(statistics_);
  env_.send(std::move(released));
}

call::leg& call::add_leg(channel c) {
  auto l = std::make_unique<leg>();
  l->stream = next_stream_++;
  if (!c.id && !c.dcep) {  // the next free even id: we are the DTLS server as a rule
    std::uint16_t id = 0;
    while (std::any_of(legs_.begin(), legs_.end(), [&](const auto& other) { return other->wic.id == id; })) id += 2;
    c.id = id;
  }
  if (c.dcep) c.id.reset();
  l->wic = std::move(c);
  return *legs_.emplace_back(std::move(l));
}

// --- the core peer ---------------------------------------------------------------------------------------------------------

// Steps 5 to 7, told as the core peer's SDP: it answers with the role that is left to it.
std::string call::answer_of_core_peer(leg& l, task_group& tasks) {
  if (options_.peer) {
    boost::system::error_code ec;
    const auto address = asio::ip::make_address(options_.peer->address, ec);
    if (ec) throw call_failure("peer", "options.peer.address is no address");
    l.bot_path = options_.peer->path;
    return core_remote(address, options_.peer->port, "passive", l.bot_path, options_.aware);
  }
  const bool dial = options_.core_setup == "passive";
  std::uint16_t port = 9;
  if (!dial) {
    auto opened = tcp::listener::open(tasks.get_executor(), env_.bot_address, env_.ports);
    if (!opened) throw call_failure("peer", "the bot has no port: " + opened.error().message());
    l.listener = std::move(*opened);
    port = l.listener->local().port();
  }
  l.bot_path = "msrp://" + host_text(env_.bot_address) + ":" + std::to_string(port) + "/" + random_word(12) + ";tcp";
  tasks.spawn("bot", [this, &l, dial] { return serve_bot(l, dial); });
  // Who dials names the discard port (RFC 4145), which a Remote cannot have: the gateway only listens then.
  return core_remote(env_.bot_address, dial ? 9 : port, dial ? "active" : "passive", l.bot_path, options_.aware);
}

awaitable<void> call::serve_bot(leg& l, bool dial) {
  try {
    std::unique_ptr<tcp::stream> stream;
    if (dial) {
      while (l.core_local.empty()) co_await sleep_until(deadline_after(std::chrono::milliseconds(10)));
      const auto to = transport_of(l.core_local);
      stream = co_await tcp::connect(tcp::endpoint(asio::ip::make_address(to.address), to.port), env_.bot_address);
    } else {
      stream = co_await l.listener->accept(std::nullopt);
    }
    // In a WIC-terminated call the core peer is there before the WIC has answered.
    while (!options_.aware && l.wic.path.empty()) co_await l.wic_known.wait();
    const std::string peer = options_.aware ? transport_of(l.core_local).path : l.wic.path;
    bot_session session(l.bot_path, peer);
    session.on_first_message = [this, &l] { finished("msrp", l.stream); };
    co_await session.run(*stream);
    co_await stream->close(deadline_after(std::chrono::seconds(1)));
  } catch (const stage_error& e) {
    log::info("call {}: bot: {}", name_, e.what());
  }
}

// --- the call flow ---------------------------------------------------------------------------------------------------------

awaitable<void> call::originate(task_group& tasks, std::string offer, std::vector<channel> channels) {
  tell_step(1, "WIC", "eP-CSCF", "SDP offer", offer);
  auto read = read_wic(offer);
  if (!read) throw call_failure("bad-sdp", read.error().text);
  wic_ = std::move(*read);
  if (channels.empty()) channels = wic_.channels;
  if (channels.empty()) throw call_failure("bad-message", "no channels");
  if (!env_.control.gateway()) throw call_failure("no-gateway", "no gateway is registered");
  for (auto& c : channels) add_leg(std::move(c));
  for (const auto& l : legs_) {
    co_await reserve_core(*l, nullptr);                         // 2 to 4
    tell_step(6, "eP-CSCF", "IMS peer", "SDP offer", l->core_local);
    auto answer = answer_of_core_peer(*l, tasks);
    tell_step(7, "IMS peer", "eP-CSCF", "SDP answer", answer);
    co_await configure_core(*l, std::move(answer));             // 8 to 10
    l->wic_to_path = options_.aware ? "msrps://" + host_text(env_.bot_address) + ":9/" + random_word(12) + ";dc" : l->bot_path;
  }
  co_await configure_access(&wic_.remote, "passive");           // 11 to 13
  std::vector<std::string> lines;
  for (const auto& l : legs_) {
    for (auto& line : channel_lines(l->wic, l->wic_to_path, "passive", !options_.aware)) {
      if (l->wic.id) lines.push_back(std::move(line));
    }
  }
  json::object answer;
  answer["type"] = "answer";
  answer["call"] = name_;
  auto sdp = description_for_wic(access_local_, wic_.mid, wic_.bundle, "passive", lines);
  tell_step(14, "eP-CSCF", "WIC", "SDP answer", sdp);           // 14, 15
  answer["sdp"] = std::move(sdp);
  answer["channels"] = channels_json();
  env_.send(std::move(answer));
}

awaitable<void> call::terminate(task_group& tasks, std::vector<channel> channels) {
  if (!env_.control.gateway()) throw call_failure("no-gateway", "no gateway is registered");
  if (channels.empty()) channels.emplace_back().label = "chat";
  for (auto& c : channels) add_leg(std::move(c));
  for (const auto& l : legs_) {
    auto offer = answer_of_core_peer(*l, tasks);
    tell_step(1, "IMS peer", "eP-CSCF", "SDP offer", offer);
    co_await reserve_core(*l, &offer);
    started("tcp", l->stream);
    l->wic_to_path = options_.aware ? "msrps://" + host_text(env_.bot_address) + ":9/" + random_word(12) + ";dc" : l->bot_path;
  }
  co_await configure_access(nullptr, "actpass");
  std::vector<std::string> lines;
  for (const auto& l : legs_) {
    for (auto& line : channel_lines(l->wic, l->wic_to_path, "actpass", !options_.aware)) lines.push_back(std::move(line));
  }
  json::object incoming;
  incoming["type"] = "incoming";
  incoming["call"] = name_;
  auto sdp = description_for_wic(access_local_, "0", true, "actpass", lines);
  tell_step(6, "eP-CSCF", "WIC", "SDP offer", sdp);
  incoming["sdp"] = std::move(sdp);
  incoming["channels"] = channels_json();
  env_.send(std::move(incoming));
  for (;;) {
    while (inbox_.empty()) co_await inbox_changed_.wait();
    auto m = std::move(inbox_.front());
    inbox_.pop_front();
    if (m.type == "release") {
      end_cause_ = "requested";
      co_return;
    }
    if (m.type != "answer") continue;
    tell_step(7, "WIC", "eP-CSCF", "SDP answer", m.sdp);
    auto read = read_wic(m.sdp);
    if (!read) throw call_failure("bad-sdp", read.error().text);
    wic_ = std::move(*read);
    if (m.channels.empty()) m.channels = wic_.channels;
    for (const auto& c : m.channels) {
      for (const auto& l : legs_) {
        if (l->wic.id == c.id) {
          l->wic.path = c.path;
          l->wic.setup = c.setup;
          l->wic_known.set();
        }
      }
    }
    co_await configure_access(&wic_.remote, "actpass");
    co_return;
  }
}

// The established call: what the WIC asks and the gateway notifies, until one of them ends it.
awaitable<void> call::converse(task_group& tasks) {
  while (!end_cause_) {
    if (inbox_.empty()) {
      co_await inbox_changed_.wait();
      continue;
    }
    auto m = std::move(inbox_.front());
    inbox_.pop_front();
    if (m.type == "release") end_cause_ = "requested";
    if (m.type == "modify") co_await modify(tasks, std::move(m.channels));
    if (m.type == "mode") co_await set_mode(m);
    if (m.type == "audit") co_await audit();
  }
}

awaitable<void> call::modify(task_group& tasks, std::vector<channel> channels) {
  std::vector<leg*> fresh;
  for (auto& c : channels) {
    const bool known = std::any_of(legs_.begin(), legs_.end(), [&](const auto& l) { return c.id && l->wic.id == c.id; });
    if (!known) fresh.push_back(&add_leg(std::move(c)));
  }
  std::vector<std::unique_ptr<leg>> gone;
  for (auto& l : legs_) {
    const bool is_fresh = std::find(fresh.begin(), fresh.end(), l.get()) != fresh.end();
    const bool kept = std::any_of(channels.begin(), channels.end(), [&](const channel& c) { return c.id && c.id == l->wic.id; });
    if (!is_fresh && !kept) gone.push_back(std::move(l));
  }
  std::erase_if(legs_, [](const auto& l) { return !l; });
  for (auto& l : gone) closed_legs_.push_back(std::move(l));  // their bots may still run
  for (auto* l : fresh) {
    co_await reserve_core(*l, nullptr);
    co_await configure_core(*l, answer_of_core_peer(*l, tasks));
    l->wic_to_path = options_.aware ? "msrps://" + host_text(env_.bot_address) + ":9/" + random_word(12) + ";dc" : l->bot_path;
  }
  co_await configure_access(nullptr, "passive");
  for (auto* l : fresh) started("channel", l->stream);
  json::object answer;
  answer["type"] = "answer";
  answer["call"] = name_;
  answer["channels"] = channels_json();
  env_.send(std::move(answer));
}

json::array call::channels_json() const {
  json::array out;
  const auto max = transport_of(access_local_).max_message_size;
  for (const auto& l : legs_) {
    json::object one;
    if (l->wic.id) one["id"] = *l->wic.id;
    one["label"] = l->wic.label;
    one["subprotocol"] = l->wic.subprotocol;
    one["setup"] = l->wic.setup == "active" ? "passive" : l->wic.setup == "passive" ? "active" : "actpass";
    one["path"] = l->wic_to_path;
    one["acceptTypes"] = json::array{"*"};
    one["max"] = max;
    if (l->wic.dcep) one["dcep"] = true;
    out.push_back(std::move(one));
  }
  return out;
}

}  // namespace agw::controller
