// Random valid messages, derived from the grammar of H.248.1 Annex B rather than from the writer. The same seed gives the same
// messages.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "unit/h248/random_descriptors.hpp"

namespace h248_tests {

class message_generator : private random_descriptors {
 public:
  message_generator(std::uint64_t seed, int version, dialect spoken = dialect::whole_grammar)
      : random_descriptors(seed, version, spoken) {}

  std::string next() {
    out_.clear();
    ended_ = false;
    if (chance(10)) space();
    if (whole_ && chance(5)) {
      word("Authentication", "AU");
      equals();
      out_ += "0x" + hex(8) + ":0x" + hex(8) + ":0x" + hex(24 + pick(41));
      separator();
    }
    word("MEGACO", "!");
    out_ += "/" + std::to_string(version_);
    const auto version_end = out_.size();
    separator();
    const auto id_start = out_.size();
    const bool brackets = message_id();
    if ((out_[id_start] == '[' || out_[id_start] == '<') && stray()) out_.erase(version_end, id_start - version_end);
    if (!brackets || !stray()) separator();
    if (chance(3)) {
      error();
    } else {
      times(1, 3, "", [this] {
        if (!ended_) transaction();
      });
    }
    // Ends with the last brace.
    if (!whole_ && !ended_) out_.erase(out_.rfind('}') + 1);
    if (stray()) out_.append(chance(50) ? std::string_view("\0", 1) : std::string_view("\r\n\0\0 ", 5));
    return out_;
  }

 private:
  void transaction() {
    const auto id = number(4294967295u);
    switch (pick(20)) {
      case 0:
        word("Pending", "PN");
        equals();
        out_ += id;
        open();
        close();
        break;
      case 1:
        word("TransactionResponseAck", "K");
        open();
        items(1, 4, [this] {
          if (stray()) {
            out_ += std::to_string(4294967295u - pick(100)) + "-" + std::to_string(pick(100));
            return;
          }
          const auto first = random_() % 1000;
          out_ += std::to_string(first);
          if (chance(40)) out_ += "-" + std::to_string(first + 1 + pick(100));
        });
        close();
        break;
      case 2:
        if (version_ == 3) {
          word("Segment", "SM");
          equals();
          out_ += id + "/" + std::to_string(1 + pick(9));
          if (chance(30)) out_ += chance(50) ? "/END" : "/&";
          ended_ = !whole_;
          if (stray()) out_ += '\n';
          break;
        }
        [[fallthrough]];
      case 3:
      case 4:
      case 5:
      case 6:
      case 7:
      case 8: reply(id); break;
      default:
        word("Transaction", "T");
        equals();
        out_ += id;
        open();
        items(1, 2, [this] { action_request(); });
        close();
    }
  }

  void reply(const std::string& id) {
    word("Reply", "P");
    equals();
    out_ += id;
    if (version_ == 3 && chance(10)) {
      out_ += "/" + std::to_string(1 + pick(9));
      if (chance(40)) out_ += chance(50) ? "/END" : "/&";
    }
    open();
    if (chance(10)) {
      word("ImmAckRequired", "IA");
      comma();
    }
    if (chance(10)) {
      error();
    } else {
      items(1, 2, [this] { action_reply(); });
    }
    close();
  }

  void topology() {
    word("Topology", "TP");
    open();
    items(1, whole_ ? 2 : 1, [this] {
      out_ += termination();
      comma();
      out_ += termination();
      comma();
      switch (pick(version_ == 3 && whole_ ? 5 : 3)) {
        case 0: word("Bothway", "BW"); break;
        case 1: word("Isolate", "IS"); break;
        case 2: word("Oneway", "OW"); break;
        case 3: word("OnewayExternal", "OWE"); break;
        default: word("OnewayBoth", "OWB");
      }
      if (whole_ && version_ >= 2 && chance(20)) {
        comma();
        stream();
      }
    });
    close();
  }

  void context_audit() {
    word("ContextAudit", "CA");
    open();
    some_of(40, {[this] { word("Topology", "TP"); }, [this] { word("Emergency", "EG"); }, [this] { word("Priority", "PR"); }});
    close();
  }

  void action_request() {
    word("Context", "C");
    equals();
    out_ += context();
    open();
    bool any = false;
    const bool audit_first = version_ == 2 && stray();
    if (audit_first) {
      context_audit();
      comma();
      one_property();
      any = true;
    } else if (chance(20)) {
      one_property();
      any = true;
    }
    if (!audit_first && chance(10) && (whole_ || version_ > 1)) {
      if (any) comma();
      context_audit();
      any = true;
    }
    if (!any || chance(80)) {
      if (any) comma();
      items(1, 3, [this] { command_request(); });
    }
    close();
  }
  void one_property() {
    switch (pick(version_ == 3 ? 4 : 3)) {
      case 0: topology(); break;
      case 1:
        word("Priority", "PR");
        equals();
        out_ += std::to_string(pick(16));
        break;
      case 2: emergency(); break;
      default:
        word("IEPSCall", "IEPS");
        equals();
        on_off();
    }
  }

  void emergency() {
    if (version_ == 1 || chance(50)) return word("Emergency", "EG");
    word(version_ == 2 ? "EmergencyOffToken" : "EmergencyOff", "EGO");
  }

  void action_reply() {
    word("Context", "C");
    equals();
    out_ += context();
    if ((version_ == 3 && chance(5)) || stray(5)) return;
    open();
    if (stray(5)) return close();
    if (chance(15)) {
      error();
    } else {
      if (chance(15)) {
        one_property();
        comma();
      }
      items(1, 3, [this] { command_reply(); });
      if (chance(10)) {
        comma();
        error();
      }
    }
    close();
  }

  void command_request() {
    if (chance(10)) cased("O-");
    if (chance(10)) cased("W-");
    switch (pick(10)) {
      case 0:
      case 1:
      case 2:
      case 3: {
        static constexpr std::string_view full[] = {"Add", "Move", "Modify"}, brief[] = {"A", "MV", "MF"};
        const auto which = pick(3);
        word(full[which], brief[which]);
        equals();
        terminations();
        if (chance(10)) break;
        open();
        some_of(25, {[this] { media(); }, [this] { mux(); }, when(whole_, [this] { modem(); }), [this] { events(); },
                     [this] { signals(); }, [this] { digit_map(); }, [this] { event_buffer(); }, [this] { audit(); }});
        close();
        break;
      }
      case 4:
        word("Subtract", "S");
        equals();
        terminations();
        if (chance(50)) {
          open();
          audit();
          close();
        }
        break;
      case 5:
      case 6: {
        const bool values = chance(50);
        values ? word("AuditValue", "AV") : word("AuditCapability", "AC");
        equals();
        terminations();
        if (stray()) break;
        open();
        audit(!values);
        close();
        break;
      }
      case 7:
      case 8:
        word("Notify", "N");
        equals();
        terminations();
        open();
        if (stray()) {
          error();
          if (chance(50)) return close();
          comma();
          observed();
          return close();
        }
        observed();
        if (chance(10) && whole_) {
          comma();
          error();
        }
        close();
        break;
      default:
        word("ServiceChange", "SC");
        equals();
        terminations();
        open();
        services(false);
        close();
    }
  }

  void command_reply() {
    switch (pick(8)) {
      case 0:
        word("Notify", "N");
        equals();
        terminations();
        if (chance(20)) {
          open();
          error();
          close();
        }
        break;
      case 1:
        word("ServiceChange", "SC");
        equals();
        terminations();
        if (chance(80)) {
          open();
          chance(20) ? error() : services(true);
          close();
        }
        break;
      case 2:
        chance(50) ? word("AuditValue", "AV") : word("AuditCapability", "AC");
        equals();
        word("Context", "C");
        open();
        if (whole_ && chance(20)) {
          error();
        } else {
          items(1, 4, [this] { out_ += termination(); });
        }
        close();
        break;
      default: {
        static constexpr std::string_view full[] = {"Add", "Move", "Modify", "Subtract", "AuditValue", "AuditCapability"},
                                          brief[] = {"A", "MV", "MF", "S", "AV", "AC"};
        const auto which = pick(6);
        word(full[which], brief[which]);
        equals();
        terminations();
        if (chance(15)) break;
        open();
        some_of(25, {[this] { media(); }, [this] { mux(); }, when(whole_, [this] { modem(); }), [this] { events(); },
                     [this] { signals(); }, [this] { digit_map(); }, [this] { event_buffer(); }, [this] { observed(); },
                     [this] { statistics(); }, [this] { packages(); }, [this] { error(); }});
        close();
      }
    }
  }

  bool ended_ = false;  // nothing may follow
};

}  // namespace h248_tests
