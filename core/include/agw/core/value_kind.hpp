// The kinds of value that settings take: how each is read from a configuration file or the command line, written, and explained.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include <boost/asio/ip/address.hpp>

#include "agw/core/clock.hpp"
#include "agw/core/config.hpp"

namespace agw {

/// An address of this machine and a port. Text form: 127.0.0.1:2944, [::1]:2944.
struct address_port {
  boost::asio::ip::address address;
  std::uint16_t port = 0;
  std::string str() const;
  bool operator==(const address_port&) const = default;
};

/// Both ends belong to it.
struct port_range {
  std::uint16_t low = 0;
  std::uint16_t high = 0;
  bool operator==(const port_range&) const = default;
};

/// How values of type T are read and written. `allowed` ends the sentence "allowed is …".
template <class T>
struct value_kind {
  std::string allowed;
  std::function<std::optional<T>(const config_value&)> read;
  /// As it would stand in the file.
  std::function<std::string(const T&)> write;
};

namespace kind {

/// Any text of that many bytes.
value_kind<std::string> text(std::size_t min_bytes = 0, std::size_t max_bytes = 1024);
/// A text that `accept` takes; `allowed` describes it.
value_kind<std::string> text_that(std::string allowed, std::function<bool(std::string_view)> accept);
/// A path to a file that can be read, or nothing.
value_kind<std::string> file();
value_kind<bool> truth();
/// An IPv4 or IPv6 address in numbers; the wildcards 0.0.0.0 and :: only where they are said to be allowed.
value_kind<boost::asio::ip::address> address(bool wildcard = false);
/// Where to listen. Port 0 lets the system choose one.
value_kind<address_port> listen_address();
/// LOW-HIGH, low <= high, both within the bounds.
value_kind<port_range> ports(std::uint16_t min, std::uint16_t max);

value_kind<std::int64_t> integer64(std::int64_t min, std::int64_t max);

/// An integer within bounds that T and TOML (64 bits with sign) can hold.
template <class T>
value_kind<T> integer(T min, T max) {
  auto wide = integer64(static_cast<std::int64_t>(min), static_cast<std::int64_t>(max));
  auto read = [inner = wide.read](const config_value& v) -> std::optional<T> {
    const auto value = inner(v);
    return value ? std::optional<T>(static_cast<T>(*value)) : std::nullopt;
  };
  return {std::move(wide.allowed), std::move(read), [](const T& v) { return std::to_string(v); }};
}

value_kind<clock::duration> any_duration(clock::duration min, clock::duration max);

/// "500ms", "30s", "10min", "1h": whole numbers of one unit, which D must be able to hold.
template <class D = clock::duration>
value_kind<D> duration(std::type_identity_t<D> min, std::type_identity_t<D> max) {
  auto fine = any_duration(min, max);
  auto read = [inner = fine.read](const config_value& v) -> std::optional<D> {
    const auto value = inner(v);
    if (!value || *value % clock::duration(D(1)) != clock::duration{}) return std::nullopt;
    return std::chrono::duration_cast<D>(*value);
  };
  return {std::move(fine.allowed), std::move(read), [inner = fine.write](const D& v) { return inner(v); }};
}

/// One of some words. The first word of a value is the one that is written.
template <class T>
value_kind<T> choice(std::vector<std::pair<std::string, T>> words) {
  std::string allowed = "one of";
  for (std::size_t i = 0; i < words.size(); ++i) allowed += (i == 0 ? " \"" : ", \"") + words[i].first + "\"";
  auto read = [words](const config_value& v) -> std::optional<T> {
    const auto* text = std::get_if<std::string>(&v.data);
    for (const auto& [word, value] : words) {
      if (text && *text == word) return value;
    }
    return std::nullopt;
  };
  auto write = [words](const T& v) {
    for (const auto& [word, value] : words) {
      if (value == v) return "\"" + word + "\"";
    }
    return std::string("\"?\"");
  };
  return {std::move(allowed), std::move(read), std::move(write)};
}

/// A list; on the command line the option is given once for each item.
template <class T>
value_kind<std::vector<T>> list(value_kind<T> item, std::size_t min, std::size_t max) {
  auto allowed = "a list of " + std::to_string(min) + " to " + std::to_string(max) + ", each " + item.allowed;
  auto read = [inner = item.read, min, max](const config_value& v) -> std::optional<std::vector<T>> {
    const auto* items = std::get_if<config_value::list>(&v.data);
    if (!items || items->size() < min || items->size() > max) return std::nullopt;
    std::vector<T> values;
    for (const auto& i : *items) {
      auto value = inner(i);
      if (!value) return std::nullopt;
      values.push_back(std::move(*value));
    }
    return values;
  };
  auto write = [inner = item.write](const std::vector<T>& values) {
    std::string out = "[";
    for (const auto& v : values) out += (out.size() > 1 ? ", " : "") + inner(v);
    return out + "]";
  };
  return {std::move(allowed), std::move(read), std::move(write)};
}

}  // namespace kind
}  // namespace agw
