// The life of signals on a clock of the test's own: what is started, what ends, and when there is something to do next.
#include <catch2/catch.hpp>

#include "owned.hpp"
#include "signal_player.hpp"

using namespace agw;
using namespace agw::iq;
using namespace std::chrono_literals;

namespace {

const auto start = clock::time_point(1000s);

h248::signal_request signal(std::string_view name, h248::signal_type type, std::uint16_t duration = 0, std::uint16_t pause = 0) {
  h248::signal_request out;
  out.name = h248::item_name::of(name);
  out.type = type;
  if (duration > 0) out.duration = duration;
  if (pause > 0) out.intersignal_delay = pause;
  return out;
}

std::shared_ptr<const owned_signals> descriptor(h248::list<h248::signal_entry> entries) {
  h248::signals_descriptor out;
  out.entries = std::move(entries);
  return std::make_shared<const owned_signals>(out);
}

std::shared_ptr<const owned_signals> one(h248::signal_request s) {
  h248::list<h248::signal_entry> entries;
  entries.push_back(h248::signal_entry(std::move(s)));
  return descriptor(std::move(entries));
}

std::shared_ptr<const owned_signals> list(std::uint16_t id, std::vector<h248::signal_request> signals) {
  h248::signal_list all;
  all.id = id;
  for (auto& s : signals) all.signals.push_back(std::move(s));
  h248::list<h248::signal_entry> entries;
  entries.push_back(h248::signal_entry(std::move(all)));
  return descriptor(std::move(entries));
}

/// Starts and ends everything that is due; what happened, in words.
std::vector<std::string> due(signal_player& player, clock::time_point now) {
  std::vector<std::string> out;
  for (;;) {
    if (auto next = player.take_next(now)) {
      out.push_back("start " + h248::to_text(next->what->name));
      if (player.started(*next, now)) out.push_back("over " + h248::to_text(next->what->name));
      continue;
    }
    const auto expired = player.take_expired(now);
    if (!expired) return out;
    out.push_back("end " + h248::to_text(expired->what->name));
  }
}

using words = std::vector<std::string>;

}  // namespace

TEST_CASE("a brief signal is over with its start, and one that is on stays until it is replaced", "[iq]") {
  signal_player player;
  const auto brief = one(signal("a/brief", h248::signal_type::brief));
  CHECK(player.replace(brief, brief->descriptor).empty());
  CHECK(due(player, start) == words{"start a/brief", "over a/brief"});
  CHECK(player.next() == no_deadline);
  const auto on = one(signal("a/on", h248::signal_type::on_off));
  CHECK(player.replace(on, on->descriptor).empty());
  CHECK(due(player, start) == words{"start a/on"});
  CHECK(player.next() == no_deadline);
  const auto ended = player.replace(brief, brief->descriptor);
  REQUIRE(ended.size() == 1);
  CHECK(ended.front().what->name.is("a/on"));
}

TEST_CASE("what replaces a signal with a duration ends it, and nothing is left to come", "[iq]") {
  signal_player player;
  const auto lasting = one(signal("a/long", h248::signal_type::time_out, 65535));
  player.replace(lasting, lasting->descriptor);
  CHECK(due(player, start) == words{"start a/long"});
  CHECK(player.next() == start + 655350ms);
  const auto nothing = descriptor({});
  CHECK(player.replace(nothing, nothing->descriptor).size() == 1);
  CHECK(player.next() == no_deadline);
  CHECK(due(player, start + 700s).empty());
}

TEST_CASE("a signal with a duration ends at its time, and KeepActive does not begin it anew", "[iq]") {
  signal_player player;
  const auto first = one(signal("a/x", h248::signal_type::time_out, 500));
  player.replace(first, first->descriptor);
  due(player, start);
  auto again = signal("a/x", h248::signal_type::time_out, 500);
  again.keep_active = true;
  const auto kept = one(again);
  CHECK(player.replace(kept, kept->descriptor).empty());
  CHECK(due(player, start + 4999ms).empty());
  CHECK(due(player, start + 5s) == words{"end a/x"});
}

TEST_CASE("KeepActive of a signal that does not play is ignored", "[iq]") {
  signal_player player;
  auto quiet = signal("a/x", h248::signal_type::on_off);
  quiet.keep_active = true;
  const auto kept = one(quiet);
  CHECK(player.replace(kept, kept->descriptor).empty());
  CHECK(due(player, start).empty());
}

TEST_CASE("a list plays one after the other with its pauses, and is over behind the last", "[iq]") {
  signal_player player;
  const auto all = list(3, {signal("a/1", h248::signal_type::time_out, 200, 100), signal("a/2", h248::signal_type::brief, 0, 50),
                            signal("a/3", h248::signal_type::time_out, 300)});
  player.replace(all, all->descriptor);
  CHECK(due(player, start) == words{"start a/1"});
  CHECK(due(player, start + 2s) == words{"end a/1"});
  CHECK(player.next() == start + 3s);
  CHECK(due(player, start + 3s) == words{"start a/2", "over a/2"});
  CHECK(due(player, start + 3500ms) == words{"start a/3"});
  CHECK(due(player, start + 6500ms) == words{"end a/3"});
  CHECK(player.next() == no_deadline);
  CHECK(due(player, start + 100s).empty());
}

TEST_CASE("the same list again goes on as it is; an event ends it for good", "[iq]") {
  signal_player player;
  const auto all = list(3, {signal("a/1", h248::signal_type::time_out, 200), signal("a/2", h248::signal_type::on_off)});
  player.replace(all, all->descriptor);
  CHECK(due(player, start) == words{"start a/1"});
  const auto again = list(3, {signal("b/1", h248::signal_type::time_out, 900)});
  CHECK(player.replace(again, again->descriptor).empty());
  CHECK(due(player, start + 2s) == words{"end a/1", "start a/2"});
  CHECK(player.stop().size() == 1);
  CHECK(player.next() == no_deadline);
  CHECK(due(player, start + 20s).empty());
}

TEST_CASE("a player goes on where it is moved to", "[iq]") {
  signal_player here;
  {
    const auto all = list(1, {signal("a/1", h248::signal_type::time_out, 100, 100), signal("a/2", h248::signal_type::on_off)});
    here.replace(all, all->descriptor);
  }
  due(here, start);
  signal_player there = std::move(here);
  CHECK(due(there, start + 1s) == words{"end a/1"});
  CHECK(due(there, start + 2s) == words{"start a/2"});
}
