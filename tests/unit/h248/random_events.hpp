// Random Events, Signals, ObservedEvents and digit maps.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "unit/h248/random_text.hpp"

namespace h248_tests {

class random_events : protected random_text {
 protected:
  random_events(std::uint64_t seed, int version, dialect spoken) : random_text(seed, version, spoken) {}

  void parameter() {
    out_ += fresh_name();
    parm_value(whole_);
  }
  void parameters() { items(1, 3, [this] { parameter(); }); }

  void events() { events_of(0); }
  void events_of(int depth) {
    word("Events", "E");
    if (chance(10)) return;
    equals();
    out_ += request_id();
    open();
    items(1, 3, [this, depth] { event(depth); });
    close();
  }
  void event(int depth) {
    item();
    if (chance(40)) return;
    open();
    const auto keep = [this] { word("KeepActive", "KA"); };
    const auto embed = [this, depth] {
      word("Embed", "EM");
      open();
      if (depth > 0) {
        signals(true);
      } else if (chance(50)) {
        signals(true);
        if (chance(50)) {
          comma();
          events_of(1);
        }
      } else {
        events_of(1);
      }
      close();
    };
    const bool kept = chance(50);
    const auto last = [&] { kept ? keep() : embed(); };
    const auto map = [this] {
      word("DigitMap", "DM");
      const bool value = chance(50);
      if (!value || !stray()) equals();
      if (!value) {
        digit_map_name();
      } else {
        out_ += '{';
        maybe_space();
        digit_map_value();
        out_ += '}';
        maybe_space();
      }
    };
    const auto behaviour = [this] {
      switch (pick(3)) {
        case 0: word("NeverNotify", "NBNN"); break;
        case 1: word("ImmediateNotify", "NBIN"); break;
        default: word("RegulatedNotify", "NBRN");
      }
    };
    if (version_ == 3) {
      some_of(30, {[this] { parameters(); }, [this] { stream(); }, last, map, behaviour,
                   [this] { word("ResetEventsDescriptor", "RSE"); }});
    } else {
      some_of(30, {[this] { parameters(); }, [this] { stream(); }, last, map});
    }
    close();
  }
  void event_buffer() {
    word("EventBuffer", "EB");
    if (chance(20)) return;
    open();
    items(1, 2, [this] {
      item();
      if (chance(50)) {
        open();
        some_of(50, {[this] { parameters(); }, [this] { stream(); }});
        close();
      }
    });
    close();
  }
  void observed() {
    word("ObservedEvents", "OE");
    equals();
    out_ += request_id();
    open();
    items(1, 3, [this] {
      if (chance(40)) {
        out_ += time();
        maybe_space();
        out_ += ':';
        maybe_space();
      }
      plain_item();
      if (chance(50)) {
        open();
        some_of(50, {[this] { parameters(); }, [this] { stream(); }});
        close();
      }
    });
    close();
  }
  void signals(bool embedded = false) {
    word("Signals", "SG");
    if (chance(15) && (whole_ || (version_ > 1 && !embedded))) {
      if (version_ == 1) out_ += "{}";
      return;
    }
    open();
    items(1, 3, [this] {
      if (!chance(25)) return signal();
      word("SignalList", "SL");
      equals();
      out_ += number(65535);
      open();
      items(1, 3, [this] { signal(true); });
      close();
    });
    close();
  }
  void signal(bool in_list = false) {
    item();
    if (chance(40) && !in_list) return;
    open();
    const auto type = [this] {
      word("SignalType", "SY");
      equals();
      static constexpr std::string_view full[] = {"OnOff", "TimeOut", "Brief"}, brief[] = {"OO", "TO", "BR"};
      const auto which = pick(3);
      word(full[which], brief[which]);
    };
    const auto duration = [this] {
      word("Duration", "DR");
      equals();
      out_ += number(65535);
    };
    const auto completion = [this] {
      word("NotifyCompletion", "NC");
      equals();
      out_ += '{';
      const auto iteration = [this] { 
        const bool there = version_ == 3 && whole_;
        there ? word("Iteration", "IR") : word("OtherReason", "OR");
      };
      some_of(40, {[this] { word("TimeOut", "TO"); }, [this] { word("IntByEvent", "IBE"); },
                   [this] { word("IntBySigDescr", "IBS"); }, iteration});
      around('}');
    };
    const auto direction = [this] {
      word("SPADirection", "SPADI");
      equals();
      static constexpr std::string_view full[] = {"External", "Internal", "Both"}, brief[] = {"EX", "IT", "B"};
      const auto which = pick(3);
      word(full[which], brief[which]);
    };
    const auto id = [this] {
      word("SPARequestID", "SPARQ");
      equals();
      out_ += request_id();
    };
    const auto delay = [this] {
      word("Intersignal", "SPAIS");
      equals();
      out_ += number(65535);
    };
    if (in_list) {
      type();
      comma();
    }
    const auto type_here = when(!in_list, type);
    if (version_ == 3) {
      some_of(25, {[this] { parameters(); }, [this] { stream(); }, type_here, duration, completion,
                   [this] { word("KeepActive", "KA"); }, direction, id, delay});
    } else {
      some_of(25, {[this] { parameters(); }, [this] { stream(); }, type_here, duration, completion,
                   [this] { word("KeepActive", "KA"); }});
    }
    close();
  }
  void digit_map_value() {
    for (const char letter : std::string_view("TSL")) {
      if (chance(20)) out_ += std::string(1, letter) + ":" + std::to_string(1 + pick(99)) + ",";
    }
    if (version_ >= 2 && chance(20)) out_ += "Z:" + std::to_string(1 + pick(99)) + ",";
    static constexpr std::string_view maps[] = {"12", "(0|00|[1-7]xxx|8xxxxxxx|Fxxxxxxx|Exx|91xxxxxxxxxx|9011x.)", "1x.", "(1|2)",
                                                "(E[2-5a]S|FL)", "[1-9]x"};
    out_ += stray() ? "(*x|[0-9#].)" : maps[pick(6)];
  }
  void digit_map_name() { out_ += stray() ? "8" + name().substr(0, 20) + "-1.x" : name(); }
  void digit_map() {
    word("DigitMap", "DM");
    equals();
    const bool named = chance(60);
    if (named) digit_map_name();
    if (named && chance(40)) return;
    out_ += '{';
    maybe_space();
    digit_map_value();
    out_ += '}';
    maybe_space();
  }
};

}  // namespace h248_tests
