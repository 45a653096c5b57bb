// Messages that several tests use.
#pragma once

namespace h248_examples {

// The Add of a data-channel call on the access side.
inline constexpr const char* add =
    "MEGACO/3 [127.0.0.1]:2944\n"
    "Transaction = 11 {\n"
    " Context = $ {\n"
    "  Add = ip/1/access/$ {\n"
    "   Media {\n"
    "    TerminationState { mgroup/sem = \"DEAGG 1 2\" },\n"
    "    Stream = 1 {\n"
    "     LocalControl { Mode = SendReceive, ipdc/realm = \"access\" },\n"
    "     Local {\n"
    "v=0\n"
    "c=IN IP4 $\n"
    "m=application $ UDP/DTLS/SCTP webrtc-datachannel\n"
    "a=setup:passive\n"
    "a=fingerprint:sha-256 $\n"
    "a=ice-ufrag:$\n"
    "a=ice-pwd:$\n"
    "a=candidate:$\n"
    "a=sctp-port:5000\n"
    "a=max-message-size:262144\n"
    "     },\n"
    "     Remote {\n"
    "v=0\n"
    "c=IN IP4 127.0.0.1\n"
    "m=application 50000 UDP/DTLS/SCTP webrtc-datachannel\n"
    "a=setup:active\n"
    "a=fingerprint:sha-256 "
    "7B:F3:79:D5:AF:57:AF:B8:EE:3C:2F:42:B4:E4:A0:4B:FF:37:32:F8:DC:4F:78:37:22:70:1B:78:CF:35:2D:DF\n"
    "a=sctp-port:5000\n"
    "     }\n"
    "    },\n"
    "    Stream = 2 {\n"
    "     LocalControl { Mode = SendReceive },\n"
    "     Local {\n"
    "v=0\n"
    "m=application 9 UDP/DTLS/SCTP webrtc-datachannel\n"
    "a=dcmap:0 subprotocol=\"msrp\";label=\"chat\"\n"
    "     }\n"
    "    }\n"
    "   },\n"
    "   Events = 1000 { g/cause, hangterm/thb { timerx = 3600 }, sctpbcc/BNCChange { Type = Est } },\n"
    "   Signals { sctpbcc/EstBNC { Stream = 1 } }\n"
    "  }\n"
    " }\n"
    "}\n";

inline constexpr const char* notify =
    "!/3 [10.0.0.2]:2944 T=7001{C=12{N=ip/1/access/3{OE=1000{20261123T22013377:dcep/chg{ST=2,Type=Open,sid=0,label=\"chat\"}}}}}";

}  // namespace h248_examples
