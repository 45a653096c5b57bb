// The other descriptors, at random: Media, Mux, Modem, Statistics, Packages, Audit, Services.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "unit/h248/random_events.hpp"

namespace h248_tests {

class random_descriptors : protected random_events {
 protected:
  random_descriptors(std::uint64_t seed, int version, dialect spoken) : random_events(seed, version, spoken) {}

  void session(std::string_view full, std::string_view brief) {
    word(full, brief);
    out_ += '{';
    if (chance(90)) {
      out_ += chance(50) ? "\n" : "\r\n";
      if (whole_) out_ += "v=0\n";
      if (chance(50)) out_ += "c=IN IP4 $\n";
      out_ += "m=audio $ RTP/AVP 0\n";
      for (std::size_t n = pick(3); n > 0; --n) {
        out_ += "a=x" + name() + ":Some {Value; \"x\"";
        if (whole_ && chance(20)) out_ += "\\}";
        if (whole_ && chance(10)) out_ += static_cast<char>(0x80 + pick(128));
        out_ += '\n';
      }
    }
    out_ += '}';
    maybe_space();
  }
  void local_control() {
    word("LocalControl", "O");
    open();
    some_of(40, {[this] {
                   word("Mode", "MO");
                   equals();
                   mode();
                 },
                 [this] {
                   word("ReservedValue", "RV");
                   equals();
                   on_off();
                 },
                 [this] {
                   word("ReservedGroup", "RG");
                   equals();
                   on_off();
                 },
                 [this] { items(1, 3, [this] { property(); }); }});
    close();
  }
  void mode() {
    static constexpr std::string_view full[] = {"SendOnly", "ReceiveOnly", "SendReceive", "Inactive", "Loopback"},
                                      brief[] = {"SO", "RC", "SR", "IN", "LB"};
    const auto which = pick(5);
    word(full[which], brief[which]);
  }
  void stream_parameters() {
    if (version_ == 3) {
      some_of(50, {[this] { local_control(); }, [this] { session("Local", "L"); }, [this] { session("Remote", "R"); },
                   [this] { statistics(); }});
    } else {
      some_of(50, {[this] { local_control(); }, [this] { session("Local", "L"); }, [this] { session("Remote", "R"); }});
    }
  }
  void media() {
    word("Media", "M");
    open();
    const bool state = chance(30);
    if (state) {
      word("TerminationState", "TS");
      open();
      some_of(40, {[this] { items(1, 2, [this] { property(); }); },
                   [this] {
                     word("ServiceStates", "SI");
                     equals();
                     service_state();
                   },
                   [this] {
                     word("Buffer", "BF");
                     equals();
                     chance(50) ? cased("OFF") : word("LockStep", "SP");
                   }});
      close();
    }
    if (!state || chance(70)) {
      if (state) comma();
      if (chance(40)) {
        stream_parameters();
      } else {
        items(1, 2, [this] {
          stream();
          open();
          stream_parameters();
          close();
        });
      }
    }
    close();
  }
  void service_state() {
    static constexpr std::string_view full[] = {"Test", "OutOfService", "InService"}, brief[] = {"TE", "OS", "IV"};
    const auto which = pick(3);
    word(full[which], brief[which]);
  }
  void mux() {
    word("Mux", "MX");
    equals();
    static constexpr std::string_view types[] = {"H221", "H223", "H226", "V76", "X-abc1"};
    cased(types[pick(4)]);
    open();
    items(1, 3, [this] { out_ += termination(); });
    close();
  }
  void modem() {
    static constexpr std::string_view types[] = {"V18", "V22", "V22b", "V32", "V32b", "V34", "V90", "V91", "SynchISDN", "X-abc"};
    word("Modem", "MD");
    if (chance(50)) {
      equals();
      cased(types[pick(10)]);
    } else {
      maybe_space();
      out_ += '[';
      const auto first = pick(10);
      std::size_t n = 0;
      items(1, 3, [&] { cased(types[(first + n++) % 10]); });
      around(']');
    }
    if (!chance(40)) return;
    open();
    items(1, 2, [this] { property(); });
    close();
  }

  void statistics() {
    word("Statistics", "SA");
    open();
    items(1, 3, [this] {
      out_ += fresh_item();
      if (chance(80)) {
        equals();
        out_ += value();
      }
    });
    close();
  }
  void package() { out_ += name() + "-" + number(99); }
  void packages() {
    word("Packages", "PG");
    open();
    items(1, 4, [this] { package(); });
    close();
  }

  void audit(bool capabilities = false) {
    word("Audit", "AT");
    open();
    if (!whole_ && version_ >= 2 && chance(20)) {
      individual_audit(capabilities);
    } else if (chance(80)) {
      some_of(20, {[this] { word("Mux", "MX"); }, [this] { word("Modem", "MD"); }, [this] { word("Media", "M"); },
                   when(!capabilities, [this] { word("DigitMap", "DM"); }), [this] { word("Statistics", "SA"); },
                   [this] { word("ObservedEvents", "OE"); }, when(!capabilities || as_sent_, [this] { word("Packages", "PG"); }),
                   [this] { word("Signals", "SG"); }, [this] { word("EventBuffer", "EB"); }, [this] { word("Events", "E"); }});
      if (whole_ && version_ >= 2 && chance(30)) {
        comma();
        individual_audit(capabilities);
      }
    }
    close();
  }
  void individual_audit(bool capabilities) {
    switch (pick(capabilities ? 5 : 7)) {
      case 0:
        word("Media", "M");
        open();
        if (chance(50)) {
          word("TerminationState", "TS");
          open();
          chance(50) ? plain_item() : word("ServiceStates", "SI");
          close();
        } else {
          stream();
          open();
          word("LocalControl", "O");
          open();
          some_of(40, {[this] { word("Mode", "MO"); }, [this] { word("ReservedValue", "RV"); },
                       [this] { word("ReservedGroup", "RG"); }, [this] { plain_item(); }});
          close();
          close();
        }
        close();
        break;
      case 1:
        word("Events", "E");
        if ((!whole_ && version_ == 2) || chance(50)) {
          equals();
          out_ += request_id();
        }
        open();
        plain_item();
        close();
        break;
      case 2:
        word("EventBuffer", "EB");
        open();
        plain_item();
        if (chance(30)) {
          open();
          chance(50) ? stream() : static_cast<void>(out_ += name());
          close();
        }
        close();
        break;
      case 3:
        word("Signals", "SG");
        open();
        if (chance(60)) {
          plain_item();
        } else {
          word("SignalList", "SL");
          equals();
          out_ += number(65535);
          open();
          plain_item();
          close();
        }
        close();
        break;
      case 4:
        word("Statistics", "SA");
        open();
        plain_item();
        close();
        break;
      case 5:
        word("DigitMap", "DM");
        equals();
        digit_map_name();
        break;
      default:
        word("Packages", "PG");
        open();
        package();
        close();
    }
  }

  void services(bool reply) {
    word("Services", "SV");
    open();
    const auto address = [this] {
      const bool to_try = chance(40);
      to_try ? word("MgcIdToTry", "MG") : word("ServiceChangeAddress", "AD");
      equals();
      if (!to_try && chance(30)) {
        out_ += std::to_string(1 + pick(65535));
      } else {
        message_id(whole_ || to_try);
      }
    };
    const auto profile = [this] {
      word("Profile", "PF");
      equals();
      out_ += "threegiq/" + std::to_string(1 + pick(9));
    };
    const auto version = [this] {
      word("Version", "V");
      equals();
      out_ += std::to_string(1 + pick(3));
    };
    const auto stamp = [this] { out_ += time(); };
    if (!reply) {
      word("Method", "MT");
      equals();
      static constexpr std::string_view full[] = {"Failover", "Forced", "Graceful", "Restart",
                                                    "Disconnected", "HandOff", "X-abc"},
                                        brief[] = {"FL", "FO", "GR", "RS", "DC", "HO", "X-abc"};
      const auto which = pick(whole_ ? 7 : 6);
      which == 6 ? static_cast<void>(out_ += "X-abc") : word(full[which], brief[which]);
      comma();
      if (!stray()) {
        word("Reason", "RE");
        equals();
        out_ += "\"90" + std::to_string(pick(10)) + " Some reason\"";
        comma();
      }
    }
    const auto delay = [this] {
      word("Delay", "DL");
      equals();
      out_ += number(4294967295u);
    };
    if (reply) {
      some_of(40, {address, profile, version, stamp});
    } else {
      some_of(40, {address, profile, version, stamp, delay});
    }
    close();
  }
};

}  // namespace h248_tests
