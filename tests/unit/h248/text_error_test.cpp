// What is wrong, where, and how much of the message survives it (RFC 3525 8.2.2).
#include <agw/h248/text.hpp>

#include <string>
#include <utility>
#include <vector>

#include <catch2/catch.hpp>

#include "unit/h248/examples.hpp"

using namespace agw::h248;

namespace {

parse_error first_error(const std::string& text) {
  const parsed_message m = parse(text);
  INFO(text);
  REQUIRE_FALSE(m.ok());
  return m.errors().front();
}

// The error in a command, by its column in the text of the command.
parse_error command_error(const std::string& command_text) {
  const std::string before = "!/3 m T=1{C=1{";
  parse_error e = first_error(before + command_text + "}}");
  CHECK(e.offset >= before.size());
  e.column -= static_cast<std::uint32_t>(before.size());
  return e;
}

const transaction_request& request_of(const parsed_message& m, std::size_t n) {
  return std::get<transaction_request>(m->transactions[n]);
}

}  // namespace

TEST_CASE("an error has the position and the code of what is wrong") {
  const auto at = [](const char* text, int code, unsigned column) {
    INFO(text);
    const auto e = command_error(text);
    CHECK(static_cast<int>(e.code) == code);
    CHECK(e.column == column);
    CHECK_FALSE(e.expected.empty());
  };
  at("Frobnicate=a", 443, 1);
  at("A=?", 442, 3);
  at("A=a{Nonsense{}}", 444, 5);
  at("A=a{PG{a-1}}", 447, 5);
  at("S=a{M{O{MO=SR}}}", 447, 5);
  at("N=a{M{O{MO=SR}}}", 447, 5);
  at("A=a{SG,E,SG}", 448, 10);
  at("A=a{M{O{MO=Sideways}}}", 449, 12);
  at("A=a{M{O{MO=SR,MO=IN}}}", 456, 15);
  at("A=a{M{O{RV=MAYBE}}}", 449, 12);
  at("A=a{M{O{MO=SR},O{MO=SR}}}", 448, 16);
  at("A=a{M{ST=1{O{MO=SR}},O{MO=SR}}}", 442, 22);
  at("A=a{M{TS{SI=IV},TS{SI=IV}}}", 448, 17);
  at("A=a{M{O{a/b}}}", 442, 12);
  at("A=a{M{O{a b=1}}}", 442, 10);
  at("A=a{M{O{a/b=}}}", 442, 13);
  at("A=a{M{O{a/b=\"open}}}", 403, 23);
  at("A=a{M{ST=70000{O{MO=SR}}}}", 442, 10);
  at("A=a{E=1{g/cause{x=1,X=2}}}", 456, 21);
  at("A=a{E=1{g/cause{KA,EM{SG{a/b}}}}}", 442, 31);
  at("A=a{E=1{g/cause{EM{E=2{a/b{EM{E}}}}}}}", 442, 31);
  at("A=a{SG{a/b{SY=XX}}}", 449, 15);
  at("A=a{DM={T:100,1}}", 442, 11);
  at("A=a{DM={(1|q)}}", 442, 12);
  at("SC=a{SV{RE=\"1\"}}", 442, 15);
  at("SC=ROOT", 442, 8);
  at("CA{PR=1,PR=2}", 422, 9);
  at("CA{EGV=EG,EGV=EGO}", 422, 11);
  at("CA{IEPS=ON,IEPS=ON}", 422, 12);
  at("CA{ANDLgc,ORLgc}", 422, 11);
  at("N=a,S=a", 442, 4);
  at("SC=a{SV{MT=RS,RE=\"1\",AD=1,MG=b}}", 442, 31);
  at("MF=[a,b{SG}", 442, 8);
  at("AV=a{AT{Nonsense}}", 444, 9);
  at("MF=a12345678901234567890123456789012345678901234567890123456789012345", 442, 4);
}

TEST_CASE("lines are counted whatever ends them") {
  const auto position = [](const char* text) {
    const auto e = first_error(text);
    return std::make_pair(e.line, e.column);
  };
  CHECK(position("!/3 m\nT=1{\n C=1{\n  A=?}}") == std::make_pair(4u, 5u));
  CHECK(position("!/3 m\r\nT=1{\r\n C=1{\r\n  A=?}}") == std::make_pair(4u, 5u));
  CHECK(position("!/3 m\rT=1{\r C=1{\r  A=?}}") == std::make_pair(4u, 5u));
  CHECK(position("nonsense") == std::make_pair(1u, 1u));
}

TEST_CASE("a header that cannot be read makes the message unreadable") {
  for (const char* text : {"", " ", "nonsense", "!", "!/", "!/x m", "!/333 m T=1{C=1{S=a}}", "!/1", "!/1 ",
                           "!/1 [1.2.3] T=1{C=1{S=a}}", "!/1 [1.2.3.256] T=1{C=1{S=a}}", "!/1 [::1::2] T=1{C=1{S=a}}",
                           "!/1 [1:2:3:4:5:6:7] T=1{C=1{S=a}}",
                           "!/1 <> T=1{C=1{S=a}}", "!/1 MTP{12} T=1{C=1{S=a}}", "!/1 [1.2.3.4]:70000 T=1{C=1{S=a}}",
                           "!/1 [1.2.3.4]:5T=1{C=1{S=a}}", "AU=0x1:0x2:0x3 !/1 m T=1{C=1{S=a}}"}) {
    INFO(text);
    const parsed_message m = parse(text);
    CHECK_FALSE(m.readable());
    REQUIRE(m.errors().size() == 1);
    CHECK(m.errors().front().code == error_code::syntax_error_in_message);
  }
  const parsed_message future = parse("!/4 m T=1{C=1{S=a}}");
  CHECK(future.readable());
  CHECK(future.errors().front().code == error_code::version_not_supported);
  CHECK(request_of(future, 0).actions.size() == 1);
}

TEST_CASE("a broken second transaction leaves the first and the third intact") {
  for (const char* broken : {"T=2{C=1{A=?}}", "T=2{C=1{M=a}}", "T=2{X=1{A=a}}", "T=2{C=?{A=a}}", "T=x{C=1{A=a}}", "T{C=1{A=a}}",
                             "T=2{C=1{MF=a{M{L{\nv=0 { \" ;\n}}},A=?}}", "T=2{C=1{MF=a{M{O{a/b=\"}{\",c/d}}}}}",
                             "T=2{C=1{MF=a{SG{a/b{;}}}}}\n?}}}}}"}) {
    const std::string text = std::string("!/3 m T=1{C=1{S=a}}") + broken + "T=3{C=1{S=b}}";
    INFO(text);
    const parsed_message m = parse(text);
    CHECK(m.readable());
    CHECK(m.errors().size() == 1);
    REQUIRE(m->transactions.size() == 3);
    CHECK(request_of(m, 0) == request_of(parse("!/3 m T=1{C=1{S=a}}"), 0));
    CHECK(request_of(m, 2) == request_of(parse("!/3 m T=3{C=1{S=b}}"), 0));
  }
}

TEST_CASE("errors are placed where the receiver is to answer them") {
  SECTION("no transaction id: 403 for transaction 0") {
    const auto m = parse("!/3 m T{C=1{S=a}}");
    CHECK(request_of(m, 0).id.value == 0);
    CHECK(request_of(m, 0).error->code == error_code::syntax_error_in_transaction);
  }
  SECTION("no transaction at all: 403 for transaction 0") {
    const auto m = parse("!/3 m nonsense");
    CHECK(request_of(m, 0).id.value == 0);
    CHECK(request_of(m, 0).error->code == error_code::syntax_error_in_transaction);
  }
  SECTION("no legal action: 422 alone") {
    const auto m = parse("!/3 m T=7{Contxt=1{S=a}}");
    CHECK(request_of(m, 0).id.value == 7);
    CHECK(request_of(m, 0).actions.empty());
    CHECK(request_of(m, 0).error->code == error_code::syntax_error_in_action);
  }
  SECTION("a bad context id behind a good action: the first is done, 422 last") {
    const auto m = parse("!/3 m T=7{C=1{S=a},C=0{S=b}}");
    REQUIRE(request_of(m, 0).actions.size() == 1);
    CHECK(request_of(m, 0).actions.front().commands.size() == 1);
    CHECK(request_of(m, 0).actions.front().error->code == error_code::syntax_error_in_action);
  }
  SECTION("an unreadable termination: 442 as the reply of the action") {
    const auto m = parse("!/3 m T=7{C=1{S=a,S=?,S=b}}");
    const auto& a = request_of(m, 0).actions.front();
    CHECK(a.commands.size() == 1);
    CHECK(a.error->code == error_code::syntax_error_in_command);
    CHECK(a.error->text == "line 1 column 21: expected a TerminationID");
  }
  SECTION("a broken body whose end is known: that command alone is at fault") {
    const auto m = parse("!/3 m T=7{C=1{S=a,O-MF=b{M{O{MO=XX}}},S=c}}");
    const auto& a = request_of(m, 0).actions.front();
    REQUIRE(a.commands.size() == 3);
    CHECK_FALSE(a.error);
    CHECK(a.commands[1].optional);
    CHECK(a.commands[1].fault->code == error_code::unknown_value);
    CHECK_FALSE(a.commands[2].fault);
  }
  SECTION("the end of the action is missing: 422 behind its commands") {
    const auto m = parse("!/3 m T=7{C=1{S=a,S=b{AT{}},S=c");
    const auto& a = request_of(m, 0).actions.front();
    CHECK(a.commands.size() == 2);  // the third may be longer than what has arrived
    CHECK(a.error->code == error_code::syntax_error_in_action);
  }
  SECTION("the end of the transaction is missing: 403 behind the last action") {
    const auto m = parse("!/3 m T=7{C=1{S=a},C=2{S=b}");
    REQUIRE(request_of(m, 0).actions.size() == 2);
    CHECK_FALSE(request_of(m, 0).actions[0].error);
    CHECK(request_of(m, 0).actions[1].error->code == error_code::syntax_error_in_transaction);
    CHECK_FALSE(request_of(m, 0).error);
  }
  SECTION("nothing but the id: 403 alone") {
    for (const char* text : {"!/3 m T=7{", "!/3 m T=7{C=1", "!/3 m T=7{C=1{", "!/3 m T=7{C=1{MF=a{M{", "!/3 m T=7"}) {
      INFO(text);
      const auto m = parse(text);
      CHECK(request_of(m, 0).id.value == 7);
      CHECK(request_of(m, 0).actions.empty());
      REQUIRE(request_of(m, 0).error);
      CHECK(request_of(m, 0).error->code == error_code::syntax_error_in_transaction);
    }
  }
  SECTION("a broken reply keeps what could be read and is never taken for a request") {
    const auto m = parse("!/3 m P=7{C=1{A=a,A=?}}P=8{X}");
    REQUIRE(m->transactions.size() == 2);
    const auto& reply = std::get<transaction_reply>(m->transactions.front());
    CHECK(reply.actions.front().commands.size() == 1);
    CHECK(reply.actions.front().error->code == error_code::syntax_error_in_command);
    CHECK(std::get<transaction_reply>(m->transactions.back()).error->code == error_code::syntax_error_in_action);
  }
}

TEST_CASE("every truncation is an error, keeps only whole commands and never reads past the end") {
  for (const std::string& whole : {std::string(h248_examples::add), std::string(h248_examples::notify),
                                  std::string("!/3 m T=1{C=1{CA{TP,CT{a/b=1}},AV=[a,b]{AT{M{TS{SI=IV}},DM=x}}}}K{1-2}"
                                              "SM=3/4/&P=1/2{C=1}")}) {
    const auto full = parse(whole);
    REQUIRE(full.ok());
    std::size_t end = whole.size();
    while (whole[end - 1] == '\n') --end;
    for (std::size_t n = 0; n < end; ++n) {
      INFO(n);
      // An exact allocation, so that a sanitizer sees a read behind the end.
      const parsed_message m = parse(whole.substr(0, n));
      for (const auto& t : m->transactions) {
        if (const auto* request = std::get_if<transaction_request>(&t); request != nullptr && !m.ok()) {
          for (const auto& a : request->actions) {
            for (const auto& c : a.commands) CHECK_FALSE(c.fault);
          }
        }
      }
      // Whatever came out can be written and read again.
      if (m.readable() && m.ok()) CHECK(*parse(to_text(*m)) == *m);
    }
  }
}

TEST_CASE("what is cut off in a command leaves its error in the last action, and what went before is kept") {
  const auto errors_of = [](const char* text) {
    const parsed_message m = parse(text);
    INFO(text);
    std::vector<int> out;
    REQUIRE(m.errors().size() == 1);
    const auto& t = request_of(m, 0);
    if (t.error) out.push_back(static_cast<int>(t.error->code));
    for (const auto& a : t.actions) out.push_back(a.error ? static_cast<int>(a.error->code) : 0);
    // What a checker is told is what the peer is answered.
    CHECK(static_cast<int>(m.errors().front().code) == out.back());
    return out;
  };
  using codes = std::vector<int>;
  CHECK(errors_of("!/3 m T=1{C=-{AV=ROOT{AT{}}},C=1{MF=a{X}") == codes{0, 442});
  CHECK(errors_of("!/3 m T=1{C=-{MF=a{Nonsense{x}}") == codes{442});
  CHECK(errors_of("!/3 m T=1{C=-{AV=ROOT{AT{}},AV=ROOT{X}") == codes{442});
  CHECK(errors_of("!/3 m T=1{C=1{MF=a{MX=V7") == codes{403});
  CHECK(errors_of("!/3 m T=1{C=1{S=b},C=1{MF=a{MX=V7") == codes{403});
  CHECK(errors_of("!/3 m T=2{C=1{MF=a,MF=b{M{O{MO=") == codes{422});
  CHECK(errors_of("!/3 m T=1{C=1{S=a}C=2{S=b}}") == codes{422});
  CHECK(errors_of("!/3 m T=1{C=1{S=a,MF=b{X}MF=c}}") == codes{442});
}

TEST_CASE("the error of an action reply is the last thing in it, and hides nothing") {
  for (const char* text : {"P=1{C=1{ER=422{},A=a},C=2{A=b}}", "P=1{C=1{ER=422{} @@@garbage", "P=1{C=1{ER=42x{},A=a}}", "P=1{C=1{A=a,ER",
                           "P=1{ER=42x{}}"}) {
    const auto m = parse(std::string("!/3 m ") + text);
    INFO(text);
    REQUIRE(m.errors().size() == 1);
    const auto& reply = std::get<transaction_reply>(m->transactions.front());
    const auto& error = reply.error ? reply.error : reply.actions.back().error;
    REQUIRE(error);
    CHECK(error->code == m.errors().front().code);
  }
  CHECK(parse("!/3 m P=1{C=1{A=a,ER=422{}},C=2{A=b}}").ok());
}

TEST_CASE("a broken command is skipped to its end, whatever its parts are called") {
  // Words that are no descriptors, an escaped brace behind a backslash, a NUL: the next transaction is found behind all of them.
  const std::string nul("b\0;}}}", 7);
  for (const std::string& broken : {std::string("T=1{C=1{Foo=x{},A=R{M{ST=1{O{MO=SR}}}}}}"), std::string("T=1{C=1{MF=a{SG{x/l{EM{y}}}}}}"),
                                    std::string("T=1{C=1{MF=a{X,M{L{a=1\\\\}b{\n}}}}}"), "T=1{C=1{MF=a{M{L{a=1;" + nul + "}}"}) {
    const auto m = parse("!/3 m " + broken + "T=3{C=1{S=x}}");
    INFO(broken);
    REQUIRE(m->transactions.size() == 2);
    CHECK(m.errors().size() == 1);
    CHECK(request_of(m, 1) == request_of(parse("!/3 m T=3{C=1{S=x}}"), 0));
  }
}

TEST_CASE("limits hold, and time grows with the length alone") {
  SECTION("bytes") {
    const auto m = parse(std::string(h248_examples::add), parse_limits{.max_bytes = 100});
    CHECK_FALSE(m.readable());
    CHECK(m.errors().front().code == error_code::syntax_error_in_message);
  }
  SECTION("transactions") {
    const auto m = parse("!/3 m PN=1{}PN=2{}PN=3{}", parse_limits{.max_transactions = 2});
    CHECK(m->transactions.size() == 2);
    CHECK(m.errors().front().code == error_code::too_many_transactions);
  }
  SECTION("parameters") {
    std::string text = "!/3 m T=1{C=1{MF=a{E=1{a/b{";
    for (int i = 0; i < 300; ++i) text += (i ? ",p" : "p") + std::to_string(i) + "=1";
    CHECK(first_error(text + "}}}}}").code == error_code::insufficient_resources);
  }
  SECTION("memory") {
    std::string text = "!/3 m T=1{C=1{S=a}}T=2{C=1{S=a,MF=a{E=1{a/b";
    while (text.size() < 60000) text += ",a/b";
    text += "}}}}T=3{C=1{S=a}}";
    CHECK(parse(text, parse_limits{.max_memory_bytes = 16u << 20}).ok());
    auto m = parse(text);
    CHECK(m.memory().used_bytes() <= (1u << 20) + 65536);
    REQUIRE(m->transactions.size() == 2);
    CHECK(request_of(m, 0).actions.size() == 1);
    CHECK(request_of(m, 1).actions.empty());
    CHECK(request_of(m, 1).error->code == error_code::insufficient_resources);
  }
  SECTION("nesting is not recursion") {
    std::string text = "!/3 m T=1{C=1{MF=a{";
    text.append(60000, '{');
    CHECK_FALSE(parse(text).ok());
    text = "!/3 m T=1{C=1{MF=a{E=1{a/b";
    for (int i = 0; i < 5000; ++i) text += "{EM{E=1{a/b";
    CHECK_FALSE(parse(text).ok());
  }
  SECTION("many errors") {
    std::string text = "!/3 m\n";
    for (int i = 0; i < 200; ++i) text += "T=1{C=1{MF=a{?},MF=a{?},MF=a{?}}}\n";
    const auto m = parse(text);
    CHECK(m.errors().size() == 600);
    CHECK(m.errors().back().line == 201);
  }
}
