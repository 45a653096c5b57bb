// The packages agw knows, in one table: text names, numeric ids, versions, properties, events, signals, statistics and their
// parameters. The packages are IANA's; items the profile marks provisional are marked so here. package_names lets a configuration spell
// any of them otherwise.
#pragma once

#include <cstdint>
#include <limits>
#include <map>
#include <span>
#include <string>
#include <string_view>

#include <agw/h248/ascii.hpp>
#include <agw/h248/ids.hpp>
#include <agw/h248/message.hpp>
#include <agw/h248/value.hpp>

namespace agw::h248 {

// How far the identifier of an item can be trusted.
enum class standing : std::uint8_t {
  known,           // name and number are the Recommendation's
  number_assumed,  // the name is; the number was not available
  provisional,     // neither was
};

enum class item_kind : std::uint8_t { property, event, signal, statistic };

enum class value_type : std::uint8_t {
  boolean,      // ON, OFF
  integer,      // decimal or 0x, within min and max
  real,         // a decimal number, possibly with a fraction
  string,       // quoted; unquoted ones are accepted, for old equipment sends them
  octets,       // hexadecimal digits, possibly with 0x, quoted or not
  enumeration,  // one of `words`
};

// Where a property may stand; bits.
namespace place {
inline constexpr std::uint8_t none = 0;
inline constexpr std::uint8_t local_control = 1;
inline constexpr std::uint8_t termination_state = 2;
inline constexpr std::uint8_t root = 4;  // TerminationState of ROOT
}  // namespace place

struct value_rule {
  value_type type = value_type::string;
  std::int64_t min = 0;
  std::int64_t max = std::numeric_limits<std::uint32_t>::max();
  std::span<const std::string_view> words{};
  bool several = false;  // a sub-list [V,V] is meant, or one value
};

struct parameter_info {
  std::string_view name;
  std::uint16_t id = 0;
  value_rule value{};
  std::string_view meaning{};
};

struct item_info {
  item_kind kind = item_kind::property;
  std::string_view name;
  std::uint16_t id = 0;
  standing identifier = standing::known;
  value_rule value{};          // properties and statistics
  std::uint8_t places = place::none;  // properties; events and signals: termination_state for terminations, root for ROOT
  bool read_only = false;
  std::span<const parameter_info> parameters{};  // events and signals
  std::string_view meaning{};

  const parameter_info* parameter(std::string_view parameter_name) const noexcept;
};

// Name, number and version are those of IANA's registry; a number from 0x8000 on is of its private range.
struct package_info {
  std::string_view name;
  std::uint16_t id = 0;
  std::uint16_t version = 1;
  bool implemented = false;  // by the gateway: what a Packages audit returns
  std::string_view source{};
  std::span<const item_info> items{};
  std::string_view note{};  // what a reader of the reference page has to know besides

  const item_info* item(item_kind kind, std::string_view item_name) const noexcept;
};

// All of them, in the order of the table.
std::span<const package_info> package_table() noexcept;
// By canonical name, without case; null if it is not in the table.
const package_info* find_package(std::string_view name) noexcept;
const item_info* find_item(item_kind kind, item_name name) noexcept;

// Whether `values` fit the rule; CHOOSE, ALL and a relation other than '=' always do.
bool fits(const value_rule& rule, const value_set& values) noexcept;

// The spelling on the wire, where it differs from the table's. A key is a path into the table, its value the new last part:
//   "tcpbcc" = "tcpbc"                     the package
//   "tcpbcc/EstBNC" = "est"                an event, signal, property or statistic
//   "tcpbcc/BNCChange/Type" = "state"      a parameter
//   "tcpbcc/BNCChange/Type/Est" = "up"     a word of an enumeration
// Everything inside agw uses the table's names: to_canonical() when a message has come in, to_wire() before it goes out. Both
// are free when nothing is overridden. Immutable after construction, so it can be shared by threads.
class package_names {
 public:
  package_names() = default;
  // Throws std::invalid_argument for a key that is not in the table, a name the grammar does not allow, or two names that
  // become one: configuration is checked at start-up.
  explicit package_names(const std::map<std::string, std::string>& overrides);

  bool empty() const noexcept { return to_wire_.empty(); }

  // The names of a message are exchanged in place; new strings refer to this object, which must outlive the message.
  void to_canonical(message& m) const;
  void to_wire(message& m) const;
  void to_canonical(transaction& t) const;
  void to_wire(transaction& t) const;

  // For logs: "package/item" as it is on the wire.
  std::string wire_name(item_name canonical) const;

 private:
  using names = std::map<std::string, std::string, iless>;
  names to_wire_;
  names to_canonical_;
};

}  // namespace agw::h248
