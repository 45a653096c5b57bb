// The grammar, production by production: each line is compact text that must come back byte for byte, and through the pretty
// layout as the same message.
#include <agw/h248/text.hpp>

#include <string>

#include <catch2/catch.hpp>

#include "unit/h248/examples.hpp"

using namespace agw::h248;

namespace {

const char* const golden[] = {
    // Header and message.
    "AU=0x00000001:0x0000ABCD:0x0123456789abcdef01234567 !/1 [1.2.3.4] T=1{C=1{S=a}}",
    "!/1 [2001:db8::1]:2944 T=1{C=1{S=a}}",
    "!/1 [::ffff:1.2.3.4]:1 T=1{C=1{S=a}}",
    "!/1 <mg-1.example.org>:2944 T=1{C=1{S=a}}",
    "!/1 MTP{00FF12} T=1{C=1{S=a}}",
    "!/1 gw1/a$b@*.example T=1{C=1{S=a}}",
    "!/2 mtp T=1{C=1{S=a}}",
    "!/3 mg ER=400{\"bad\"}",
    "!/3 mg ER=400{}",
    // Transactions.
    "!/3 mg T=4294967295{C=1{S=a},C=4294967293{S=b}}T=2{C=*{S=a}}",
    "!/3 mg P=1{IA,C=1{A=a,MF=b{ER=430{}}}}",
    "!/3 mg P=1{ER=403{\"no\"}}",
    "!/3 mg P=1/2{C=1}",
    "!/3 mg P=1/3/&{C=1,C=2{ER=411{}}}",
    "!/3 mg P=1{C=1{A=a,ER=422{\"rest\"}}}",
    "!/3 mg PN=5{}",
    "!/3 mg K{1,3-7,9}PN=5{}",
    "!/3 mg SM=7/1SM=7/2/&P=3{C=1}",
    "!/3 mg SM=8101/1",
    // Actions and context properties.
    "!/3 mg T=1{C=-{SC=ROOT{SV{MT=RS,RE=\"901 Cold Boot\"}}}}",
    "!/3 mg T=1{C=1{TP{a,b,BW,c,d,IS,a,c,OW,ST=2,a,d,OWE,b,c,OWB},PR=15,EG,IEPS=ON}}",
    "!/3 mg T=1{C=1{EGO,CT{a/b=1,a/c=[\"x\",\"y\"]},MF=t}}",
    "!/3 mg T=1{C=*{CT{CLT={1,*,-,$}}}}",
    "!/3 mg T=1{C=*{CA{TP,EG,PR,IEPS,a/b,*/*},AV=*{AT{M}}}}",
    "!/3 mg T=1{C=*{CA{a/*,EGV=EGO,PR=3,IEPS=OFF,CT{a/b=1,c/d#2},ORLgc}}}",
    "!/3 mg T=1{C=*{CA{EGV=EG,CT{CLT={1,2}},ANDLgc}}}",
    "!/3 mg P=1{C=1{TP{a,b,IS},PR=2,EG,A=a}}",
    // Commands.
    "!/3 mg T=1{C=1{A=a,MV=b,MF=c,O-S=d,W-S=*,O-W-AV=e{AT{}},AC=f{AT{M}}}}",
    "!/3 mg T=1{C=1{MF=[a,b/*,$]{SA}}}",
    "!/3 mg T=1{C=1{S=a{AT{}}}}",
    "!/3 mg T=1{C=1{AV=Add{AT{M}}}}",
    "!/3 mg P=1{C=1{AV=C{a,b,ip/1/x}}}",
    "!/3 mg P=1{C=1{AC=C{ER=431{}}}}",
    "!/3 mg P=1{C=*{W-AV=t1/*{PG{aaa-1,bbb-65535}}}}",
    "!/3 mg P=1{C=1{AV=a{MX,MD,M,DM,SA,OE,PG,SG,EB,E}}}",
    "!/3 mg P=1{C=1{N=a,N=b{ER=500{\"x\"}},SC=ROOT,SC=a{ER=1{}}}}",
    // Media.
    "!/3 mg T=1{C=1{MF=a{M{TS{a/b=1,SI=IV,BF=SP}}}}}",
    "!/3 mg T=1{C=1{MF=a{M{TS{SI=TE,BF=OFF},O{MO=IN,RV=ON,RG=OFF},L{},R{\nv=0\n},SA{a/b}}}}}",
    "!/3 mg T=1{C=1{MF=a{M{ST=0{O{MO=SO}},ST=65535{O{MO=RC},SA}}},MF=b{M{O{MO=SR}}},MF=c{M{O{MO=LB}}}}}",
    "!/3 mg T=1{C=1{MF=a{M{O{a/b=c,a/b>1,a/b<2,a/b#3,a/b={1,2,\"x y\"},a/b=[1,2],a/b=[1:9],a/b=$,a/b=*}}}}}",
    "!/3 mg T=1{C=1{MF=a{M{O{Mode/x=1,RV/y=2,Local/z=3}}}}}",
    "!/3 mg T=1{C=1{MF=a{M{O{a/b=+-&!_/'?@^`~*$\\()%|.\x80\xFF}}}}}",
    "!/3 mg T=1{C=1{MF=a{M{O{a/b=\" ;[]{}:,#<>=\t\x80\xC3\xA4\"}}}}}",
    "!/3 mg T=1{C=1{MF=a{M{L{\nv=0\nc=IN IP4 $\na={x\\}y;\"\n}}}}}",
    "!/3 mg T=1{C=1{MF=a{MX=H221{a,b},MD[V18,V22,V22b,V32,V32b,V34,V90,V91,SN,X-abc]{a/b=1}}}}",
    "!/3 mg T=1{C=1{MF=a{MX=X+ab1{a}},MF=b{MX=H223{a}},MF=c{MX=H226{a}},MF=d{MX=V76{a}},MF=e{MX=N64{a}}}}",
    "!/3 mg P=1{C=1{S=a{SA{nt/os=0,nt/or=123,a/b=[1,2],a/c,x/y=\"s\"}}}}",
    // Events.
    "!/3 mg T=1{C=1{MF=a{E},MF=b{E=*{a/b}},MF=c{E=0{a/*,*/*}}}}",
    "!/3 mg T=1{C=1{MF=a{E=1{a/b{ST=1,x=1,y={\"p\",q},KA,DM=dm1,RSE}}}}}",
    "!/3 mg T=1{C=1{MF=a{E=1{a/b{DM={T:10,S:5,L:99,Z:1,(1x.|[2-59a]|Z4l)}}}}}}",
    "!/3 mg T=1{C=1{MF=a{E=1{a/b{EM{SG{s/t},E=2{c/d{EM{SG}},c/e{KA}}}},a/c{EM{E}}}}}}",
    "!/3 mg T=1{C=1{MF=a{E=1{a/b{NBNN},a/c{NBIN},a/d{NBRN},a/e{NBRN{EM{SG{x/y},E=3{z/z}}}}}}}}",
    "!/3 mg T=1{C=1{MF=a{E=1{a/b{KeepActive=1,Embed=2,em#3}}}}}",
    "!/3 mg T=1{C=1{MF=a{EB},MF=b{EB{a/b,c/d{ST=1,p=q}}}}}",
    "!/3 mg T=1{C=1{N=a{OE=7{a/b,20261123T22013399:c/d{ST=3,x=y,z=\"Q\"}},ER=518{\"full\"}}}}",
    // Signals and digit maps.
    "!/3 mg T=1{C=1{MF=a{SG},MF=b{SG{a/b}},MF=c{SG{SL=5{a/b{SY=TO},c/d{SY=BR,p=1}},e/f}}}}",
    "!/1 mg T=1{C=1{MF=a{SG{}}}}",
    "!/3 mg T=1{C=1{MF=a{SG{a/b{ST=1,SY=TO,DR=65535,NC={TO,IBE,IBS,OR,IR},KA,SPADI=EX,SPARQ=*,SPAIS=3,p=q}}}}}",
    "!/3 mg T=1{C=1{MF=a{SG{a/b{SY=OO,SPADI=IT},a/c{SY=BR,SPADI=B,SPARQ=9},Signals/x,SL/y}}}}",
    "!/3 mg T=1{C=1{MF=a{DM=d},MF=b{DM=d{12.}},MF=c{DM={(0|[1-7]xxx|8.Ef)}},MF=d{DM=e{T:1,x}}}}",
    // Audits.
    "!/3 mg T=1{C=1{AV=a{AT{MX,MD,M,DM,SA,OE,PG,SG,EB,E}}}}",
    "!/3 mg T=1{C=1{AV=a{AT{M{TS{a/b,SI,BF}},M{TS{SI#OS}},M{ST=1{O{MO,RV,RG,a/b,a/c=[1,2]}}}}}}}",
    "!/3 mg T=1{C=1{AV=a{AT{M{O{MO=IN}},M{O{MO#SR}},M{SA{a/b,c/d}},M{L{\nv=0\n},R{}}}}}}",
    "!/3 mg T=1{C=1{AV=a{AT{E{a/b},E=5{a/b},EB{a/b{x}},EB{a/c{ST=1}},SG{},SG{a/b{ST=1,SPARQ=2}},SG{SL=1},SG{SL=2{a/b}}}}}}",
    "!/3 mg T=1{C=1{AV=a{AT{DM=x,SA{a/b},PG{a-1}}}}}",
    // ServiceChange.
    "!/3 mg T=1{C=-{SC=ROOT{SV{MT=FL,AD=[1.2.3.4]:5,PF=threegiq/1,RE=\"908\",DL=4294967295,20261123T00000000,V=3,X-a=1,SIC,M}}}}",
    "!/3 mg T=1{C=-{SC=ROOT{SV{MT=HO,RE=\"903\",MG=<b>:1}},SC=a{SV{MT=X-abc,AD=2945,RE=9}}}}",
    "!/3 mg T=1{C=1{SC=a{SV{MT=FO,RE=\"905\",M{TS{a/b}},SA{x/y}}},SC=b{SV{MT=GR,RE=\"1\"}},SC=c{SV{MT=DC,RE=\"1\"}}}}",
    "!/3 mg P=1{C=-{SC=ROOT{SV{AD=dev1,PF=np/2,20261123T00000000,V=2}}}}",
};

}  // namespace

TEST_CASE("every production comes back byte for byte, and through the pretty layout") {
  std::size_t n = 0;
  for (const std::string text : golden) {
    INFO(text);
    const parsed_message m = parse(text);
    for (const auto& e : m.errors()) INFO(e.column << ": " << e.expected);
    REQUIRE(m.ok());
    for (const auto& d : m.deviations()) INFO(d.column << ": " << d.what);
    CHECK(m.deviations().empty());
    CHECK(to_text(*m) == text);
    const std::string pretty = to_text(*m, layout::pretty);
    const parsed_message again = parse(pretty);
    INFO(pretty);
    REQUIRE(again.ok());
    CHECK(*again == *m);
    CHECK(to_text(*again) == text);
    ++n;
  }
  CHECK(n > 60);
}

TEST_CASE("words are read long and short, in any case, wherever white space and comments may stand") {
  const std::string compact = "!/3 [1.2.3.4]:5 T=1{C=1{MF=a/b{M{ST=1{O{MO=SR,a/b=1}}},E=1{g/cause},SG{a/b{ST=1}}}}}";
  const parsed_message reference = parse(compact);
  REQUIRE(reference.ok());
  for (const char* text : {
           "megaco/3 [1.2.3.4]:5\r\ntransaction = 1 { context = 1 { MODIFY = a/b { media { stream = 1 { LOCALCONTROL { mode = "
           "sendreceive , a/b = 1 } } } , EVENTS = 1 { g/cause } , Signals { a/b { Stream = 1 } } } } }",
           "  ; a comment with \"quotes\" and {braces}\n!/3 [1.2.3.4]:5 ;x\n;y\rT\t=\n1{C=1{MF ;z\n= a/b{M{ST=1{O{MO=SR,;w\n"
           "a/b=1}}},E=1{g/cause},SG{a/b{ST=1}}}}};end",
           "!/3 [1.2.3.4]:5\nT=1{C=1{MF=A/B{M{ST=1{O{MO=sr,A/B=1}}},E=1{G/CAUSE},SG{A/B{ST=1}}}}}\n\n"}) {
    INFO(text);
    const parsed_message m = parse(text);
    REQUIRE(m.ok());
    CHECK(*m == *reference);
  }
}

TEST_CASE("forms that are read but not written") {
  const auto same = [](std::string_view read, std::string_view written) {
    INFO(read);
    const parsed_message m = parse(std::string(read));
    REQUIRE(m.ok());
    CHECK(to_text(*m) == written);
  };
  same("!/3 mg T=1{C=1{MF=a{SG{}}}}", "!/3 mg T=1{C=1{MF=a{SG}}}");
  same("!/3 mg P=1{C=1{S=a{SA{a/b[1,2]}}}}", "!/3 mg P=1{C=1{S=a{SA{a/b=[1,2]}}}}");
  same("!/3 mg T=1{C=1{EmergencyOffToken,S=a}}", "!/3 mg T=1{C=1{EGO,S=a}}");
  same("!/3 mg T=1{C=1{MF=a{MD=V18{a/b=1}}}}", "!/3 mg T=1{C=1{MF=a{MD[V18]{a/b=1}}}}");
  same("!/3 mg T=1{C=1{AV=a}}", "!/3 mg T=1{C=1{AV=a{AT{}}}}");
  same("!/3 mg T=1{C=1{CA{CT{a/b}}}}", "!/3 mg T=1{C=1{CA{a/b}}}");
  same("!/3 mg T=1{C=1{CA{CT{CT{a/b=1}}}}}", "!/3 mg T=1{C=1{CA{CT{a/b=1}}}}");
  same("!/3 mg T=1{C=1{MF=a{DM=d{0 ;c\n}}}}", "!/3 mg T=1{C=1{MF=a{DM=d{0}}}}");
  same("!/3 mg T=1{C=1{MF=a{DM=d{[1-3] ;c}\n ;d\r }}}}", "!/3 mg T=1{C=1{MF=a{DM=d{[1-3]}}}}");
  same("!/3 mg K{5-5}", "!/3 mg K{5}");
  same("!/3 mg T=1{C=1{MF=a{M{L{\r\n  v=0\r\ns=x \r\n }}}}}", "!/3 mg T=1{C=1{MF=a{M{L{\nv=0\r\ns=x\n}}}}}");
  same("!/03 mg PN=007{}", "!/3 mg PN=7{}");
}

TEST_CASE("bytes of eight bits and a backslash in front of a brace survive") {
  const std::string sdp = "v=0\na=name:\xC3\xA4\xFF}\\";
  owned_message m;
  m->from.text = "mg";
  command c{.kind = command_kind::modify, .terminations = {{"t"}}};
  media_descriptor media;
  media.single.emplace().local = sdp;
  c.add(std::move(media));
  action a{.context = {1}};
  a.commands.push_back(std::move(c));
  m->transactions.push_back(transaction_request{.id = {1}, .actions = {a}});
  for (const auto style : {layout::compact, layout::pretty}) {
    const parsed_message back = parse(to_text(*m, style));
    REQUIRE(back.ok());
    CHECK(*std::get<transaction_request>(back->transactions.front())
               .actions.front().commands.front().find<media_descriptor>()->single->local == sdp);
  }
}
