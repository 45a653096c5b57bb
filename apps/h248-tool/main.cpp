// agw-h248: reads H.248 text messages from files, standard input or a capture; checks them, prints them again, or shows a
// capture as a ladder. Exit status: 0 = all good, 1 = something is not, 2 = a file or the command line cannot be used.
#include <fstream>
#include <iostream>
#include <iterator>
#include <stdexcept>
#include <string>
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

// Files are no hostile peers, but neither are they to fill the memory.
constexpr parse_limits limits{.max_bytes = 4u << 20, .max_memory_bytes = 256u << 20, .max_transactions = 100000,
                              .max_parameters = 1000};

std::string read_file(const std::string& name) {
  if (name == "-") return {std::istreambuf_iterator<char>(std::cin), {}};
  std::ifstream in(name, std::ios::binary);
  if (!in) throw std::runtime_error(name + ": cannot be read");
  std::string all((std::istreambuf_iterator<char>(in)), {});
  if (in.bad()) throw std::runtime_error(name + ": cannot be read");
  return all;
}

struct named_text {
  std::string name;
  std::string text;
};

std::vector<named_text> inputs(const std::vector<std::string>& files, const std::string& pcap) {
  std::vector<named_text> all;
  for (const auto& file : files) all.push_back({file, read_file(file)});
  if (!pcap.empty()) {
    for (auto& m : tool::read_capture(read_file(pcap)).messages) {
      all.push_back({pcap + "#" + std::to_string(m.frame), std::move(m.text)});
    }
  }
  return all;
}

void report(std::ostream& out, const std::string& name, const parsed_message& m) {
  for (const auto& e : m.errors()) {
    out << name << ':' << e.line << ':' << e.column << ": error " << static_cast<unsigned>(e.code) << ": expected " << e.expected
        << '\n';
  }
}

bool check(const named_text& input, bool profile) {
  const parsed_message m = parse_view(input.text, limits);
  report(std::cout, input.name, m);
  if (!m.ok()) return false;
  const auto objections = profile ? check_profile(*m) : std::vector<objection>{};
  for (const auto& o : objections) {
    std::cout << input.name << ": refused " << static_cast<unsigned>(o.code) << ": " << o.where << ": " << o.what << '\n';
  }
  if (objections.empty()) std::cout << input.name << ": ok\n";
  return objections.empty();
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
  for (const auto& o : objections) {
    std::cerr << input.name << ": refused " << static_cast<unsigned>(o.code) << ": " << o.where << ": " << o.what << '\n';
  }
  return objections.empty();
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app{"Checks, prints and follows H.248 (Megaco) text messages, versions 1 to 3"};
  app.require_subcommand(0, 1);
  std::string pcap;
  std::vector<std::string> files;
  bool profile = false, pretty = false, compact = false, json = false;
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
  auto* styles = print_command->add_option_group("layout");
  styles->add_flag("--pretty", pretty, "long words, one item a line (default)");
  styles->add_flag("--compact", compact, "short words, no space");
  styles->add_flag("--json", json, "the parsed message as JSON");
  styles->require_option(0, 1);
  CLI11_PARSE(app, argc, argv);

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
      return tool::print_ladder(std::cout, tool::read_capture(read_file(pcap)), profile) ? 0 : 1;
    }
    if (files.empty() && pcap.empty()) throw std::runtime_error("no file given");
    bool good = true;
    for (const auto& input : inputs(files, pcap)) {
      const style how = json ? style::json : compact ? style::compact : style::pretty;
      good = (*check_command ? check(input, profile) : print(input, how, profile)) && good;
    }
    return good ? 0 : 1;
  } catch (const std::exception& e) {
    std::cerr << "agw-h248: " << e.what() << '\n';
    return 2;
  }
}
