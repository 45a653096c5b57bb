#include "text/tokens.hpp"

#include <array>
#include <cstddef>
#include <cstring>

#include <agw/h248/ascii.hpp>

namespace agw::h248::text {
namespace {

struct spelling {
  std::string_view full;
  std::string_view brief;
};

// In the order of the enumeration.
constexpr spelling spellings[] = {
    {"", ""},
    {"Add", "A"},
    {"ANDLgc", "ANDLgc"},
    {"Audit", "AT"},
    {"AuditCapability", "AC"},
    {"AuditValue", "AV"},
    {"Authentication", "AU"},
    {"Both", "B"},
    {"Bothway", "BW"},
    {"Brief", "BR"},
    {"Buffer", "BF"},
    {"Context", "C"},
    {"ContextAttr", "CT"},
    {"ContextAudit", "CA"},
    {"ContextList", "CLT"},
    {"Delay", "DL"},
    {"DigitMap", "DM"},
    {"Disconnected", "DC"},
    {"Duration", "DR"},
    {"Embed", "EM"},
    {"Emergency", "EG"},
    {"EmergencyOff", "EGO"},
    {"EmergencyValue", "EGV"},
    {"END", "&"},
    {"Error", "ER"},
    {"EventBuffer", "EB"},
    {"Events", "E"},
    {"External", "EX"},
    {"Failover", "FL"},
    {"Forced", "FO"},
    {"Graceful", "GR"},
    {"H221", "H221"},
    {"H223", "H223"},
    {"H226", "H226"},
    {"HandOff", "HO"},
    {"IEPSCall", "IEPS"},
    {"ImmAckRequired", "IA"},
    {"ImmediateNotify", "NBIN"},
    {"InService", "IV"},
    {"Inactive", "IN"},
    {"IntByEvent", "IBE"},
    {"IntBySigDescr", "IBS"},
    {"Internal", "IT"},
    {"Intersignal", "SPAIS"},
    {"Isolate", "IS"},
    {"Iteration", "IR"},
    {"KeepActive", "KA"},
    {"Local", "L"},
    {"LocalControl", "O"},
    {"LockStep", "SP"},
    {"Loopback", "LB"},
    {"Media", "M"},
    {"MEGACO", "!"},
    {"Method", "MT"},
    {"MgcIdToTry", "MG"},
    {"Mode", "MO"},
    {"Modem", "MD"},
    {"Modify", "MF"},
    {"Move", "MV"},
    {"MTP", "MTP"},
    {"Mux", "MX"},
    {"NeverNotify", "NBNN"},
    {"Notify", "N"},
    {"NotifyCompletion", "NC"},
    {"Nx64Kservice", "N64"},
    {"ObservedEvents", "OE"},
    {"OFF", "OFF"},
    {"ON", "ON"},
    {"OnOff", "OO"},
    {"Oneway", "OW"},
    {"OnewayBoth", "OWB"},
    {"OnewayExternal", "OWE"},
    {"ORLgc", "ORLgc"},
    {"OtherReason", "OR"},
    {"OutOfService", "OS"},
    {"Packages", "PG"},
    {"Pending", "PN"},
    {"Priority", "PR"},
    {"Profile", "PF"},
    {"Reason", "RE"},
    {"ReceiveOnly", "RC"},
    {"RegulatedNotify", "NBRN"},
    {"Remote", "R"},
    {"Reply", "P"},
    {"ReservedGroup", "RG"},
    {"ReservedValue", "RV"},
    {"ResetEventsDescriptor", "RSE"},
    {"Restart", "RS"},
    {"Segment", "SM"},
    {"SendOnly", "SO"},
    {"SendReceive", "SR"},
    {"ServiceChange", "SC"},
    {"ServiceChangeAddress", "AD"},
    {"ServiceChangeInc", "SIC"},
    {"ServiceStates", "SI"},
    {"Services", "SV"},
    {"SignalList", "SL"},
    {"SignalType", "SY"},
    {"Signals", "SG"},
    {"SPADirection", "SPADI"},
    {"SPARequestID", "SPARQ"},
    {"Statistics", "SA"},
    {"Stream", "ST"},
    {"Subtract", "S"},
    {"SynchISDN", "SN"},
    {"TerminationState", "TS"},
    {"Test", "TE"},
    {"TimeOut", "TO"},
    {"Topology", "TP"},
    {"Transaction", "T"},
    {"TransactionResponseAck", "K"},
    {"V18", "V18"},
    {"V22", "V22"},
    {"V22b", "V22b"},
    {"V32", "V32"},
    {"V32b", "V32b"},
    {"V34", "V34"},
    {"V76", "V76"},
    {"V90", "V90"},
    {"V91", "V91"},
    {"Version", "V"},
};
constexpr std::size_t count = std::size(spellings);
static_assert(count == static_cast<std::size_t>(token::version) + 1);

// The bits in which sizeof(T) characters differ.
template <class T>
std::uint64_t difference(const char* a, const char* b) noexcept {
  T ours, theirs;
  std::memcpy(&ours, a, sizeof(T));
  std::memcpy(&theirs, b, sizeof(T));
  return ours ^ theirs;
}

// Case is one bit, and no two characters that a word may have differ in that bit alone but letters. The last pieces overlap.
bool same(std::string_view a, std::string_view b) noexcept {
  if (a.size() != b.size()) return false;
  const char* const ours = a.data();
  const char* const theirs = b.data();
  const std::size_t n = a.size();
  std::uint64_t different = 0;
  if (n >= 8) {
    for (std::size_t at = 0; at + 8 < n; at += 8) different |= difference<std::uint64_t>(ours + at, theirs + at);
    different |= difference<std::uint64_t>(ours + n - 8, theirs + n - 8);
  } else if (n >= 4) {
    different = difference<std::uint32_t>(ours, theirs) | difference<std::uint32_t>(ours + n - 4, theirs + n - 4);
  } else {
    for (std::size_t i = 0; i < n; ++i) different |= difference<std::uint8_t>(ours + i, theirs + i);
  }
  return (different & 0xDFDFDFDFDFDFDFDF) == 0;
}

constexpr std::size_t slots = 1024;

constexpr std::size_t slot_of(std::string_view word) noexcept {
  const auto at = [&](std::size_t n) { return static_cast<std::size_t>(static_cast<unsigned char>(word[n]) & 0xDFu); };
  return (at(0) * 11 + at(word.size() / 2) * 37 + at(word.size() - 1) * 5 + word.size() * 101) % slots;
}

// Open addressing, filled by the compiler.
struct table {
  std::array<std::uint8_t, slots> index{};
  std::array<std::string_view, slots> word{};

  constexpr void put(std::string_view text, std::size_t token_index) {
    std::size_t at = slot_of(text);
    while (index[at] != 0) {
      if (iequals(word[at], text)) return;
      at = (at + 1) % slots;
    }
    index[at] = static_cast<std::uint8_t>(token_index);
    word[at] = text;
  }
};

constexpr table make_table() {
  table made;
  for (std::size_t i = 1; i < count; ++i) {
    made.put(spellings[i].full, i);
    made.put(spellings[i].brief, i);
  }
  // Version 2 has the name of the token instead of its text; equipment sends both.
  made.put("EmergencyOffToken", static_cast<std::size_t>(token::emergency_off));
  return made;
}

constexpr table words = make_table();

}  // namespace

token find_token(std::string_view word) noexcept {
  if (word.empty()) return token::none;
  for (std::size_t at = slot_of(word); words.index[at] != 0; at = (at + 1) % slots) {
    if (same(words.word[at], word)) return static_cast<token>(words.index[at]);
  }
  return token::none;
}

bool is_token(std::string_view word, token t) noexcept {
  const spelling& s = spellings[static_cast<std::size_t>(t)];
  return same(word, s.full) || same(word, s.brief);
}

std::string_view long_name(token t) noexcept { return spellings[static_cast<std::size_t>(t)].full; }
std::string_view short_name(token t) noexcept { return spellings[static_cast<std::size_t>(t)].brief; }

}  // namespace agw::h248::text
