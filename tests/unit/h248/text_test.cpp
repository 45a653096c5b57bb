// The profile's own messages: read, look into, write, read again.
#include <agw/h248/text.hpp>

#include <string>

#include <catch2/catch.hpp>

#include "unit/h248/examples.hpp"

using namespace agw::h248;

namespace {

const transaction_request& request_of(const parsed_message& m, std::size_t n = 0) {
  return std::get<transaction_request>(m->transactions[n]);
}

}  // namespace

TEST_CASE("the Add of a data-channel call is read in all its parts") {
  const parsed_message m = parse(h248_examples::add);
  REQUIRE(m.ok());
  CHECK(m.readable());
  CHECK(m->version == 3);
  CHECK(m->from == mid{mid::form::ip4, "127.0.0.1", 2944});
  REQUIRE(m->transactions.size() == 1);
  const auto& request = request_of(m);
  CHECK(request.id.value == 11);
  REQUIRE(request.actions.size() == 1);
  CHECK(request.actions.front().context.is_choose());
  const command& add = request.actions.front().commands.front();
  CHECK(add.kind == command_kind::add);
  CHECK(add.termination() == termination_id{"IP/1/access/$"});
  CHECK(add.termination().has_choose());
  CHECK(add.termination().fields() == 4);
  CHECK(add.termination().field(2) == "access");

  const auto* media = add.find<media_descriptor>();
  REQUIRE(media != nullptr);
  CHECK(find(media->state->properties, "MGROUP/sem")->values.single() == quoted("DEAGG 1 2"));
  REQUIRE(media->streams.size() == 2);
  const auto* s1 = media->find(stream_id{1});
  REQUIRE(s1 != nullptr);
  CHECK(s1->control->mode == stream_mode::send_receive);
  CHECK(find(s1->control->properties, "ipdc/realm")->values.first() == quoted("access"));
  CHECK(s1->local->starts_with("v=0\nc=IN IP4 $\n"));
  CHECK(s1->local->ends_with("a=max-message-size:262144"));
  CHECK(s1->remote->ends_with("a=sctp-port:5000"));
  CHECK_FALSE(media->find(stream_id{2})->remote.has_value());

  const auto* events = add.find<events_descriptor>();
  REQUIRE(events != nullptr);
  CHECK(events->id == request_id{1000});
  REQUIRE(events->events.size() == 3);
  CHECK(events->events[1].name.is("hangterm/thb"));
  CHECK(find(events->events[1].parameters, "TIMERX")->values.first().as_integer() == 3600);
  CHECK(find(events->events[2].parameters, "type")->values.first().is("est"));
  const auto& signal = std::get<signal_request>(add.find<signals_descriptor>()->entries.front());
  CHECK(signal.name.is("sctpbcc/estbnc"));
  CHECK(signal.stream == stream_id{1});
}

TEST_CASE("a Notify keeps the case of strings and the time of the event") {
  const parsed_message m = parse(h248_examples::notify);
  REQUIRE(m.ok());
  const auto* seen = request_of(m).actions.front().commands.front().find<observed_events_descriptor>();
  REQUIRE(seen != nullptr);
  CHECK(seen->id == request_id{1000});
  const auto& event = seen->events.front();
  CHECK(event.time == time_stamp{20261123, 22013377});
  CHECK(event.stream == stream_id{2});
  CHECK(find(event.parameters, "label")->values.single() == quoted("chat"));
  CHECK_FALSE(find(event.parameters, "label")->values.single() == quoted("Chat"));
  CHECK(to_text(*m) == h248_examples::notify);
}

TEST_CASE("a registration and its answer are read") {
  const parsed_message m = parse(
      "MEGACO/1 [10.1.1.1]:2944\nTransaction=1{Context=-{ServiceChange=ROOT{Services{Method=Restart, "
      "Reason=\"901 Cold Boot\", Version=3, Profile=threegiq/1, 20080721T14013777}}}}");
  REQUIRE(m.ok());
  const command& c = request_of(m).actions.front().commands.front();
  CHECK(c.termination().is_root());
  const auto* services = c.find<services_descriptor>();
  REQUIRE(services != nullptr);
  CHECK(services->method == change_method::restart);
  CHECK(services->reason_code() == 901);
  CHECK(services->version == 3);
  CHECK(services->profile == profile_name{"ThreeGIq", 1});
  CHECK(services->time == time_stamp{20080721, 14013777});

  const parsed_message answer = parse(
      "!/1 [10.1.1.2]:2944 P=1{C=-{SC=ROOT{SV{V=3,MG=<mgc.example>:2955,20080721T14013800}}}}");
  REQUIRE(answer.ok());
  const auto& reply = std::get<transaction_reply>(answer->transactions.front());
  CHECK(reply.actions.front().commands.front().find<services_descriptor>()->mgc_to_try ==
        mid{mid::form::domain, "mgc.example", 2955});
}

TEST_CASE("a message built by hand is written in both layouts") {
  owned_message m;
  m->version = 3;
  m->from = {mid::form::ip4, "10.0.0.1", 2944};
  command answer{.kind = command_kind::add, .terminations = {{m.keep(std::string("ip/1/access/") + "7")}}};
  media_descriptor media;
  media.streams.push_back({stream_id{1}, {.local = "v=0\nc=IN IP4 192.0.2.1\nm=application 4000 UDP/DTLS/SCTP x\n"}});
  answer.add(std::move(media));
  action done{.context = {5}};
  done.commands.push_back(std::move(answer));
  transaction_reply reply{.id = {11}};
  reply.actions.push_back(std::move(done));
  m->transactions.push_back(std::move(reply));
  const std::string compact = to_text(*m);
  CHECK(compact ==
        "!/3 [10.0.0.1]:2944 P=11{C=5{A=ip/1/access/7{M{ST=1{L{\nv=0\nc=IN IP4 192.0.2.1\nm=application 4000 UDP/DTLS/SCTP "
        "x\n}}}}}}");
  CHECK(to_text(*m, layout::pretty) ==
        "MEGACO/3 [10.0.0.1]:2944\n"
        "Reply = 11 {\n"
        " Context = 5 {\n"
        "  Add = ip/1/access/7 {\n"
        "   Media {\n"
        "    Stream = 1 {\n"
        "     Local {\n"
        "v=0\n"
        "c=IN IP4 192.0.2.1\n"
        "m=application 4000 UDP/DTLS/SCTP x\n"
        "}\n"
        "    }\n"
        "   }\n"
        "  }\n"
        " }\n"
        "}\n");
}

TEST_CASE("values that the notation cannot hold as they are are made to fit") {
  owned_message m;
  m->version = 3;
  m->from = {mid::form::device, "mg1", {}};
  command notify{.kind = command_kind::notify, .terminations = {{"t1"}}};
  observed_events_descriptor seen{.id = {1}};
  seen.events.push_back({.name = item_name::of("dcep/chg"),
                         .parameters = {{"label", one(quoted("a\"}\x01{b"))}, {"proto", one(value{"two words"})}}});
  notify.add(std::move(seen));
  notify.add(error_descriptor{error_code::unknown_value, "\"quoted\""});
  action a{.context = {1}};
  a.commands.push_back(std::move(notify));
  m->transactions.push_back(transaction_request{.id = {1}, .actions = {a}});
  const std::string text = to_text(*m);
  CHECK(text == "!/3 mg1 T=1{C=1{N=t1{OE=1{dcep/chg{label=\"a'} {b\",proto=\"two words\"}},ER=449{\"'quoted'\"}}}}");
  CHECK(parse(text).ok());
}

TEST_CASE("a brace in a session description is escaped and comes back") {
  const std::string text = "!/1 [1.2.3.4] T=1{C=1{MF=a{M{L{\nv=0\na=x:{b\\}c\n}}}}}";
  const parsed_message m = parse(text);
  REQUIRE(m.ok());
  const auto* media = request_of(m).actions.front().commands.front().find<media_descriptor>();
  CHECK(*media->single->local == "v=0\na=x:{b}c");
  CHECK(to_text(*m) == text);
}

TEST_CASE("a parsed message survives moves, a copy of it can be changed") {
  parsed_message m = parse(h248_examples::add);
  parsed_message moved = std::move(m);
  message copy = *moved;
  CHECK(copy == *moved);
  copy.version = 2;
  auto& request = std::get<transaction_request>(copy.transactions.front());
  request.actions.front().commands.push_back(command{.kind = command_kind::subtract, .terminations = {{"x"}}});
  CHECK_FALSE(copy == *moved);
  moved.get() = copy;
  std::get<transaction_request>(moved.get().transactions.front()).actions.push_back(action{.context = {7}});
  CHECK(request_of(moved).actions.size() == 2);
}
