#include <agw/h248/packages.hpp>

#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <string_view>

#include <catch2/catch.hpp>

#include <agw/h248/text.hpp>

#include "unit/h248/examples.hpp"

using namespace agw::h248;

TEST_CASE("names and numbers in the package table occur once") {
  std::set<std::string, iless> names;
  std::set<std::uint16_t> numbers;
  for (const auto& p : package_table()) {
    INFO(p.name);
    CHECK(names.emplace(p.name).second);
    CHECK(numbers.insert(p.id).second);
    CHECK(p.version >= 1);
    std::set<std::pair<item_kind, std::string>> items;
    std::set<std::pair<item_kind, std::uint16_t>> ids;
    for (const auto& i : p.items) {
      INFO(i.name);
      CHECK(items.emplace(i.kind, i.name).second);
      CHECK(ids.emplace(i.kind, i.id).second);
      CHECK_FALSE(i.meaning.empty());
      CHECK((i.kind == item_kind::statistic) == (i.places == place::none));
      CHECK((i.kind == item_kind::event || i.kind == item_kind::signal || i.parameters.empty()));
    }
  }
}

TEST_CASE("the mandatory packages of the profile are there in their versions") {
  const auto version = [](std::string_view name) {
    const auto* p = find_package(name);
    return p != nullptr && p->implemented ? p->version : 0;
  };
  CHECK(version("ipnapt") == 1);
  CHECK(version("G") == 1);
  CHECK(version("root") == 2);
  CHECK(version("gm") == 2);
  CHECK(version("tman") == 1);
  CHECK(version("ipdc") == 1);
  CHECK(version("hangterm") == 1);
  CHECK(version("ds") == 2);
  CHECK(version("rtcph") == 1);
  CHECK(version("chp") == 0);
}

TEST_CASE("packages have the numbers and versions that IANA registered") {
  // "Megaco/H.248 Packages", of those above 0x00ff; what has no entry there is of the private range.
  const std::map<std::string_view, std::uint16_t> registered = {{"tcpbcc", 0x0115},     {"tlsbsc", 0x0117},  {"seplink", 0x011b},
                                                                {"mgroup", 0x011f},     {"sctpbcc", 0x0121}, {"sctpreset", 0x0122},
                                                                {"stnconfres", 0x0120}, {"dcep", 0x0124}};
  for (const auto& [name, number] : registered) {
    const auto* p = find_package(name);
    INFO(name);
    REQUIRE(p != nullptr);
    CHECK(p->id == number);
    CHECK(p->version == 1);
  }
  for (const auto& p : package_table()) {
    INFO(p.name);
    CHECK((p.id < 0x0100 || registered.contains(p.name) || p.id >= 0x8000));
  }
  CHECK(find_package("agwmsrp")->id >= 0x8000);
  for (const auto* earlier : {"dcc", "stuncf", "msrp"}) CHECK(find_package(earlier) == nullptr);
}

TEST_CASE("items are found by kind and name, without case") {
  const auto* change = find_item(item_kind::event, item_name::of("TCPBCC/bncchange"));
  REQUIRE(change != nullptr);
  CHECK(change->identifier == standing::provisional);
  REQUIRE(change->parameter("TYPE") != nullptr);
  CHECK(find_item(item_kind::signal, item_name::of("tcpbcc/BNCChange")) == nullptr);
  CHECK(find_item(item_kind::property, item_name::of("ipdc/realm"))->places == place::local_control);
  CHECK(find_item(item_kind::property, item_name::of("mgroup/sem"))->places == place::termination_state);
}

TEST_CASE("values are held against their rules") {
  const auto rule = [](item_kind kind, std::string_view name) { return find_item(kind, item_name::of(name))->value; };
  const auto saf = rule(item_kind::property, "gm/saf");
  CHECK(fits(saf, one("on")));
  CHECK(fits(saf, one("$")));
  CHECK_FALSE(fits(saf, one("yes")));
  CHECK_FALSE(fits(saf, one(quoted("ON"))));
  const auto dir = rule(item_kind::property, "sctpbcc/dir");
  CHECK(fits(dir, one("both")));
  CHECK_FALSE(fits(dir, one("all")));
  CHECK(fits(dir, value_set{{value{"IN"}, value{"OUT"}}, value_form::alternatives, relation::equal}));
  CHECK_FALSE(fits(dir, value_set{{value{"IN"}, value{"OUT"}}, value_form::sublist, relation::equal}));
  CHECK(fits(rule(item_kind::property, "ds/dscp"), one("b8")));
  CHECK(fits(rule(item_kind::property, "ds/dscp"), one("0x00")));
  CHECK_FALSE(fits(rule(item_kind::property, "ds/dscp"), one("EF1z")));
  CHECK(fits(rule(item_kind::property, "mgroup/sem"),
             value_set{{quoted("DEAGG 1 2"), quoted("DEAGG 5 6")}, value_form::sublist, relation::equal}));
  const auto sid = find_item(item_kind::event, item_name::of("dcep/chg"))->parameter("sid")->value;
  CHECK(fits(sid, one("65534")));
  CHECK_FALSE(fits(sid, one("65535")));
  CHECK_FALSE(fits(sid, value_set{}));
}

TEST_CASE("names the configuration spells otherwise are exchanged both ways") {
  const package_names names({{"sctpbcc", "sbc"},
                             {"sctpbcc/EstBNC", "est"},
                             {"sctpbcc/BNCChange/Type", "state"},
                             {"sctpbcc/BNCChange/Type/Est", "up"},
                             {"mgroup/sem", "grp"},
                             {"hangterm/thb", "hang"}});
  const std::string canonical = to_text(*parse(h248_examples::add));
  parsed_message m = parse(h248_examples::add);
  names.to_wire(m.get());
  const std::string wire = to_text(*m);
  CHECK(wire.find("mgroup/grp=") != std::string::npos);
  CHECK(wire.find("hangterm/hang{timerx=3600}") != std::string::npos);
  CHECK(wire.find("sbc/BNCChange{state=up}") != std::string::npos);
  CHECK(wire.find("SG{sbc/est{ST=1}}") != std::string::npos);
  CHECK(wire.find("sctpbcc") == std::string::npos);
  parsed_message back = parse(wire);
  names.to_canonical(back.get());
  CHECK(to_text(*back) == canonical);
  CHECK(names.wire_name(item_name::of("sctpbcc/EstBNC")) == "sbc/est");
  CHECK(names.wire_name(item_name::of("g/cause")) == "g/cause");
}

TEST_CASE("overrides reach every place that holds a name") {
  const package_names names({{"gm", "gate"}, {"gm/saf", "filter"}, {"gm/dp", "dropped"}, {"g/cause", "why"},
                             {"ipnapt/latch", "learn"}});
  const std::string text =
      "!/3 m T=1{C=1{CA{gm/saf,CT{gm/saf=ON}},AV=a{AT{M{ST=1{O{gm/saf},SA{gm/dp}}},E=5{g/cause},EB{g/cause},"
      "SG{SL=1{ipnapt/latch}},SA{gm/dp},PG{gm-2}}},MF=b{M{O{gm/saf=ON},SA{gm/dp}},E=1{g/cause{EM{SG{ipnapt/latch},E=2{g/cause}}},"
      "g/sc{NBRN{EM{E=3{g/cause}}}}},EB{g/cause},SG{SL=2{ipnapt/latch{SY=BR}}},SA{gm/dp},AT{}},"
      "N=c{OE=1{g/cause{Generalcause=NR}}},SC=d{SV{MT=RS,RE=\"901\",PG{gm-2}}}}}"
      "P=2{C=1{S=a{PG{gm-2},SA{gm/dp=1}}}}";
  parsed_message m = parse(text);
  REQUIRE(m.ok());
  names.to_wire(m.get());
  const std::string wire = to_text(*m);
  INFO(wire);
  for (const char* old : {"gm/", "gm-", "g/cause", "ipnapt/latch"}) CHECK(wire.find(old) == std::string::npos);
  names.to_canonical(m.get());
  CHECK(to_text(*m) == text);
}

TEST_CASE("overrides that make no sense are refused") {
  using overrides = std::map<std::string, std::string>;
  for (const overrides& wrong : {overrides{{"nosuch", "x"}}, overrides{{"gm/nosuch", "x"}}, overrides{{"gm/saf", "not a name"}},
                                 overrides{{"gm/saf", ""}}, overrides{{"gm/saf", "sam"}}, overrides{{"gm", "g"}},
                                 overrides{{"gm/saf", "x"}, {"gm/sam", "X"}}}) {
    INFO(wrong.begin()->first << " = " << wrong.begin()->second);
    CHECK_THROWS_AS(package_names(wrong), std::invalid_argument);
  }
  CHECK_NOTHROW(package_names(overrides{{"gm/saf", "sam"}, {"gm/sam", "saf"}}));
  CHECK(package_names().empty());
}
