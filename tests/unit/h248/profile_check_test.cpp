#include <agw/h248/profile_check.hpp>

#include <string>

#include <catch2/catch.hpp>

#include <agw/h248/text.hpp>

#include "unit/h248/examples.hpp"

using namespace agw::h248;

namespace {

std::vector<objection> check(std::string_view text) {
  const parsed_message m = parse(std::string(text));
  REQUIRE(m.ok());
  return check_profile(*m);
}

// The one objection to a command in a well-formed message.
objection only(std::string_view command_text) {
  const std::string text = "!/3 mgc T=1{C=1{" + std::string(command_text) + "}}";
  const auto found = check(text);
  INFO(text);
  REQUIRE(found.size() == 1);
  return found.front();
}

}  // namespace

TEST_CASE("the profile's own messages meet with no objection") {
  CHECK(check(h248_examples::add).empty());
  CHECK(check(h248_examples::notify).empty());
  CHECK(check("!/3 m T=1{C=*{W-S=ip/1/*}}").empty());
  CHECK(check("!/3 m T=1{C=-{AV=ROOT{AT{PG,M{TS{root/*}}}},MF=ROOT{M{TS{root/normalMGExecutionTime=500}}}}}").empty());
  CHECK(check("!/3 m P=1{C=1{A=x/y{M{O{zz/zz=1}}}}}").empty());
}

TEST_CASE("what is not in the profile is objected to with its code") {
  CHECK(only("MF=ip/1/a/1{M{O{foo/bar=1}}}").code == error_code::unknown_package);
  CHECK(only("MF=ip/1/a/1{M{O{gm/bar=1}}}").code == error_code::no_such_property);
  CHECK(only("MF=ip/1/a/1{M{O{gm/saf=7}}}").code == error_code::unknown_value);
  CHECK(only("MF=ip/1/a/1{M{O{gm/saf=7}}}").what == "gm/saf = 7");
  CHECK(only("MF=ip/1/a/1{M{O{gm/saf=7}}}").where == "Transaction 1, Context 1, Modify ip/1/a/1");
  CHECK(only("MF=ip/1/a/1{M{TS{gm/saf=ON}}}").code == error_code::property_illegal_here);
  CHECK(only("MF=ROOT{M{TS{root/maxNumberOfContexts=1}}}").code == error_code::read_only_property);
  CHECK(only("MF=ip/1/a/1{E=1{gm/nosuch}}").code == error_code::no_such_event);
  CHECK(only("MF=ip/1/a/1{SG{tcpbcc/nosuch}}").code == error_code::no_such_signal);
  CHECK(only("MF=ip/1/a/1{SG{ipnapt/latch{nosuch=1}}}").code == error_code::unknown_parameter);
  CHECK(only("MF=ip/1/a/1{SG{SL=1{ipnapt/latch{SY=BR,napt=SOMETIMES}}}}").code == error_code::unknown_value);
  CHECK(only("MF=ip/1/a/1{E=1{g/cause{EM{SG{cg/dt}}}}}").what == "cg");
  CHECK(only("AV=ip/1/a/1{AT{SA{nt/nosuch}}}").code == error_code::no_such_statistic);
  CHECK(only("MF=ip/1/a/1{DM=x{123}}").code == error_code::unknown_descriptor);
  CHECK(only("MF=ip/1/a/1{EB{g/cause}}").what == "EventBuffer");
  CHECK(only("A=aal/1/2/3").code == error_code::unknown_termination);
  CHECK(only("A=ip/1/access").code == error_code::unknown_termination);
  CHECK(only("MF=ip/1/a/1{M{TS{BF=SP}}}").code == error_code::unknown_value);
  CHECK(only("MF=ip/1/a/1{M{TS{mgroup/sem={\"DEAGG 1 2\",\"DEAGG 3 4\"}}}}").code == error_code::unknown_value);
}

TEST_CASE("session descriptions are read too") {
  CHECK(only("MF=ip/1/a/1{M{L{\nv=0\nrubbish\n}}}").code == error_code::invalid_sdp);
  CHECK(only("MF=ip/1/a/1{M{L{\nv=0\nc=IN IP4 $\n}}}").what == "Local of stream 1: no m= line");
  CHECK(only("MF=ip/1/a/1{M{ST=3{R{\nc=IN IP4 1.2.3.4\nm=application 5 UDP/DTLS/SCTP x\n}}}}").what ==
        "Remote of stream 3: a=sctp-port");
  CHECK(check("!/3 m T=1{C=1{MF=ip/1/a/1{M{L{}}}}}").empty());
}

TEST_CASE("more transactions than the profile allows are counted") {
  std::string text = "!/3 m ";
  for (int i = 1; i <= 11; ++i) text += "T=" + std::to_string(i) + "{C=1{S=*}}";
  const auto found = check(text);
  REQUIRE(found.size() == 1);
  CHECK(found.front() == objection{error_code::too_many_transactions, "message", "11"});
}
