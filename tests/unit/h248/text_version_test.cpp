// The writer says what a version can say.
#include <agw/h248/text.hpp>

#include <string>

#include <catch2/catch.hpp>

using namespace agw::h248;

namespace {

std::string written(std::uint8_t version, const transaction& t, layout style = layout::compact) {
  std::string out;
  write_transaction(out, t, version, style);
  return out;
}

transaction reply_of(action a) {
  transaction_reply reply{.id = {1}};
  reply.actions.push_back(std::move(a));
  return reply;
}

}  // namespace

TEST_CASE("an action reply that says nothing has braces before version 3") {
  const auto nothing = reply_of(action{.context = {7}});
  CHECK(written(1, nothing) == "P=1{C=7{}}");
  CHECK(written(2, nothing) == "P=1{C=7{}}");
  CHECK(written(3, nothing) == "P=1{C=7}");
  CHECK(written(2, nothing, layout::pretty) == "Reply = 1 {\n Context = 7 {\n }\n}\n");
}

TEST_CASE("EmergencyOff is spelled as the version spells it, and is not in version 1") {
  action off{.context = {7}};
  off.properties.emergency = false;
  off.properties.priority = 3;
  const auto reply = reply_of(off);
  CHECK(written(1, reply) == "P=1{C=7{PR=3}}");
  CHECK(written(2, reply) == "P=1{C=7{PR=3,EGO}}");
  CHECK(written(3, reply) == "P=1{C=7{PR=3,EGO}}");
  CHECK(written(1, reply, layout::pretty).find("mergencyOff") == std::string::npos);
  CHECK(written(2, reply, layout::pretty).find("  EmergencyOffToken\n") != std::string::npos);
  CHECK(written(3, reply, layout::pretty).find("  EmergencyOff\n") != std::string::npos);
  action on{.context = {7}};
  on.properties.emergency = true;
  CHECK(written(1, reply_of(on)) == "P=1{C=7{EG}}");
  for (const char* text : {"!/2 m T=1{C=1{EmergencyOffToken,S=a}}", "!/2 m T=1{C=1{EGO,S=a}}", "!/3 m T=1{C=1{EmergencyOff,S=a}}"}) {
    const parsed_message m = parse(text);
    REQUIRE(m.ok());
    CHECK(*parse(to_text(*m, layout::pretty)) == *m);
  }
}

TEST_CASE("nothing is written behind a Segment") {
  const transaction part = segment_reply{.id = {8101}, .segment = {1, false}};
  const transaction last = segment_reply{.id = {8101}, .segment = {2, true}};
  CHECK(written(3, part) == "SM=8101/1");
  CHECK(written(3, last) == "SM=8101/2/&");
  CHECK(written(3, part, layout::pretty) == "Segment = 8101/1");
  CHECK(written(3, last, layout::pretty) == "Segment = 8101/2/&");
  // Read again where something follows: nothing separates them.
  const parsed_message m = parse("!/3 m SM=1/1SM=1/2/ENDSM=1/3/&P=2{C=1}SM=1/4/endT=3{C=1{S=a}}");
  REQUIRE(m.ok());
  REQUIRE(m->transactions.size() == 6);
  CHECK(std::get<segment_reply>(m->transactions[1]).segment == reply_segment{2, true});
  CHECK(m.deviations().empty());
  for (const auto style : {layout::compact, layout::pretty}) CHECK(*parse(to_text(*m, style)) == *m);
}

TEST_CASE("the answer to a registration carries the version") {
  command answer{.kind = command_kind::service_change, .terminations = {termination_id::root()}};
  services_descriptor services;
  services.version = 3;
  answer.add(std::move(services));
  action a{.context = context_id::null()};
  a.commands.push_back(std::move(answer));
  CHECK(written(1, reply_of(a)) == "P=1{C=-{SC=ROOT{SV{V=3}}}}");
  CHECK(written(1, reply_of(a), layout::pretty).find("Version = 3") != std::string::npos);
}
