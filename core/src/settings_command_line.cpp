// The command line's half of settings: CLI11 splits it into options and their values, everything else is settings' own.
#include <algorithm>
#include <map>

#include <CLI/CLI.hpp>

#include "agw/core/settings.hpp"

namespace agw {

namespace {

struct standard_option {
  std::string name, value_name, help;
};
const standard_option standard[] = {
    {"--config", "FILE", "configuration file (TOML); the options override it"},
    {"--check-config", "", "only say whether the configuration is valid"},
    {"--help", "", "show this and end"},
    {"--version", "", "show the version and end"},
};

early_exit failure(std::string line) {
  // One line, whatever the arguments contain.
  std::replace_if(
      line.begin(), line.end(), [](unsigned char c) { return c < 0x20 || c == 0x7f; }, '?');
  return {2, std::move(line)};
}

void add_row(std::string& out, const std::string& name, const std::string& value_name, const std::string& help) {
  constexpr std::size_t column = 26;
  auto left = "  " + name + (value_name.empty() ? "" : " " + value_name);
  left.resize(std::max(column, left.size() + 2), ' ');
  out += left + help + "\n";
}

// As one value: the last word of an option, or all of them when it may be repeated.
config_value as_value(const std::string& option, const std::vector<std::string>& words, bool repeatable) {
  if (!repeatable) return {words.back(), option, true};
  config_value::list items;
  for (const auto& word : words) items.push_back({word, option, true});
  return {std::move(items), option, true};
}

}  // namespace

std::string settings::help() const {
  std::string out = program_ + " " + version_ + ": " + summary_ + "\n\nusage: " + program_ + " [OPTION...]\n\n";
  for (const auto& o : standard) add_row(out, o.name, o.value_name, o.help);
  for (const auto& s : settings_) {
    if (s->option_.empty()) continue;
    auto text = s->help_;
    if (s->repeatable_) text += "; may be repeated";
    auto value = s->written_();
    value.erase(std::remove(value.begin(), value.end(), '"'), value.end());
    add_row(out, s->option_, s->value_name_, text + " (default " + value + ")");
  }
  out.pop_back();
  return out;
}

std::optional<early_exit> settings::parse(int argc, const char* const* argv) {
  CLI::App app(summary_, program_);
  app.set_help_flag();
  std::map<std::string, std::vector<std::string>> words;
  const auto take = [&](const std::string& name) {
    // Without extra arguments: "--mgc A B" is a mistake, "--mgc A --mgc B" is not. Empty words reach the checks below.
    app.add_option(name, words[name])
        ->type_size(1)
        ->allow_extra_args(false)
        ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
  };
  for (const auto& s : settings_) {
    if (!s->option_.empty()) take(s->option_);
  }
  take("--config");
  const auto* help_flag = app.add_flag("--help,-h");
  const auto* version_flag = app.add_flag("--version");
  const auto* check_flag = app.add_flag("--check-config");
  app.allow_extras();
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& e) {
    std::string what = e.what();
    for (const auto& s : settings_) {
      if (!s->option_.empty() && what.starts_with(s->option_ + ":")) what = s->option_ + ": no value: allowed is " + s->allowed_;
    }
    return failure(std::move(what));
  }
  if (help_flag->count() > 0) return early_exit{0, help()};
  if (version_flag->count() > 0) return early_exit{0, program_ + " " + version_};
  if (const auto extra = app.remaining(); !extra.empty()) {
    return failure(extra.front() + ": unknown " + (extra.front().starts_with("-") ? "option" : "argument") +
                   ": allowed are those of " + program_ + " --help");
  }

  const auto& files = words["--config"];
  if (files.size() > 1) return failure("--config: " + files.back() + ": allowed is one file");
  if (!files.empty()) {
    const auto text = read_config_file(files.front());
    if (!text) return failure("--config: " + text.error().text);
    const auto document = config_document::parse(*text, files.front());
    if (!document) return failure(document.error().text);
    file_ = files.front();
    if (auto error = read_file(*document)) return failure(std::move(error->text));
  }
  for (const auto& s : settings_) {
    const auto& given = words[s->option_];
    if (s->option_.empty() || given.empty()) continue;
    s->given_ = as_value(s->option_, given, s->repeatable_);
    if (!s->assign_(*s->given_)) return failure(wrong_value(s->key_, *s->given_, s->allowed_).text);
  }
  if (auto error = check_rules()) return failure(std::move(error->text));
  if (check_flag->count() == 0) return std::nullopt;
  early_exit valid{0, (files.empty() ? "the default configuration" : files.front()) + ": ok"};
  for (const auto& say : remarks_) {
    if (const auto line = say()) valid.text += "\nwarning: " + *line;
  }
  return valid;
}

}  // namespace agw
