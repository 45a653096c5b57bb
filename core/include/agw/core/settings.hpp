// The settings of a program: one table that reads the configuration file, takes the command line over it, writes --help, and
// says in one line what is wrong. Every program has --config FILE, --check-config, --help and --version.
//
//   server_options o;
//   settings s("agw-server", version, "the media gateway of agw");
//   s.add("http.listen", o.http, kind::listen_address(), "metrics and health").option("--http", "ADDR:PORT");
//   if (auto done = s.parse(argc, argv)) return finish(*done);
#pragma once

#include <functional>
#include <initializer_list>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "agw/core/config.hpp"
#include "agw/core/value_kind.hpp"

namespace agw {

/// The program ends before it starts: --help (0), a wrong option or value (2). The text goes to standard output with code 0 and to
/// standard error otherwise; finish() does that and returns the code. The text ends without a newline.
struct early_exit {
  int code = 0;
  std::string text;
};
int finish(const early_exit& e);

/// Holds references to the values that it fills in; keep it no longer than these. Not copied: rules refer to it.
class settings {
 public:
  /// One line of the table. Valid until the next add().
  class setting {
   public:
    /// The command-line option that overrides the key: "--http", and how help shows its value, "ADDR:PORT".
    setting& option(std::string name, std::string value_name);
    /// It names a file: a relative path that stands in the configuration file counts from that file's folder. That of an option counts from
    /// where the program was started.
    setting& path();

   private:
    friend class settings;
    std::string key_;  // empty: command line only
    std::string option_;
    std::string value_name_;
    std::string help_;
    std::string allowed_;
    bool repeatable_ = false;
    bool is_path_ = false;
    std::function<bool(const config_value&)> assign_;
    std::function<std::string()> written_;
    std::optional<config_value> given_;
  };

  settings(std::string program, std::string version, std::string summary);
  settings(const settings&) = delete;
  settings& operator=(const settings&) = delete;

  /// `target` holds the default and gets the value. Without a key it is an option only.
  template <class T>
  setting& add(std::string key, T& target, value_kind<T> kind, std::string help) {
    auto assign = [&target, read = kind.read](const config_value& v) {
      auto value = read(v);
      if (value) target = std::move(*value);
      return value.has_value();
    };
    auto written = [&target, write = kind.write] { return write(target); };
    return insert(std::move(key), std::move(kind.allowed), std::move(assign), std::move(written), std::move(help));
  }
  template <class T>
  setting& add(std::string key, std::vector<T>& target, value_kind<std::vector<T>> kind, std::string help) {
    auto& added = add<std::vector<T>>(std::move(key), target, std::move(kind), std::move(help));
    added.repeatable_ = true;
    return added;
  }

  /// A table whose keys the user chooses, [interfaces.NAME]: for each NAME in the file, `declare(NAME)` adds its settings,
  /// "interfaces.NAME.address" …, where they are not there yet. False: such a name is not allowed; `allowed` ends the error line.
  void each(std::string table, std::string allowed, std::function<bool(const std::string& name)> declare);

  /// A check of the values together, after all were read; it returns wrong() or nothing.
  void rule(std::function<std::optional<config_error>()> check) { rules_.push_back(std::move(check)); }
  /// What is no error but worth a line of --check-config, behind its "ok".
  void remark(std::function<std::optional<std::string>()> say) { remarks_.push_back(std::move(say)); }
  /// For rules: the line for whichever of `keys` was given first, by option or file (if none was, the first one's key alone).
  config_error wrong(std::initializer_list<std::string_view> keys, std::string_view allowed) const;

  /// Reads --config FILE, then the options. Nothing: the values are valid. Otherwise the program is to end. Call it once.
  std::optional<early_exit> parse(int argc, const char* const* argv);
  /// Only the file's part of it, rules included.
  std::optional<config_error> load(const config_document& document);

  /// The keys that a file can have, as far as they are declared.
  std::vector<std::string> keys() const;
  /// The present value of each, as it would stand in the file.
  std::map<std::string, std::string> values() const;
  std::string help() const;
  /// The configuration file that parse() has read; empty: none.
  const std::string& file() const noexcept { return file_; }

 private:
  struct free_table {
    std::string key, allowed;
    std::function<bool(const std::string&)> declare;
  };
  setting& insert(std::string key, std::string allowed, std::function<bool(const config_value&)> assign,
                  std::function<std::string()> written, std::string help);
  setting* by_key(std::string_view key) const;
  std::optional<config_error> declare_tables(const config_document& document);
  std::optional<config_error> read_file(const config_document& document);
  std::optional<config_error> check_rules() const;
  config_error unknown_key(std::string_view key, std::string_view source) const;
  bool is_table(std::string_view key) const;

  std::string program_, version_, summary_, file_;
  std::vector<std::unique_ptr<setting>> settings_;
  std::vector<free_table> tables_;
  std::vector<std::function<std::optional<config_error>()>> rules_;
  std::vector<std::function<std::optional<std::string>()>> remarks_;
};

}  // namespace agw
