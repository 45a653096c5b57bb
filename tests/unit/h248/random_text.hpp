// The lexical level of random messages: words long and short in any case, white space and comments wherever they may stand,
// names, values, identifiers.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <initializer_list>
#include <random>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace h248_tests {

// Which language the messages are in: all of the grammar, or what is left of it by erlang-megaco 4.4. That one refuses, or does
// not write again: 8-bit bytes, line ends in strings, "\}", names of packages and items of more than 64 characters together,
// Local, Remote, Mode and DigitMap as names, Method = X-name, the reason Iteration, Modem, MTP addresses of more than 4 digits,
// several values and relations of a parameter, more than one triple, a stream, or OnewayBoth and OnewayExternal in Topology,
// ContextAudit in version 1, embedded or version 1's empty Signals, strings that need no quotes, '&' as a value, individual
// Events without a RequestID in version 2, an error beside ObservedEvents, individual audits beside others, device names as
// ServiceChangeAddress, errors in AuditValue = Context, v= lines,
// the digits of an authentication header, anything behind Segment, comments at the very end.
//
// Or the whole grammar with what equipment sends besides: names that begin with digits or hold dashes and dots, white space that is not
// there, octets behind the end, and the rest of text/deviations.hpp.
enum class dialect { whole_grammar, megaco, as_sent };

class random_text {
 protected:
  random_text(std::uint64_t seed, int version, dialect spoken)
      : random_(seed), version_(version), whole_(spoken != dialect::megaco), as_sent_(spoken == dialect::as_sent) {}

  std::size_t pick(std::size_t n) { return static_cast<std::size_t>(random_() % n); }
  bool chance(unsigned percent) { return pick(100) < percent; }
  // Whether to leave the grammar here.
  bool stray(unsigned percent = 15) { return as_sent_ && chance(percent); }
  std::string number(std::uint64_t max) {
    const std::uint64_t limit = chance(20) ? max : std::min<std::uint64_t>(max, 99);
    return std::to_string(random_() % (limit + 1));
  }
  std::string hex(std::size_t n) {
    std::string s;
    while (s.size() < n) s += "0123456789abcdef"[pick(16)];
    return s;
  }

  void word(std::string_view full, std::string_view brief) { cased(chance(50) ? full : brief); }
  void cased(std::string_view text) {
    const auto how = pick(4);
    for (std::size_t i = 0; i < text.size(); ++i) {
      char c = text[i];
      const bool upper = how == 1 || (how == 3 && chance(50)), lower = how == 2 || (how == 3 && !upper);
      if (upper && c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
      if (lower && c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
      out_ += c;
    }
  }
  void space() {
    if (chance(8)) {
      out_ += "; some comment {\n";
      return;
    }
    static constexpr std::string_view kinds[] = {" ", "  ", "\t", "\n", "\r\n", " \n "};
    out_ += kinds[pick(6)];
  }
  void maybe_space() {
    if (chance(15)) space();
  }
  void separator() {
    space();
    maybe_space();
  }
  void around(char c) {
    maybe_space();
    out_ += c;
    maybe_space();
  }
  void equals() { around('='); }
  void open() { around('{'); }
  void close() { around('}'); }
  void comma() { around(','); }

  template <class F>
  void times(std::size_t least, std::size_t most, std::string_view between, F&& f) {
    const std::size_t n = least + pick(most - least + 1);
    for (std::size_t i = 0; i < n; ++i) {
      if (i > 0 && between == ",") comma();
      f();
    }
  }
  template <class F>
  void items(std::size_t least, std::size_t most, F&& f) {
    times(least, most, ",", std::forward<F>(f));
  }
  static std::function<void()> when(bool there, std::function<void()> f) { return there ? std::move(f) : nullptr; }
  // Each of `all` that is not empty with that likelihood, at least one, in random order.
  void some_of(unsigned percent, std::initializer_list<std::function<void()>> all) {
    std::vector<const std::function<void()>*> chosen;
    for (const auto& f : all) {
      if (f && chance(percent)) chosen.push_back(&f);
    }
    while (chosen.empty()) {
      const auto* f = all.begin() + pick(all.size());
      if (*f) chosen.push_back(f);
    }
    for (std::size_t i = chosen.size(); i > 1; --i) std::swap(chosen[i - 1], chosen[pick(i)]);
    bool first = true;
    for (const auto* f : chosen) {
      if (!first) comma();
      first = false;
      (*f)();
    }
  }

  std::string name() {
    if (chance(10)) {
      static constexpr std::string_view words[] = {"Add", "ON", "SR", "Stream", "EM", "x", "T", "Reply", "DM", "Mode", "local"};
      return std::string(words[pick(whole_ ? 11 : 8)]);
    }
    std::string s(1, "qwyzQW"[pick(6)]);
    for (std::size_t n = pick(whole_ && chance(5) ? 64 : 7); n > 0; --n) s += "abcdefgXYZ0123456789_"[pick(21)];
    return s;
  }
  // Unlike any other in the same list.
  std::string fresh_item() { return name() + "/" + fresh_name(); }
  std::string fresh_name() { return "p" + std::to_string(serial_++) + (chance(30) ? "_X" : ""); }
  void item() {
    const auto kind = pick(20);
    out_ += kind == 0 ? "*/*" : kind == 1 ? name() + "/*" : name() + "/" + name();
  }
  void plain_item() { out_ += name() + "/" + name(); }
  std::string value() {
    std::string s;
    if (chance(30)) {
      s += whole_ ? "\"" : "\" ";
      for (std::size_t n = pick(20); n > 0; --n) {
        static constexpr std::string_view chars = "abc XYZ019+-&!_/'?@^`~*$\\()%|.;[]{}:,#<>=\t";
        s += chars[pick(chars.size())];
        if (whole_ && chance(3)) s += static_cast<char>(0x80 + pick(128));
        if (whole_ && chance(2)) s += '\n';
      }
      return s + '"';
    }
    if (chance(5)) return chance(50) ? "$" : "*";
    static constexpr std::string_view chars = "abcXYZ0123456789+-&!_/'?@^`~*$\\()%|.";
    if (!whole_) s += 'q';
    for (std::size_t n = 1 + pick(10); n > 0; --n) {
      s += chars[pick(chars.size())];
      if (whole_ && chance(3)) s += static_cast<char>(0x80 + pick(128));
    }
    return s;
  }
  void parm_value(bool several) {
    const auto kind = several ? pick(20) : 3;
    if (kind < 3) {
      around("><#"[kind]);
      out_ += value();
      return;
    }
    equals();
    if (kind == 4 || kind == 5) {
      out_ += '[';
      maybe_space();
      items(1, 3, [this] { out_ += value(); });
      around(']');
    } else if (kind == 6) {
      out_ += '{';
      maybe_space();
      items(1, 3, [this] { out_ += value(); });
      around('}');
    } else if (kind == 7) {
      out_ += '[' + value() + ':' + value() + ']';
      maybe_space();
    } else {
      out_ += value();
    }
  }
  void property() {
    item();
    parm_value(true);
  }
  std::string termination() {
    static constexpr std::string_view fixed[] = {"ROOT", "$", "*"};
    if (chance(25)) return std::string(fixed[pick(3)]);
    std::string s = name().substr(0, 12);
    if (stray()) s.insert(0, std::to_string(pick(1000)));
    if (chance(5)) s.insert(0, 1, '*');
    for (std::size_t n = pick(4); n > 0; --n) s += "/" + (chance(20) ? std::string(chance(50) ? "$" : "*") : name().substr(0, 8));
    if (stray()) s += chance(50) ? "-1.x" : ".0/00000000";
    if (chance(5)) s += stray() ? "@ho_st.example" : "@host.example";
    return s;
  }
  void terminations() {
    if (version_ < 3 || chance(90)) {
      out_ += termination();
      return;
    }
    out_ += '[';
    maybe_space();
    items(2, 4, [this] { out_ += termination(); });
    around(']');
  }
  std::string context() {
    static constexpr std::string_view fixed[] = {"-", "$", "*"};
    return chance(40) ? std::string(fixed[pick(3)]) : std::to_string(1 + random_() % 4294967293u);
  }
  std::string request_id() { return chance(15) ? "*" : number(4294967294u); }
  void stream() {
    word("Stream", "ST");
    equals();
    out_ += number(65535);
  }
  // Whether brackets are the last of it.
  bool message_id(bool device = true) {
    const auto before = out_.size();
    device_or_address(device);
    return out_.size() > before && (out_.back() == ']' || out_.back() == '>');
  }
  void device_or_address(bool device) {
    const auto port = [this] {
      if (chance(70)) out_ += ":" + std::to_string(1 + pick(65535));
    };
    switch (pick(device ? 6 : 5)) {
      case 0:
      case 1: out_ += "[10.0." + std::to_string(pick(256)) + "." + std::to_string(pick(256)) + "]"; port(); break;
      case 2: out_ += chance(50) ? "[2001:db8::1" + hex(3) + "]" : "[2001:db8:0:1:2:3:4:1" + hex(3) + "]"; port(); break;
      case 3: out_ += stray() ? "<mg_1.example.org>" : "<mg-1.example.org>"; port(); break;
      case 4: out_ += "MTP{" + hex(whole_ ? 4 + 2 * pick(3) : 4) + "}"; break;
      default:
        out_ += (stray() ? "8gw" : "gw") + std::to_string(pick(1000)) + (stray() ? "/x-1" : "/x");
    }
  }
  std::string two(std::size_t from, std::size_t n) { return std::to_string(from + pick(n)); }
  std::string time() { return "202611" + two(10, 20) + "T" + two(10, 13) + "3045" + two(10, 90); }
  void error() {
    word("Error", "ER");
    equals();
    out_ += std::to_string(400 + pick(200));
    open();
    if (chance(60)) out_ += "\"some {text}; here\"";
    close();
  }
  void on_off() { cased(chance(50) ? "ON" : "OFF"); }

  std::mt19937_64 random_;
  int version_;
  bool whole_;
  bool as_sent_;
  std::string out_;
  std::uint64_t serial_ = 0;
};

}  // namespace h248_tests
