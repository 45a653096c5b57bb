// What is read though the grammar does not have it: equipment sends it. Each is told, once, and written by the grammar where that can be
// done without changing what it says.
#include <agw/h248/text.hpp>

#include <string>
#include <string_view>
#include <vector>

#include <catch2/catch.hpp>

using namespace agw::h248;

namespace {

struct reading {
  std::string_view sent;
  std::string_view written;
  std::string_view what;
  unsigned column;
};

constexpr std::string_view termination = "a TerminationID that begins with a digit or holds '-' or '.'";
constexpr std::string_view map_name = "the name of a digit map begins with a digit or holds '-' or '.'";
constexpr std::string_view device = "a device name that begins with a digit or holds '-' or '.'";
constexpr std::string_view domain = "'_' in a domain name";
constexpr std::string_view separator = "no white space beside the brackets of the message id";
constexpr std::string_view end = "a NUL behind the last transaction";
constexpr std::string_view segment_end = "white space behind a Segment";
constexpr std::string_view ack = "a range of acknowledgements that goes on at 1 behind the greatest TransactionID";
constexpr std::string_view map = "'*' or '#' in a digit map";
constexpr std::string_view reason = "a ServiceChange without Reason";

const reading readings[] = {
    {"!/1 mg T=1{C=1{A=11111111/00000000/00000000}}", "!/1 mg T=1{C=1{A=11111111/00000000/00000000}}", termination, 18},
    {"!/1 mg T=1{C=1{A=a-b/1}}", "!/1 mg T=1{C=1{A=a-b/1}}", termination, 18},
    {"!/1 mg T=1{C=1{A=aal2/1.5}}", "!/1 mg T=1{C=1{A=aal2/1.5}}", termination, 18},
    {"!/1 mg T=1{C=1{S=*1/2}}", "!/1 mg T=1{C=1{S=*1/2}}", termination, 18},
    {"!/3 mg T=1{C=1{TP{a,1/2,BW},S=[a,1/2]}}", "!/3 mg T=1{C=1{TP{a,1/2,BW},S=[a,1/2]}}", termination, 21},
    {"!/3 mg P=1{C=1{AV=C{1,2}}}", "!/3 mg P=1{C=1{AV=C{1,2}}}", termination, 21},
    {"!/1 mg T=1{C=1{MF=a{DM=1map{1x}}}}", "!/1 mg T=1{C=1{MF=a{DM=1map{1x}}}}", map_name, 24},
    {"!/1 mg T=1{C=1{MF=a{DM=dial-plan.0{1x}}}}", "!/1 mg T=1{C=1{MF=a{DM=dial-plan.0{1x}}}}", map_name, 24},
    {"!/1 mg T=1{C=1{MF=a{E=1{dd/ce{DM=1map}}}}}", "!/1 mg T=1{C=1{MF=a{E=1{dd/ce{DM=1map}}}}}", map_name, 34},
    {"!/2 mg T=1{C=1{AV=a{AT{DM=dial-plan}}}}", "!/2 mg T=1{C=1{AV=a{AT{DM=dial-plan}}}}", map_name, 27},
    {"!/1 <mg_1.example>:2944 K{1}", "!/1 <mg_1.example>:2944 K{1}", domain, 8},
    {"!/1 mg T=1{C=1{S=a@mg_1.example}}", "!/1 mg T=1{C=1{S=a@mg_1.example}}", domain, 22},
    {"!/2[192.0.2.7]:2944 K{1}", "!/2 [192.0.2.7]:2944 K{1}", separator, 4},
    {"MEGACO/3<mg.example> K{1}", "!/3 <mg.example> K{1}", separator, 9},
    {"MEGACO/3 [192.0.2.7]Transaction=1{C=1{S=a}}", "!/3 [192.0.2.7] T=1{C=1{S=a}}", separator, 21},
    {"!/2<mg.example>ER=400{}", "!/2 <mg.example> ER=400{}", separator, 4},
    {"!/1 8mg/1 K{1}", "!/1 8mg/1 K{1}", device, 5},
    {"!/1 192.0.2.7 K{1}", "!/1 192.0.2.7 K{1}", device, 5},
    {"!/1 mg-1 K{1}", "!/1 mg-1 K{1}", device, 5},
    {"!/1 mg P=1{C=-{SC=ROOT{SV{MG=8mgc}}}}", "!/1 mg P=1{C=-{SC=ROOT{SV{MG=8mgc}}}}", device, 30},
    {"!/1 mg P=1{C=-{SC=ROOT{SV{AD=8mgc/1}}}}", "!/1 mg P=1{C=-{SC=ROOT{SV{AD=8mgc/1}}}}", device, 30},
    {"!/2 mg K{4294967290-4294967295,7,4294967294-3}", "!/2 mg K{4294967290-4294967295,7,4294967294-4294967295,1-3}", ack, 34},
    {"!/2 mg K{4294967295-0}", "!/2 mg K{4294967295}", ack, 10},
    {"!/1 mg T=1{C=1{MF=a{DM=d{(*xx|#[0-9*#].)}}}}", "!/1 mg T=1{C=1{MF=a{DM=d{(*xx|#[0-9*#].)}}}}", map, 27},
    {"!/1 mg T=1{C=-{SC=ROOT{SV{MT=RS}}}}", "!/1 mg T=1{C=-{SC=ROOT{SV{MT=RS}}}}", reason, 26},
    {"!/3 mg SM=8101/1\n", "!/3 mg SM=8101/1", segment_end, 17},
    {"!/3 mg SM=7/2/END P=3{C=1}", "!/3 mg SM=7/2/&P=3{C=1}", segment_end, 18},
    {"!/2 mg T=1{C=1{AV=a}}", "!/2 mg T=1{C=1{AV=a{AT{}}}}", "an audit without an Audit descriptor", 20},
    {"!/2 mg T=1{C=1{MF=a{E=1{dd/ce{DM{1x}}}}}}", "!/2 mg T=1{C=1{MF=a{E=1{dd/ce{DM={1x}}}}}}", "no '=' between DigitMap and its value", 33},
    {"!/2 mg T=1{C=1{CA{EG},PR=5,TP{a,b,BW},S=a}}", "!/2 mg T=1{C=1{TP{a,b,BW},PR=5,CA{EG},S=a}}",
     "ContextAudit in front of the properties of the context", 23},
    {"!/3 mg T=1{C=1{N=a{ER=518{}}}}", "!/3 mg T=1{C=1{N=a{ER=518{}}}}", "a Notify that does not begin with ObservedEvents", 20},
    {"!/3 mg T=1{C=1{AC=a{AT{PG}}}}", "!/3 mg T=1{C=1{AC=a{AT{PG}}}}", "an AuditCapability of Packages", 24},
    {"!/3 mg P=1{C=1{}}", "!/3 mg P=1{C=1}", "an action reply that says nothing", 15},
    {"!/2 mg P=1{C=1}", "!/2 mg P=1{C=1{}}", "an action reply that says nothing", 15},
};

std::vector<std::string_view> told(const parsed_message& m) {
  std::vector<std::string_view> out;
  for (const auto& d : m.deviations()) out.push_back(d.what);
  return out;
}

}  // namespace

TEST_CASE("what equipment sends besides the grammar is read, told, and written by the grammar where that says the same") {
  for (const auto& r : readings) {
    INFO(r.sent);
    const parsed_message m = parse(std::string(r.sent));
    for (const auto& e : m.errors()) INFO(e.column << ": expected " << e.expected);
    REQUIRE(m.ok());
    CHECK(told(m) == std::vector<std::string_view>{r.what});
    CHECK(m.deviations().front().column == r.column);
    CHECK(m.deviations().front().offset == r.column - 1);
    CHECK(m.deviations().front().line == 1);
    CHECK(to_text(*m) == r.written);
    for (const auto style : {layout::compact, layout::pretty}) {
      const parsed_message again = parse(to_text(*m, style));
      REQUIRE(again.ok());
      CHECK(*again == *m);
      // What is written by the grammar does not deviate any more; what is a name stays one.
      CHECK(again.deviations().empty() == (r.sent != r.written && r.sent != "!/2 mg P=1{C=1}"));
    }
  }
}

TEST_CASE("NULs, line ends and blanks behind the last transaction add no transaction") {
  for (const std::string& behind : {std::string(1, '\0'), std::string("\0\0\0", 3), std::string("\n\0", 2), std::string(" \r\n\0\r\n ", 7)}) {
    for (const std::string& sent : {"!/2 mg P=1{C=1{S=a}}" + behind, "!/2 mg T=1{C=1{S=a}}" + behind, "!/2 mg PN=1{}" + behind,
                                   "!/2 mg ER=400{}" + behind, "!/3 mg SM=1/2" + behind}) {
      const parsed_message m = parse(sent);
      INFO(sent);
      REQUIRE(m.ok());
      CHECK(m->transactions.size() == (m->error ? 0u : 1u));
      CHECK(m.deviations().back().what == end);
    }
  }
  // White space alone is LWSP of the last brace, and by the grammar.
  for (const char* behind : {"\n", "\r\n", "  ", " \t\r\n \n", ";comment\n"}) {
    const parsed_message m = parse(std::string("!/2 mg P=1{C=1{S=a}}") + behind);
    REQUIRE(m.ok());
    CHECK(m->transactions.size() == 1);
    CHECK(m.deviations().empty());
  }
  // In front of something else it is nothing but wrong.
  const parsed_message m = parse(std::string("!/2 mg P=1{C=1{S=a}}\0x", 22));
  CHECK(m.errors().size() == 1);
}

TEST_CASE("a range of acknowledgements goes round, but not backwards") {
  const auto ranges = [](const char* text) {
    const parsed_message m = parse(text);
    REQUIRE(m.ok());
    return std::get<transaction_ack>(m->transactions.front()).ranges;
  };
  using list_of = list<ack_range>;
  CHECK(ranges("!/2 mg K{4294967290-3}") == list_of{{{4294967290u}, {4294967295u}}, {{1}, {3}}});
  CHECK(ranges("!/2 mg K{2147483651-2}") == list_of{{{2147483651u}, {4294967295u}}, {{1}, {2}}});
  // Half of all ids and more is no range that anyone has open: it would acknowledge what was never answered.
  for (const char* text : {"!/2 mg K{9-3}", "!/2 mg K{5-4}", "!/2 mg K{2147483650-2}"}) {
    INFO(text);
    const parsed_message m = parse(text);
    REQUIRE(m.errors().size() == 1);
    CHECK(m.errors().front().code == error_code::syntax_error_in_transaction);
  }
}

TEST_CASE("deviations are told in the order of the text, each kind once, with line and column") {
  const parsed_message m = parse(std::string("!/2[192.0.2.7]\nT=1{C=1{S=1/a,\n MF=2-b{DM=3d{*}},S=4/c}}\0", 56));
  REQUIRE(m.ok());
  CHECK(told(m) == std::vector<std::string_view>{separator, termination, map_name, map, end});
  std::vector<std::pair<unsigned, unsigned>> places;
  for (const auto& d : m.deviations()) places.emplace_back(d.line, d.column);
  CHECK(places == std::vector<std::pair<unsigned, unsigned>>{{1, 4}, {2, 11}, {3, 12}, {3, 15}, {3, 26}});

  std::string many = "!/2 mg T=1{C=1{S=a";
  for (int i = 0; i < 5000; ++i) many += ",S=" + std::to_string(i) + "/x";
  const parsed_message long_one = parse(many + "}}");
  REQUIRE(long_one.ok());
  CHECK(long_one.deviations().size() == 1);
}

TEST_CASE("what is no name and no message id stays refused") {
  for (const char* text : {"!/1 _mg K{1}", "!/1 -mg K{1}", "!/1 * K{1}", "!/1 $ K{1}", "!/1 <_mg> K{1}", "!/1 <-mg> K{1}", "!/1mg K{1}",
                           "!/1 [192.0.2.7]:1K{1}", "!/1 mg:1 K{1}"}) {
    INFO(text);
    CHECK_FALSE(parse(text).readable());
  }
  for (const char* text : {"!/1 mg T=1{C=1{S=-a}}", "!/1 mg T=1{C=1{S=.a}}", "!/1 mg T=1{C=1{S=/a}}", "!/1 mg T=1{C=1{MF=a{DM=-d{1}}}}",
                           "!/1 mg T=1{C=1{S=a@_x}}", "!/1 mg T=1{C=1{S=$1}}"}) {
    INFO(text);
    CHECK_FALSE(parse(text).ok());
  }
}
