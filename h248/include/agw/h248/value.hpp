// Values of properties, parameters and statistics, and the pairs they appear in.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include <agw/h248/arena.hpp>
#include <agw/h248/ids.hpp>

namespace agw::h248 {

// One value. `quoted` is the string form: its text stands without the quotes and keeps its case; the other form is a number,
// an enumeration word, a boolean, or a wildcard, and compares without case.
struct value {
  std::string_view text;
  bool quoted = false;

  // CHOOSE (the gateway decides) and ALL exist in the unquoted form only.
  constexpr bool is_choose() const noexcept { return !quoted && text == "$"; }
  constexpr bool is_all() const noexcept { return !quoted && text == "*"; }
  constexpr bool is(std::string_view word) const noexcept { return quoted ? text == word : iequals(text, word); }

  // The value as a boolean (ON, OFF) or an integer (decimal, or hexadecimal with 0x); nothing when it is neither.
  std::optional<bool> as_boolean() const noexcept;
  std::optional<std::int64_t> as_integer() const noexcept;

  friend constexpr bool operator==(value a, value b) noexcept {
    if (a.quoted != b.quoted) return false;
    return a.quoted ? a.text == b.text : iequals(a.text, b.text);
  }
};

// The string form: `text` may not hold a double quote or a control character, for which the notation has no escape; the
// writer replaces them.
constexpr value quoted(std::string_view text) noexcept { return {text, true}; }

enum class relation : std::uint8_t { equal, greater, less, not_equal };

// How the values of one property belong together. In the text: V, {V,V} (any of them), [V,V] (all of them), [V:V].
enum class value_form : std::uint8_t { single, alternatives, sublist, range };

// What follows the name: relation and value(s). No value at all means that only the name was given (audits, statistics).
struct value_set {
  list<value> values{};
  value_form form = value_form::single;
  relation rel = relation::equal;

  bool empty() const noexcept { return values.empty(); }
  // The only value, or the first; an empty one if there is none.
  value first() const noexcept { return values.empty() ? value{} : values.front(); }
  // first() of a plain `name = value`; nothing where there are several, none, or another relation.
  std::optional<value> single() const noexcept {
    if (form != value_form::single || rel != relation::equal || values.size() != 1) return std::nullopt;
    return values.front();
  }
  bool operator==(const value_set&) const = default;
};

inline value_set one(value v) { return {{v}, value_form::single, relation::equal}; }
inline value_set one(std::string_view word) { return one(value{word}); }

// package/item = value, in LocalControl, TerminationState and context attributes.
struct property {
  item_name name;
  value_set values{};
  bool operator==(const property&) const = default;
};

// name = value, in events and signals.
struct parameter {
  std::string_view name;
  value_set values{};
  friend bool operator==(const parameter& a, const parameter& b) { return iequals(a.name, b.name) && a.values == b.values; }
};

// The first of that name; null if there is none.
const property* find(const list<property>& in, item_name name) noexcept;
inline const property* find(const list<property>& in, std::string_view name) noexcept { return find(in, item_name::of(name)); }
const parameter* find(const list<parameter>& in, std::string_view name) noexcept;

}  // namespace agw::h248
