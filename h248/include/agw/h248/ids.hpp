// The identifiers of H.248 as types that do not mix: contexts, transactions, streams, requests, terminations, package items
// and message ids. Names are views: whoever makes them keeps the text alive (a parsed message does, for its own).
#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include <agw/h248/ascii.hpp>

namespace agw::h248 {

// H.248.1 6.1.1. The three reserved values are NULL, CHOOSE and ALL; every other value is a context the gateway named.
struct context_id {
  std::uint32_t value = 0;

  static constexpr context_id null() noexcept { return {0}; }
  static constexpr context_id choose() noexcept { return {0xFFFFFFFEu}; }
  static constexpr context_id all() noexcept { return {0xFFFFFFFFu}; }
  constexpr bool is_null() const noexcept { return value == 0; }
  constexpr bool is_choose() const noexcept { return value == 0xFFFFFFFEu; }
  constexpr bool is_all() const noexcept { return value == 0xFFFFFFFFu; }
  constexpr bool is_specific() const noexcept { return value != 0 && value < 0xFFFFFFFEu; }
  constexpr auto operator<=>(const context_id&) const = default;
};

// 0 only in replies to requests whose id could not be read.
struct transaction_id {
  std::uint32_t value = 0;
  constexpr auto operator<=>(const transaction_id&) const = default;
};

// 0 = not related to a stream (events and signals); media streams start at 1.
struct stream_id {
  std::uint16_t value = 0;
  constexpr auto operator<=>(const stream_id&) const = default;
};

// Of an Events descriptor or a signal; "*" (ALL) has the greatest value, as in the binary encoding.
struct request_id {
  std::uint32_t value = 0;
  static constexpr request_id all() noexcept { return {0xFFFFFFFFu}; }
  constexpr bool is_all() const noexcept { return value == 0xFFFFFFFFu; }
  constexpr auto operator<=>(const request_id&) const = default;
};

// A termination's name, possibly with wildcards: ROOT, ip/1/access/7, ip/1/$/$, ip/*, $ or *. Compares without case.
struct termination_id {
  std::string_view name;

  static constexpr termination_id root() noexcept { return {"ROOT"}; }
  static constexpr termination_id choose() noexcept { return {"$"}; }
  static constexpr termination_id all() noexcept { return {"*"}; }

  constexpr bool is_root() const noexcept { return iequals(name, "ROOT"); }
  constexpr bool is_choose() const noexcept { return name == "$"; }
  constexpr bool is_all() const noexcept { return name == "*"; }
  // CHOOSE, or ALL, in any place of the name.
  constexpr bool has_choose() const noexcept { return name.find('$') != std::string_view::npos; }
  constexpr bool has_all() const noexcept { return name.find('*') != std::string_view::npos; }
  constexpr bool is_specific() const noexcept { return !has_choose() && !has_all(); }

  // The parts between the slashes; field(n) is empty beyond the last.
  std::size_t fields() const noexcept;
  std::string_view field(std::size_t n) const noexcept;

  // Whether the specific name `other` is meant by this one: each '*' stands for any characters (H.248.1 B.1), '*' alone for
  // every termination but ROOT. CHOOSE matches nothing.
  bool matches(termination_id other) const noexcept;

  friend constexpr bool operator==(termination_id a, termination_id b) noexcept { return iequals(a.name, b.name); }
};

// The name of a property, event, signal or statistic: package "/" item; "*" as item is every item of the package, as both
// every item the gateway has. Compares without case.
struct item_name {
  std::string_view package;
  std::string_view item;

  // `full` as written, such as "g/cause"; without a slash the item is empty.
  static constexpr item_name of(std::string_view full) noexcept {
    const auto slash = full.find('/');
    if (slash == std::string_view::npos) return {full, {}};
    return {full.substr(0, slash), full.substr(slash + 1)};
  }
  constexpr bool is(std::string_view full) const noexcept { return *this == of(full); }
  constexpr bool any_item() const noexcept { return item == "*"; }
  constexpr bool any_package() const noexcept { return package == "*"; }
  // Whether `other` is meant by this name, wildcards included.
  constexpr bool matches(item_name other) const noexcept {
    return (any_package() || iequals(package, other.package)) && (any_item() || iequals(item, other.item));
  }
  friend constexpr bool operator==(item_name a, item_name b) noexcept {
    return iequals(a.package, b.package) && iequals(a.item, b.item);
  }
};

// "package/item", as it was written.
std::string to_text(item_name name);

// Who sends a message (mId, H.248.1 8.3): constant for the life of a control association.
struct mid {
  enum class form : std::uint8_t {
    ip4,     // text is 10.0.0.1
    ip6,     // text is 2001:db8::1, without brackets
    domain,  // text is the name, without <>
    device,  // text is a path name; no port
    mtp,     // text is 4 to 8 hexadecimal digits; no port
  };
  form type = form::device;
  std::string_view text;
  std::optional<std::uint16_t> port{};

  friend constexpr bool operator==(const mid& a, const mid& b) noexcept {
    return a.type == b.type && a.port == b.port && iequals(a.text, b.text);
  }
};

// yyyymmdd and hhmmssss (hundredths of a second) as the decimal numbers they are written as.
struct time_stamp {
  std::uint32_t date = 0;
  std::uint32_t time = 0;
  constexpr auto operator<=>(const time_stamp&) const = default;
};

}  // namespace agw::h248
