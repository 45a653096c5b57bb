#include <agw/h248/reference.hpp>

#include <cstdio>
#include <initializer_list>
#include <utility>

#include <agw/h248/error_code.hpp>
#include <agw/h248/packages.hpp>

#include "text/tokens.hpp"

namespace agw::h248 {
namespace {

std::string hex(std::uint16_t n) {
  char text[8];
  std::snprintf(text, sizeof text, "0x%04x", n);
  return text;
}

std::string code(std::string_view text) { return "`" + std::string(text) + "`"; }

std::string row(std::initializer_list<std::string> cells) {
  std::string out = "|";
  for (const auto& cell : cells) (out += cell.empty() ? "" : " " + cell) += " |";
  return out += '\n';
}

std::string head(std::initializer_list<std::string> cells) {
  std::string rule = "|";
  for (std::size_t i = 0; i < cells.size(); ++i) rule += " --- |";
  return row(cells) + rule + '\n';
}

std::string_view mark(standing s) {
  switch (s) {
    case standing::known: return "";
    case standing::number_assumed: return "number";
    case standing::provisional: return "P";
  }
  return "";
}

std::string in_words(const value_rule& rule) {
  switch (rule.type) {
    case value_type::boolean: return "ON, OFF";
    case value_type::integer:
      return rule.min == 0 && rule.max == value_rule{}.max ? "integer" : std::to_string(rule.min) + " to " + std::to_string(rule.max);
    case value_type::real: return "number";
    case value_type::octets: return "hexadecimal";
    case value_type::string: return rule.several ? "strings" : "string";
    case value_type::enumeration: break;
  }
  std::string out;
  for (const auto word : rule.words) (out += out.empty() ? "" : ", ") += word;
  return out;
}

std::string kind_of(const item_info& i) {
  switch (i.kind) {
    case item_kind::event: return "event";
    case item_kind::signal: return "signal";
    case item_kind::statistic: return "statistic";
    case item_kind::property: break;
  }
  const std::string_view where = (i.places & place::root) != 0                ? "ROOT"
                                 : (i.places & place::termination_state) != 0 ? "TerminationState"
                                                                              : "LocalControl";
  return "property, " + std::string(where) + (i.read_only ? ", read-only" : "");
}

std::string items_of(const package_info& p) {
  std::string out = head({"item", "kind", "number", "values", "meaning", "provisional"});
  for (const auto& i : p.items) {
    const bool valued = i.kind == item_kind::property || i.kind == item_kind::statistic;
    out += row({code(std::string(p.name) + "/" + std::string(i.name)), kind_of(i), hex(i.id), valued ? in_words(i.value) : "",
                std::string(i.meaning), std::string(mark(i.identifier))});
    for (const auto& q : i.parameters) {
      out += row({"… " + code(q.name), "parameter", hex(q.id), in_words(q.value), std::string(q.meaning), std::string(mark(i.identifier))});
    }
  }
  return out;
}

std::string words_as_markdown() {
  std::string out = head({"long", "short"});
  for (std::size_t n = 1; n <= static_cast<std::size_t>(text::token::version); ++n) {
    const auto t = static_cast<text::token>(n);
    out += row({code(text::long_name(t)), text::short_name(t) == text::long_name(t) ? "" : code(text::short_name(t))});
  }
  return out;
}

std::string givers(std::uint8_t given_by) {
  static constexpr std::pair<std::uint8_t, std::string_view> names[] = {{giver::parser, "parser"},
                                                                        {giver::profile, "profile"},
                                                                        {giver::endpoint, "endpoint"},
                                                                        {giver::gateway, "gateway"},
                                                                        {giver::controller, "controller"}};
  std::string out;
  for (const auto& [bit, name] : names) {
    if ((given_by & bit) != 0) (out += out.empty() ? "" : ", ") += name;
  }
  return out;
}

}  // namespace

std::string packages_as_markdown() {
  std::string out = head({"package", "number", "version", "from"});
  for (const auto& p : package_table()) {
    if (!p.implemented) continue;
    out += row({code(p.name), hex(p.id), std::to_string(p.version), std::string(p.source)});
  }
  for (const auto& p : package_table()) {
    if (!p.implemented) continue;
    out += "\n### " + std::string(p.name) + "\n\n";
    if (!p.note.empty()) out += std::string(p.note) + "\n\n";
    if (p.items.empty()) out += "No items: the package is in effect by SDP alone.\n";
    else out += items_of(p);
  }
  return out;
}

std::string reference_as_markdown() {
  std::string out =
      "# H.248 reference\n\n"
      "Written by `agw-h248 reference` from the tables that the programs use; [README.md](README.md) says what of the grammar is "
      "supported.\n\n"
      "## Packages\n\n"
      "What a Packages audit of ROOT returns. Names, numbers and versions of packages are those of IANA's registry, but for `agwmsrp`. "
      "Only items are provisional, where the last column says so: \"P\", neither name nor number could be had from a public text; "
      "\"number\", the name could. `[h248.names]` of the configuration respells any of them.\n\n";
  out += packages_as_markdown();
  out += "\nKnown by name, so that `agw-h248 check --profile` can tell, but not implemented:";
  for (const auto& p : package_table()) {
    if (!p.implemented) out += " " + code(p.name) + " (" + std::string(p.source) + ")";
  }
  out +=
      ".\n\n## Error codes\n\n"
      "Who gives it: the parser, with line and column; the check against the profile; the endpoint, which keeps the rules of "
      "transactions and registration; the gateway when it executes a command; the controller. The others are understood only.\n\n";
  out += head({"code", "text", "given by"});
  for (const auto& e : error_code_table()) out += row({std::to_string(e.code), std::string(e.text), givers(e.given_by)});
  out += "\n## Reasons of a ServiceChange\n\n";
  for (const auto& r : change_reason_table()) out += "- " + code(r.text) + "\n";
  out +=
      "\n## Words of the text encoding\n\n"
      "Read in either form and any case, in every version; written long by the pretty and short by the compact writer. A word means "
      "something only where the grammar expects it: a termination may be called `Add`.\n\n";
  return out += words_as_markdown();
}

}  // namespace agw::h248
