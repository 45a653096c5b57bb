// Configuration files (TOML), each value with its place. A wrong value is reported in one line that names the key, the file and line,
// and what is allowed:
//
//   agw-server.toml:12: ports.low = 70000: allowed is an integer from 1024 to 65535
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include <boost/assert/source_location.hpp>
#include <boost/system/result.hpp>

namespace agw {

/// Why a configuration cannot be used: one line, without the line's end.
struct config_error {
  std::string text;
};
/// What value() of a failed config_result does: throws std::runtime_error with the line.
[[noreturn]] void throw_exception_from_error(const config_error& e, const boost::source_location& where);

template <class T>
using config_result = boost::system::result<T, config_error>;

/// One value as it was written, and where.
struct config_value {
  using list = std::vector<config_value>;
  /// A TOML value of a type that no setting takes: a date, a time, a floating-point number; `what` says which.
  struct unsupported {
    std::string what;
  };

  std::variant<std::string, std::int64_t, bool, list, unsupported> data;
  /// "agw-server.toml:12", or the option, "--ports".
  std::string source;
  /// Came as text from the command line: numbers and truth values are read from a string then.
  bool is_text = false;

  /// For an error line: as it would stand in the file, control characters replaced, cut when it is long.
  std::string written() const;
};

/// The line that tells of a wrong value of `key`; see above. For a value of an option the key is left out: its source names it.
config_error wrong_value(std::string_view key, const config_value& value, std::string_view allowed);

/// What the file holds. Error: it cannot be read ("FILE: why: allowed is …").
config_result<std::string> read_config_file(const std::string& path);

/// A TOML file, flattened: `[ports]` with `low = 1` is the entry "ports.low".
class config_document {
 public:
  struct entry {
    std::string key;
    config_value value;
  };
  struct table {
    std::string key;     ///< "ports", "interfaces.access"; never the root
    std::string source;  ///< "agw-server.toml:10"
  };

  /// Parses `text`; `name` stands for the file in error lines. Error: it is no TOML ("FILE:LINE: what").
  static config_result<config_document> parse(std::string_view text, std::string name);

  /// Null when the file does not have it. The pointer lives as long as the document.
  const config_value* find(std::string_view key) const noexcept;
  /// In the order of their keys.
  const std::vector<entry>& entries() const noexcept { return entries_; }
  const std::vector<table>& tables() const noexcept { return tables_; }
  /// A path that the file holds: a relative one counts from the file's folder.
  std::string located(const std::string& path) const;

 private:
  std::string folder_;  // with its '/'; empty: the current one
  std::vector<entry> entries_;
  std::vector<table> tables_;
};

}  // namespace agw
