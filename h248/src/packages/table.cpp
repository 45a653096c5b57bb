// The table. Packages are as IANA's registry "Megaco/H.248 Packages" has them; items whose numbers were seen in a Recommendation stand
// with standing::known, see packages.hpp for the rest.
#include <agw/h248/packages.hpp>

#include <algorithm>

namespace agw::h248 {
namespace {

using std::string_view;

// Value rules.
constexpr value_rule boolean{value_type::boolean, 0, 0, {}, false};
constexpr value_rule text{value_type::string, 0, 0, {}, false};
constexpr value_rule texts{value_type::string, 0, 0, {}, true};
constexpr value_rule octet_string{value_type::octets, 0, 0, {}, false};
constexpr value_rule real{value_type::real, 0, 0, {}, false};
constexpr value_rule integer(std::int64_t min = 0, std::int64_t max = 0xFFFFFFFFu) {
  return {value_type::integer, min, max, {}, false};
}
constexpr value_rule one_of(std::span<const string_view> words) { return {value_type::enumeration, 0, 0, words, false}; }

// Rows.
constexpr item_info property(string_view name, std::uint16_t id, standing s, value_rule rule, std::uint8_t places,
                             string_view meaning, bool read_only = false) {
  return {item_kind::property, name, id, s, rule, places, read_only, {}, meaning};
}
constexpr item_info event(string_view name, std::uint16_t id, standing s, std::span<const parameter_info> parameters,
                          string_view meaning, std::uint8_t places = place::termination_state) {
  return {item_kind::event, name, id, s, {}, places, false, parameters, meaning};
}
constexpr item_info signal(string_view name, std::uint16_t id, standing s, std::span<const parameter_info> parameters,
                           string_view meaning) {
  return {item_kind::signal, name, id, s, {}, place::termination_state, false, parameters, meaning};
}
constexpr item_info statistic(string_view name, std::uint16_t id, standing s, value_rule rule, string_view meaning) {
  return {item_kind::statistic, name, id, s, rule, place::none, true, {}, meaning};
}

constexpr auto known = standing::known;
constexpr auto assumed = standing::number_assumed;
constexpr auto provisional = standing::provisional;
constexpr auto at_stream = place::local_control;
constexpr auto at_state = place::termination_state;
constexpr auto at_root = place::root;

// g, H.248.1 E.1
constexpr string_view general_causes[] = {"NR", "UR", "FT", "FP", "IW", "UN"};
constexpr string_view completion_words[] = {"TO", "EV", "SD", "NC"};
constexpr parameter_info cause_parameters[] = {{"Generalcause", 1, one_of(general_causes), "why, in classes"},
                                               {"Failurecause", 2, text, "why, in words"}};
constexpr parameter_info completion_parameters[] = {{"SigID", 1, text, "the signal that ended"},
                                                    {"Meth", 2, one_of(completion_words), "how it ended"},
                                                    {"SLID", 3, integer(0, 65535), "the signal list it was in"}};
constexpr item_info g_items[] = {event("cause", 1, known, cause_parameters, "a bearer was released or failed"),
                                 event("sc", 2, known, completion_parameters, "a signal completed")};

// root, H.248.1 E.2
constexpr item_info root_items[] = {
    property("maxNumberOfContexts", 1, known, real, at_root, "contexts at the same time", true),
    property("maxTerminationsPerContext", 2, known, integer(), at_root, "terminations in one context", true),
    property("normalMGExecutionTime", 3, known, integer(1), at_root, "ms until the gateway sends a Pending"),
    property("normalMGCExecutionTime", 4, known, integer(1), at_root, "ms until the controller sends a Pending"),
    property("MGProvisionalResponseTimerValue", 5, known, integer(1), at_root, "ms the controller waits for the gateway"),
    property("MGCProvisionalResponseTimerValue", 6, known, integer(1), at_root, "ms the gateway waits for the controller"),
    property("MGCOriginatedPendingLimit", 7, known, integer(), at_root, "Pendings taken from the controller"),
    property("MGOriginatedPendingLimit", 8, known, integer(), at_root, "Pendings taken from the gateway")};

// nt, H.248.1 E.11
constexpr parameter_info netfail_parameters[] = {{"cs", 1, text, "why"}};
constexpr item_info nt_items[] = {property("jit", 7, known, integer(), at_stream, "largest jitter buffer in ms"),
                                  event("netfail", 5, known, netfail_parameters, "the network failed"),
                                  statistic("dur", 1, known, real, "ms the stream has existed"),
                                  statistic("os", 2, known, real, "octets sent"),
                                  statistic("or", 3, known, real, "octets received")};

// it, H.248.14
constexpr parameter_info ito_parameters[] = {{"mit", 1, integer(1), "longest silence, in 10 ms"}};
constexpr item_info it_items[] = {event("ito", 1, known, ito_parameters, "no message from the controller for so long", at_root)};

// ocp, H.248.11
constexpr item_info ocp_items[] = {event("mg_overload", 1, provisional, {}, "the gateway refuses calls for lack of capacity", at_root)};

// ds, H.248.52
constexpr item_info ds_items[] = {
    property("dscp", 1, known, octet_string, at_stream, "differentiated services code point of packets sent, 00 to 3F"),
    property("tb", 2, provisional, boolean, at_stream, "mark packets with the code point")};

// gm, H.248.43
constexpr item_info gm_items[] = {
    property("saf", 1, assumed, boolean, at_stream, "take packets from permitted source addresses only"),
    property("sam", 2, assumed, text, at_stream, "the permitted source addresses: address or address/prefix"),
    property("spf", 3, assumed, boolean, at_stream, "take packets from permitted source ports only"),
    property("spr", 4, assumed, text, at_stream, "the permitted source ports: port or first-last"),
    property("esas", 5, assumed, boolean, at_stream, "send from the address in lsa"),
    property("lsa", 6, provisional, text, at_stream, "the local source address"),
    property("esps", 7, provisional, boolean, at_stream, "send from the port in lsp"),
    property("lsp", 8, provisional, integer(1, 65535), at_stream, "the local source port"),
    property("rsb", 9, provisional, boolean, at_stream, "the filters hold for RTCP too"),
    statistic("dp", 1, provisional, real, "packets discarded by the filters")};

// tman, H.248.53
constexpr item_info tman_items[] = {property("pol", 5, assumed, boolean, at_stream, "police what is received"),
                                    property("sdr", 2, assumed, integer(1), at_stream, "sustained rate in octets per second"),
                                    property("mbs", 3, assumed, integer(1), at_stream, "largest burst in octets"),
                                    property("pdr", 1, assumed, integer(1), at_stream, "peak rate in octets per second"),
                                    property("dvt", 4, assumed, integer(), at_stream, "delay variation tolerance in 10 ns")};

// hangterm, H.248.36
constexpr parameter_info thb_parameters[] = {{"timerx", 1, integer(), "s without a command for the termination; 0 = off"}};
constexpr item_info hangterm_items[] = {event("thb", 1, assumed, thb_parameters, "is the termination still wanted?")};

// ipnapt, H.248.37
constexpr string_view napt_words[] = {"OFF", "LATCH", "RELATCH"};
constexpr parameter_info latch_parameters[] = {{"napt", 1, one_of(napt_words), "how to find the remote address"}};
constexpr item_info ipnapt_items[] = {signal("latch", 1, assumed, latch_parameters, "send to where packets come from")};

// adid, H.248.40
constexpr string_view flow_directions[] = {"IN", "OUT", "BOTH"};
constexpr parameter_info ipstop_parameters[] = {{"dt", 1, integer(1, 65535), "s without a packet"},
                                                {"dir", 2, one_of(flow_directions), "seen from the gateway"}};
constexpr item_info adid_items[] = {event("ipstop", 1, provisional, ipstop_parameters, "no packet has passed for so long")};

// ipdc, H.248.41; ipra, its Amendment 1
constexpr item_info ipdc_items[] = {property("realm", 1, assumed, text, at_stream, "the IP realm of the local address")};
constexpr parameter_info realms_parameters[] = {{"newrealms", 1, texts, "realms that have become available"},
                                                {"delrealms", 2, texts, "realms that are gone"}};
constexpr item_info ipra_items[] = {property("ar", 1, provisional, texts, at_root, "available realms", true),
                                    event("arc", 1, provisional, realms_parameters, "the available realms have changed", at_root)};

// rtcph, H.248.57
constexpr item_info rtcph_items[] = {property("rsb", 1, provisional, boolean, at_stream, "allocate a port for RTCP too")};

// adr, H.248.37 Amendment 1
constexpr parameter_info rsac_parameters[] = {{"nrsa", 1, text, "the new remote source address"},
                                              {"nrsp", 2, integer(0, 65535), "the new remote source port"}};
constexpr item_info adr_items[] = {event("rsac", 1, assumed, rsac_parameters, "packets come from another address")};

// seg, H.248.1 E.14
constexpr item_info seg_items[] = {
    property("MGSegmentationTimerValue", 1, assumed, integer(), at_root, "ms the gateway waits for segments"),
    property("MGCSegmentationTimerValue", 2, assumed, integer(), at_root, "ms the controller waits for segments"),
    property("MGMaxPDUSize", 3, assumed, integer(), at_root, "octets the gateway takes in a message"),
    property("MGCMaxPDUSize", 4, assumed, integer(), at_root, "octets the controller takes in a message")};

// What the bearer control packages have in common, with the numbers of gb, the generic bearer connection package of Q.1950.
constexpr string_view bearer_words[] = {"Est", "Rel", "Fail"};
constexpr parameter_info bearer_parameters[] = {{"Type", 1, one_of(bearer_words), "what happened"},
                                                {"Cause", 2, text, "stage:reason of a failure"}};
constexpr auto order = property("order", 1, provisional, boolean, at_stream, "wait for the order before establishing");
constexpr auto establish = signal("EstBNC", 1, provisional, {}, "establish");
constexpr auto release = signal("RelBNC", 3, provisional, {}, "release");
constexpr auto change = event("BNCChange", 1, provisional, bearer_parameters, "established, released or failed");
constexpr item_info bearer_items[] = {order, establish, release, change};

constexpr string_view open_words[] = {"IN", "OUT", "BOTH"};
constexpr item_info sctp_items[] = {
    order,
    property("dir", 2, provisional, one_of(open_words), at_stream, "who sends the INIT; BOTH = simultaneous open"),
    establish,
    release,
    change,
    statistic("srtt", 1, provisional, real, "smoothed round trip in ms"),
    statistic("rtx", 2, provisional, real, "chunks sent again")};

// dcep, H.248.94; sctpreset, H.248.97
constexpr string_view channel_words[] = {"Open", "Close", "Fail"};
constexpr parameter_info channel_parameters[] = {{"Type", 1, one_of(channel_words), "what happened"},
                                                 {"sid", 2, integer(0, 65534), "the SCTP stream"},
                                                 {"label", 3, text, "of the channel"},
                                                 {"proto", 4, text, "its subprotocol"},
                                                 {"Cause", 5, text, "stage:reason of a failure"}};
constexpr item_info dcep_items[] = {event("chg", 1, provisional, channel_parameters, "opened, closed or failed"),
                                    statistic("ms", 1, provisional, real, "messages sent"),
                                    statistic("mr", 2, provisional, real, "messages received")};
constexpr item_info sctpreset_items[] = {signal("reset", 1, provisional, {}, "close the channel")};

constexpr item_info agwmsrp_items[] = {statistic("fwd", 1, provisional, real, "chunks forwarded"),
                                       statistic("rej", 2, provisional, real, "chunks rejected")};
constexpr item_info seplink_items[] = {
    property("on", 1, provisional, boolean, at_stream, "an establishment on one side triggers the other side's")};
constexpr item_info mgroup_items[] = {property("sem", 1, provisional, texts, at_state, "semantics and stream ids of a group")};

constexpr string_view check_words[] = {"Ok", "Fail"};
constexpr parameter_info ccr_parameters[] = {{"result", 1, one_of(check_words), "of the connectivity checks"},
                                             {"Cause", 2, text, "stage:reason of a failure"}};
constexpr parameter_info nprc_parameters[] = {{"address", 1, text, "of the candidate"},
                                              {"port", 2, integer(0, 65535), "of the candidate"}};
constexpr item_info ostuncc_items[] = {order, signal("scc", 1, provisional, {}, "start the connectivity checks"),
                                       event("ccr", 1, provisional, ccr_parameters, "the connectivity checks are over"),
                                       event("nprc", 2, provisional, nprc_parameters, "a new peer-reflexive candidate")};
constexpr parameter_info consent_parameters[] = {{"Cause", 1, text, "stage:reason"}};
constexpr item_info stnconfres_items[] = {event("fail", 1, provisional, consent_parameters, "consent to send was lost")};

constexpr package_info table[] = {
    {"g", 0x0001, 1, true, "H.248.1 E.1", g_items},
    {"root", 0x0002, 2, true, "H.248.1 E.2", root_items,
     "normalMGExecutionTime, MGCProvisionalResponseTimerValue and both limits govern the gateway's transactions from the "
     "moment they are set. The other two timers describe the controller: they are kept and returned."},
    {"nt", 0x000b, 1, true, "H.248.1 E.11", nt_items,
     "jit holds in any case, for nothing is held back against jitter. The event qualert does not exist here: quality is not "
     "measured (error 451)."},
    {"it", 0x0045, 1, true, "H.248.14", it_items,
     "Any message from the controller counts as a sign of life. Without mit the event is refused (error 457)."},
    {"ocp", 0x0051, 1, true, "H.248.11", ocp_items,
     "From `overload_percent` of the contexts on, a new one needs a priority that rises with the load; emergency and IEPS "
     "calls need none."},
    {"ds", 0x008b, 2, true, "H.248.52", ds_items,
     "A code point up to 3F, or a whole traffic class octet with its last two bits clear. On the stream that has the socket: a "
     "component sends nothing by itself."},
    {"gm", 0x008c, 2, true, "H.248.43", gm_items,
     "rsb is accepted: no stream has RTCP. With full ICE the address and port filters do not act on the access side. All on "
     "the stream that has the socket."},
    {"tman", 0x008d, 1, true, "H.248.53", tman_items,
     "Policing delays what a peer sends, by back-pressure, and loses nothing. With pol=ON and no rate 10000 octets per "
     "second hold."},
    {"hangterm", 0x0098, 1, true, "H.248.36", hangterm_items,
     "Any command for the termination starts the time again."},
    {"ipnapt", 0x0099, 1, true, "H.248.37", ipnapt_items},
    {"adid", 0x009c, 1, true, "H.248.40", adid_items,
     "Once for each Events descriptor. Without dt 60 s, without dir both; with Stream of that stream alone."},
    {"ipdc", 0x009d, 1, true, "H.248.41", ipdc_items,
     "A realm that contradicts the interface field of the TerminationID is error 473."},
    {"seg", 0x00a3, 1, false, "H.248.1 E.14", seg_items},
    {"adr", 0x00ac, 1, true, "H.248.37 Amd.1", adr_items},
    {"rtcph", 0x00b5, 1, true, "H.248.57", rtcph_items,
     "Accepted without effect: no stream has RTCP."},
    {"mgastuns", 0x00c2, 1, true, "H.248.50", {},
     "The gateway answers Binding requests wherever Local asks for candidates (`a=candidate:$`)."},
    {"ostuncc", 0x00c3, 1, true, "H.248.50", ostuncc_items},
    {"ipra", 0x00e0, 1, true, "H.248.41 Amd.1", ipra_items},
    {"tcpbcc", 0x0115, 1, true, "H.248.89", bearer_items},
    {"tlsbsc", 0x0117, 1, true, "H.248.90, H.248.93", bearer_items},
    {"seplink", 0x011b, 1, true, "H.248.92", seplink_items},
    {"mgroup", 0x011f, 1, true, "H.248.96", mgroup_items},
    {"stnconfres", 0x0120, 1, true, "H.248.50", stnconfres_items,
     "Consent is RFC 7675's; its time is `[ice] consent_timeout`."},
    {"sctpbcc", 0x0121, 1, true, "H.248.97", sctp_items},
    {"sctpreset", 0x0122, 1, true, "H.248.97", sctpreset_items},
    {"dcep", 0x0124, 1, true, "H.248.94", dcep_items},
    {"agwmsrp", 0xf001, 1, true, "agw", agwmsrp_items,
     "No registered package counts what an MSRP relay does: this one is agw's own, with a number of the private range."},
};

}  // namespace

std::span<const package_info> package_table() noexcept { return table; }

const parameter_info* item_info::parameter(std::string_view parameter_name) const noexcept {
  const auto at = std::ranges::find_if(parameters, [&](const auto& p) { return iequals(p.name, parameter_name); });
  return at == parameters.end() ? nullptr : &*at;
}

const item_info* package_info::item(item_kind kind, std::string_view item_name) const noexcept {
  const auto at = std::ranges::find_if(items, [&](const auto& i) { return i.kind == kind && iequals(i.name, item_name); });
  return at == items.end() ? nullptr : &*at;
}

const package_info* find_package(std::string_view name) noexcept {
  const auto at = std::ranges::find_if(table, [&](const auto& p) { return iequals(p.name, name); });
  return at == std::end(table) ? nullptr : &*at;
}

const item_info* find_item(item_kind kind, item_name name) noexcept {
  const package_info* package = find_package(name.package);
  return package == nullptr ? nullptr : package->item(kind, name.item);
}

}  // namespace agw::h248
