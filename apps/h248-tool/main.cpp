// agw-h248: reads H.248 text messages from files, standard input or a capture; checks them, prints them again, or shows a
// capture as a ladder. Exit status: 0 = all good, 1 = something is not, 2 = a file or the command line cannot be used.
#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include <CLI/CLI.hpp>

#include <agw/h248/profile_check.hpp>
#include <agw/h248/reference.hpp>
#include <agw/h248/text.hpp>

#include "capture.hpp"
#include "json.hpp"
#include "ladder.hpp"

namespace {

using namespace agw::h248;
namespace tool = agw::h248_tool;

// Files are not hostile, but they must not fill the memory either.
constexpr parse_limits limits{.max_bytes = 4u << 20, .max_memory_bytes = 256u << 20, .max_transactions = 100000,
                              .max_parameters = 1000};

std::string read_file(const std::string& name) {
  if (name == "-") return {std::istreambuf_iterator<char>(std::cin), {}};
  std::error_code ignored;
  std::ifstream in(name, std::ios::binary);
  if (!in || std::filesystem::is_directory(name, ignored)) throw std::runtime_error(name + ": cannot be read");
  std::string all((std::istreambuf_iterator<char>(in)), {});
  if (in.bad()) throw std::runtime_error(name + ": cannot be read");
  return all;
}

tool::capture open_capture(const std::string& name) {
  const auto file = read_file(name);
  try {
    return tool::read_capture(file);
  } catch (const std::exception& e) {
    throw std::runtime_error(name + ": " + e.what());
  }
}

struct named_text {
  std::string name;
  std::string text;
};

// Calls f(named_text) for each message, file by file. False: one could not be read, and a line says which.
template <class F>
bool for_each_input(const std::vector<std::string>& files, const std::string& pcap, F f) {
  bool all = true;
  const auto guarded = [&](const auto& body) {
    try {
      body();
    } catch (const std::exception& e) {
      std::cerr << "agw-h248: " << e.what() << '\n';
      all = false;
    }
  };
  for (const auto& file : files) {
    guarded([&] { f(named_text{file, read_file(file)}); });
  }
  if (!pcap.empty()) {
    guarded([&] {
      auto trace = open_capture(pcap);
      for (auto& m : trace.messages) f(named_text{pcap + "#" + std::to_string(m.frame), std::move(m.text)});
      std::cerr << tool::what_is_missing(trace);
    });
  }
  return all;
}

void report(std::ostream& out, const std::string& name, const parsed_message& m) {
  for (const auto& e : m.errors()) {
    out << name << ':' << e.line << ':' << e.column << ": error " << static_cast<unsigned>(e.code) << ": expected " << e.expected
        << '\n';
  }
}

struct check_options {
  bool profile = false;
  bool strict = false;  // what is not by the grammar is wrong
};

bool check(const named_text& input, check_options options) {
  const parsed_message m = parse_view(input.text, limits);
  report(std::cout, input.name, m);
  bool good = m.ok();
  if (options.strict) {
    for (const auto& d : m.deviations()) {
      std::cout << input.name << ':' << d.line << ':' << d.column << ": not by the grammar: " << d.what << '\n';
    }
    good = good && m.deviations().empty();
  }
  if (!m.ok()) return false;
  const auto objections = options.profile ? check_profile(*m) : std::vector<objection>{};
  for (const auto& o : objections) std::cout << input.name << ": refused " << to_text(o) << '\n';
  if (!good || !objections.empty()) return false;
  std::cout << input.name << ": ok";
  std::string_view before = ", not by the grammar: ";
  for (const auto& d : m.deviations()) {
    std::cout << before << "line " << d.line << " column " << d.column << ": " << d.what;
    before = "; ";
  }
  std::cout << '\n';
  return true;
}

enum class style { pretty, compact, json };

bool print(const named_text& input, style how, bool profile) {
  const parsed_message m = parse_view(input.text, limits);
  report(std::cerr, input.name, m);
  if (!m.ok()) return false;
  switch (how) {
    case style::pretty: std::cout << to_text(*m, layout::pretty); break;
    case style::compact: std::cout << to_text(*m, layout::compact) << '\n'; break;
    case style::json: std::cout << tool::to_json_text(*m); break;
  }
  if (!profile) return true;
  const auto objections = check_profile(*m);
  for (const auto& o : objections) std::cerr << input.name << ": refused " << to_text(o) << '\n';
  return objections.empty();
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app{"Checks, prints and follows H.248 (Megaco) text messages, versions 1 to 3"};
  app.require_subcommand(0, 1);
  std::string pcap;
  std::vector<std::string> files;
  bool profile = false, strict = false, pretty = false, compact = false, json = false;
  app.add_option("--pcap", pcap, "take the messages of a capture (UDP, TPKT, SCTP); without a command, print them as a ladder");
  app.add_flag("--profile", profile, "also report what the gateway's profile would refuse, and why");

  auto* check_command = app.add_subcommand("check", "one line for each file: ok, or where it is wrong");
  auto* print_command = app.add_subcommand("print", "write messages out again");
  auto* packages_command = app.add_subcommand("packages", "the packages the gateway implements, as Markdown");
  auto* reference_command = app.add_subcommand("reference", "packages, error codes and words of the encoding, as Markdown");
  for (auto* command : {check_command, print_command}) {
    command->add_option("FILE", files, "files with one message each; - is standard input");
    command->add_option("--pcap", pcap, "the messages of a capture");
    command->add_flag("--profile", profile, "also report what the gateway's profile would refuse, and why");
  }
  check_command->add_flag("--strict", strict, "refuse what is read though the grammar of H.248.1 does not have it");
  auto* styles = print_command->add_option_group("layout");
  styles->add_flag("--pretty", pretty, "long words, one item a line (default)");
  styles->add_flag("--compact", compact, "short words, no space");
  styles->add_flag("--json", json, "the parsed message as JSON");
  styles->require_option(0, 1);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& e) {
    return app.exit(e) == 0 ? 0 : 2;
  }

  try {
    if (*packages_command) {
      std::cout << packages_as_markdown();
      return 0;
    }
    if (*reference_command) {
      std::cout << reference_as_markdown();
      return 0;
    }
    if (!*check_command && !*print_command) {
      if (pcap.empty()) throw std::runtime_error("nothing to do: see --help");
      return tool::print_ladder(std::cout, open_capture(pcap), profile) ? 0 : 1;
    }
    if (files.empty() && pcap.empty()) throw std::runtime_error("no file given");
    const style how = json ? style::json : compact ? style::compact : style::pretty;
    bool good = true;
    const bool readable = for_each_input(files, pcap, [&](const named_text& input) {
      good = (*check_command ? check(input, {profile, strict}) : print(input, how, profile)) && good;
    });
    return !readable ? 2 : good ? 0 : 1;
  } catch (const std::exception& e) {
    std::cerr << "agw-h248: " << e.what() << '\n';
    return 2;
  }
}
