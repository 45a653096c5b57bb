// What the grammar has but once, and what it has elsewhere only: refused, with the code of H.248.8 that says so.
#include <agw/h248/text.hpp>

#include <string>
#include <string_view>

#include <catch2/catch.hpp>

using namespace agw::h248;

namespace {

// The code of the only error in a message of version 3 that holds this; with `column` in it.
void refused(std::string_view text, error_code code, unsigned column) {
  const std::string before = "!/3 m ";
  const parsed_message m = parse(before + std::string(text));
  INFO(text);
  REQUIRE(m.errors().size() == 1);
  const auto& e = m.errors().front();
  CHECK(static_cast<int>(e.code) == static_cast<int>(code));
  CHECK(e.column - before.size() == column);
}

void in_audit(std::string_view items, error_code code, unsigned column) {
  refused("T=1{C=1{AV=a{AT{" + std::string(items) + "}}}}", code, 16 + column);
}

bool accepted(std::string_view text) {
  const parsed_message m = parse("!/3 m " + std::string(text));
  return m.ok() && parse(to_text(*m)).ok() && *parse(to_text(*m)) == *m;
}

}  // namespace

TEST_CASE("a descriptor that is audited twice is refused with 448, an item with 456") {
  in_audit("M,M", error_code::descriptor_twice, 3);
  in_audit("SG,E,M,SG", error_code::descriptor_twice, 8);
  in_audit("PG,PG", error_code::descriptor_twice, 4);
  in_audit("SA{a/b,A/B}", error_code::property_twice, 8);
  in_audit("SA{a/b},SA{a/b}", error_code::property_twice, 12);
  in_audit("M{TS{a/b,a/b}}", error_code::property_twice, 10);
  in_audit("M{TS{a/b}},M{TS{a/b}}", error_code::property_twice, 17);
  in_audit("M{TS{BF,BF}}", error_code::property_twice, 9);
  in_audit("M{TS{SI}},M{TS{SI}}", error_code::property_twice, 16);
  in_audit("M{TS{SI#OS}},M{TS{SI # OutOfService}}", error_code::property_twice, 19);
  in_audit("M{O{MO}},M{O{MO}}", error_code::property_twice, 14);
  in_audit("M{O{RV,RV}}", error_code::property_twice, 8);
  in_audit("M{O{RG}},M{O{ReservedGroup}}", error_code::property_twice, 14);
  in_audit("M{ST=1{O{a/b}},ST=1{O{a/b}}}", error_code::property_twice, 23);
  in_audit("M{O{a/b=1,a/b = 1}}", error_code::property_twice, 11);
  in_audit("M{O{a/b=[1,2],a/b=[1,2]}}", error_code::property_twice, 15);
  in_audit("M{L{}},M{L{}}", error_code::property_twice, 10);
  in_audit("M{ST=1{L{},L{}}}", error_code::descriptor_twice, 12);
  in_audit("M{ST=1{SA{a/b}}},M{ST=1{SA{a/b}}}", error_code::property_twice, 28);
  in_audit("E{a/b},E{a/b}", error_code::property_twice, 10);
  in_audit("E=1{a/b},E=1{a/b}", error_code::property_twice, 14);
  in_audit("EB{a/b},EB{a/b}", error_code::property_twice, 12);
  in_audit("EB{a/b{x}},EB{a/b{x}}", error_code::property_twice, 19);
  in_audit("SG{a/b},SG{a/b }", error_code::property_twice, 12);
  in_audit("SG{a/b{ST=1,SPARQ=2},a/b{SPARQ=2,ST=01}}", error_code::property_twice, 22);
  in_audit("SG{SL=1},SG{SL=1}", error_code::property_twice, 13);
  in_audit("SG{SL=1{a/b,a/b}}", error_code::property_twice, 13);
  in_audit("SG{},SG{}", error_code::property_twice, 6);
  in_audit("DM=x,DM=X", error_code::property_twice, 6);
  in_audit("PG{a-1,a-01}", error_code::property_twice, 8);
  refused("T=1{C=1{S=a{AT{SA{a/b},SA{a/b}}}}}", error_code::property_twice, 27);
  refused("T=1{C=-{SC=ROOT{SV{MT=RS,RE=\"1\",PG,PG}}}}", error_code::descriptor_twice, 36);
}

TEST_CASE("items of other streams, lists, ids and conditions are other items") {
  CHECK(accepted("T=1{C=1{AV=a{AT{M{ST=1{O{a/b}},ST=2{O{a/b}}},M{O{a/b}}}}}}"));
  CHECK(accepted("T=1{C=1{AV=a{AT{M{O{a/b,a/b>1,a/b<5,a/b#3,a/b=3,a/b=4,a/b={3,4},a/b=[3,4],a/b=[3:4]}}}}}}"));
  CHECK(accepted("T=1{C=1{AV=a{AT{M{O{MO}},M{O{MO=SR}},M{O{MO#SR}},M{O{MO#IN}}}}}}"));
  CHECK(accepted("T=1{C=1{AV=a{AT{E{a/b},E=1{a/b},E=2{a/b},E=*{a/b}}}}}"));
  CHECK(accepted("T=1{C=1{AV=a{AT{EB{a/b},EB{a/b{x}},EB{a/b{y}},EB{a/b{ST=1}},EB{a/b{ST=2}}}}}}"));
  CHECK(accepted("T=1{C=1{AV=a{AT{SG{a/b},SG{a/b{ST=1}},SG{a/b{SPARQ=1}},SG{SL=1},SG{SL=1{a/b}},SG{SL=2{a/b}}}}}}"));
  CHECK(accepted("T=1{C=1{AV=a{AT{M,M{L{}},M{R{}},SA,SA{a/b},SA{a/c},SA{b/b},PG{a-1,a-2}}}}}"));
}

TEST_CASE("thousands of audited items cost a pass, not a pass for each") {
  // Each is looked up among those before: in a list that would be 32 million comparisons.
  std::string text = "!/3 m T=1{C=1{AV=a{AT{SA{";
  for (int i = 0; i < 8000; ++i) text += (i ? ",a/p" : "a/p") + std::to_string(i);
  const parse_limits wide{.max_bytes = 1u << 20, .max_memory_bytes = 8u << 20};
  const parsed_message m = parse(text + "}}}}}", wide);
  REQUIRE(m.ok());
  const parsed_message twice = parse(text + ",a/p17}}}}}", wide);
  REQUIRE(twice.errors().size() == 1);
  CHECK(twice.errors().front().code == error_code::property_twice);
  // And they count as memory.
  CHECK(parse(text + "}}}}}").errors().front().code == error_code::insufficient_resources);
}

TEST_CASE("what a context is audited for stands once") {
  refused("T=1{C=1{CA{TP,TP}}}", error_code::syntax_error_in_action, 15);
  refused("T=1{C=1{CA{EG,PR,EG}}}", error_code::syntax_error_in_action, 18);
  refused("T=1{C=1{CA{PR,PR}}}", error_code::syntax_error_in_action, 15);
  refused("T=1{C=1{CA{IEPS,IEPS}}}", error_code::syntax_error_in_action, 17);
  refused("T=1{C=1{CA{a/b,CT{c/d,A/B}}}}", error_code::syntax_error_in_action, 23);
  CHECK(accepted("T=1{C=1{CA{TP,EG,PR,PR=1,IEPS,IEPS=ON,a/b,a/*,*/*,CT{a/b>1,a/b<5}}}}"));
}

TEST_CASE("properties of the context come before its audit") {
  refused("T=1{C=1{CA{TP},PR=1,S=a}}", error_code::syntax_error_in_action, 16);
  refused("T=1{C=1{CA{TP},TP{a,b,BW}}}", error_code::syntax_error_in_action, 16);
  refused("T=1{C=1{PR=1,CA{TP},CT{a/b=1}}}", error_code::syntax_error_in_action, 21);
  CHECK(accepted("T=1{C=1{PR=1,CA{TP},S=a}}"));
  CHECK(parse("!/1 m T=1{C=1{CA{TP},PR=1,S=a}}").errors().front().code == error_code::syntax_error_in_action);
}

TEST_CASE("a statistic, and Statistics in a reply, stand once") {
  refused("P=1{C=1{S=a{SA{a/b=1,a/c=2,A/B=3}}}}", error_code::property_twice, 28);
  refused("P=1{C=1{S=a{SA{a/b=1},SA{a/c=1}}}}", error_code::descriptor_twice, 23);
  refused("P=1{C=1{AV=a{SA,SA}}}", error_code::descriptor_twice, 17);
  refused("P=1{C=1{AV=a{M{ST=1{SA{a/b,a/b}}}}}}", error_code::property_twice, 28);
  refused("P=1{C=-{SC=ROOT{SV{V=3},SV{V=3}}}}", error_code::descriptor_twice, 25);
  refused("P=1{C=1{N=a{ER=1{},ER=2{}}}}", error_code::descriptor_twice, 20);
  // An answer to a wildcard has a Media for each.
  CHECK(accepted("P=1{C=1{AV=a{M{ST=1{SA{a/b=1}}},M{ST=2{SA{a/b=1}}},SA{a/b=2}}}}"));
}

TEST_CASE("a modem type and a reason to notify stand once") {
  refused("T=1{C=1{MF=a{MD[V18,V22,V18]}}}", error_code::property_twice, 25);
  CHECK(accepted("T=1{C=1{MF=a{MD[V18,X-a,X-a,V22b]}}}"));
  refused("T=1{C=1{MF=a{SG{a/b{NC={TO,TO}}}}}}", error_code::property_twice, 28);
  refused("T=1{C=1{MF=a{SG{a/b{NC={TO,IBE,TimeOut}}}}}}", error_code::property_twice, 32);
}

TEST_CASE("a reply is not optional") {
  refused("P=1{C=1{O-A=a}}", error_code::syntax_error_in_command, 9);
  refused("P=1{C=1{O-W-AV=a}}", error_code::syntax_error_in_command, 9);
  CHECK(accepted("P=1{C=1{W-AV=a}}"));
}

TEST_CASE("AuditCapability of a digit map is refused with 447") {
  refused("T=1{C=1{AC=a{AT{M,DM}}}}", error_code::descriptor_not_legal, 19);
  refused("T=1{C=1{AC=a{AT{DM=x}}}}", error_code::descriptor_not_legal, 17);
  CHECK(accepted("T=1{C=1{AV=a{AT{DM}},AV=b{AT{DM=x}}}}"));
}

TEST_CASE("a Reason that is empty is refused with 449") {
  refused("T=1{C=-{SC=ROOT{SV{MT=RS,RE=\"\"}}}}", error_code::unknown_value, 29);
}

TEST_CASE("a signal of a list has a type, or is refused with 457") {
  refused("T=1{C=1{MF=a{SG{SL=1{a/b}}}}}", error_code::missing_parameter, 22);
  refused("T=1{C=1{MF=a{SG{SL=1{a/b{SY=TO,DR=5},a/c{DR=5}}}}}}", error_code::missing_parameter, 38);
  CHECK(accepted("T=1{C=1{MF=a{SG{a/b,SL=1{a/b{SY=TO,DR=5},a/c{SY=BR}}}}}}"));
}

TEST_CASE("version 1 has no EmergencyOff") {
  for (const char* text : {"!/1 m T=1{C=1{EGO,S=a}}", "!/1 m P=1{C=1{EmergencyOff}}"}) {
    const parsed_message m = parse(text);
    REQUIRE(m.errors().size() == 1);
    CHECK(m.errors().front().code == error_code::syntax_error_in_action);
  }
}
