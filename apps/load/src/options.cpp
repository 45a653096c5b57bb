#include "options.hpp"

#include <algorithm>
#include <array>
#include <map>
#include <thread>

#include <CLI/CLI.hpp>

#include "agw/control/addresses.hpp"
#include "agw/version.hpp"
#include "chunk_maker.hpp"

namespace agw::load {

namespace {

struct scenario_row {
  scenario is;
  std::string_view name;
  std::size_t sessions;
  double rate;
  std::size_t size;
  std::string_view what;
};

constexpr std::array scenarios{
    scenario_row{scenario::bulk_up, "bulk-up", 1, 0, 16384, "each WIC sends as fast as SCTP lets it"},
    scenario_row{scenario::bulk_down, "bulk-down", 1, 0, 16384, "each core peer sends as fast as TCP lets it"},
    scenario_row{scenario::messages, "messages", 100, 1000, 200, "messages at --rate over all sessions; latency from the intended time"},
    scenario_row{scenario::setup, "setup", 32, 0, 200, "calls at --rate: set up, one message to the core, released"},
    scenario_row{scenario::idle, "idle", 100, 0, 200, "calls that stand, with consent checks and nothing else"},
    scenario_row{scenario::churn, "churn", 100, 50, 200, "--sessions calls stand, while --rate of them a second end and others begin"},
};

const scenario_row& row_of(scenario s) {
  return *std::ranges::find_if(scenarios, [s](const auto& r) { return r.is == s; });
}

// "10s", "200ms", "5min"; a plain number means seconds.
std::optional<clock::duration> read_duration(const std::string& text) {
  std::size_t used = 0;
  double value = 0;
  try {
    value = std::stod(text, &used);
  } catch (const std::exception&) {
    return std::nullopt;
  }
  static const std::map<std::string, double> units{{"", 1e9}, {"us", 1e3}, {"ms", 1e6}, {"s", 1e9}, {"min", 60e9}, {"h", 3600e9}};
  const auto unit = units.find(text.substr(used));
  if (unit == units.end() || !(value >= 0) || value > 1e6) return std::nullopt;
  return clock::duration(static_cast<std::int64_t>(value * unit->second));
}

void add_duration(CLI::App& app, const std::string& name, clock::duration& target, const std::string& help, const std::string& fallback) {
  app.add_option_function<std::string>(
         name,
         [&target, name](const std::string& text) {
           const auto value = read_duration(text);
           if (!value) throw CLI::ValidationError(name, "a time such as 10s, 200ms or 5min, not " + text);
           target = *value;
         },
         help + " (default: " + fallback + ")")
      ->type_name("TIME");
}

void add_address(CLI::App& app, const std::string& name, asio::ip::address& target, const std::string& help) {
  app.add_option_function<std::string>(
         name,
         [&target, name](const std::string& text) {
           boost::system::error_code ec;
           target = asio::ip::make_address(text, ec);
           if (ec) throw CLI::ValidationError(name, "an address, not " + text);
         },
         help + " (default: 127.0.0.1)")
      ->type_name("ADDR");
}

std::string footer() {
  std::string out = "Scenarios:\n";
  for (const auto& r : scenarios) out += "  " + std::string(r.name) + std::string(12 - r.name.size(), ' ') + std::string(r.what) + "\n";
  out += "  sweep S     the knee of S (messages or setup): the highest rate whose p99 is below --p99, by doubling and halving\n"
         "\nExamples:\n"
         "  agw-load messages --start build/bin/agw-server --sessions 1000 --rate 20000 --duration 30s\n"
         "  agw-load sweep setup --h248 192.0.2.1:2944 --access 203.0.113.1 --core 10.0.0.1 --server-pid 4711 --p99 50\n"
         "\nExit status:\n"
         "  0  all calls were set up, and all that was sent has arrived\n"
         "  1  it was not so: the table says what is missing and why\n"
         "  2  the command line cannot be used, or no gateway came\n";
  return out;
}

void declare(CLI::App& app, load_options& o, std::vector<std::string>& words, std::vector<std::string>& h248) {
  app.add_option("SCENARIO", words, "what is played, see below; behind the word sweep the scenario whose knee is looked for")->required()->expected(1, 2);
  app.add_option("--sessions", o.sessions, "calls that stand; of setup: at most so many at a time")->type_name("N")->check(CLI::Range(1, 1000000).description(""));
  app.add_option("--rate", o.rate, "messages or calls a second, over all; 0: as fast as it goes. Of sweep: where it begins")->type_name("N")->check(CLI::Range(0.0, 1e8).description(""));
  app.add_option("--size", o.size, "octets of a message, 16 at least")->type_name("N")->check(CLI::Range(body_head_bytes, std::size_t{65000}).description(""));
  app.add_option("--direction", o.way, "of messages: up, down or both (default: both)")
      ->type_name("WAY")
      ->transform(CLI::CheckedTransformer(std::map<std::string, direction>{{"up", direction::up}, {"down", direction::down}, {"both", direction::both}}).description(""));
  add_duration(app, "--duration", o.duration, "how long is measured; of sweep: each step", "10s");
  app.add_option("--calls", o.calls, "of setup and churn: end after so many calls, whatever --duration says")->type_name("N");
  add_duration(app, "--rtt", o.rtt, "round trip that is added between WICs and gateway, half of it each way", "0");
  app.add_flag("--dcep", o.dcep, "WICs open their channels by DCEP, instead of ids that SDP negotiates");
  app.add_option("--concurrency", o.concurrency, "calls that are set up at a time before the measurement, and released behind it (default: 32)")->type_name("N")->check(CLI::Range(1, 10000).description(""));
  app.add_option("--buffer", o.buffer_bytes, "octets of SCTP's buffers of a WIC, each way (default: 1 MiB; of bulk 256 MiB over all sessions, 1 to 16 MiB each)")
      ->type_name("N")
      ->check(CLI::Range(std::size_t{65536}, std::size_t{1} << 28).description(""));
  app.add_option("--mtu", o.mtu, "largest UDP payload of a WIC (default: 1200)")->type_name("N")->check(CLI::Range(576, 9000).description(""));
  app.add_option("--sctp-port", o.sctp_port, "SCTP port of all WICs; 0: each has its own (default: 0)")->type_name("N")->check(CLI::Range(0, 65535).description(""));
  app.add_option("--p99", o.p99_ms, "of sweep: the bound, milliseconds (default: 5)")->type_name("MS")->check(CLI::Range(0.01, 60000.0).description(""));
  app.add_option("--precision", o.precision, "of sweep: how close its bounds come (default: 0.05)")->type_name("SHARE")->check(CLI::Range(0.005, 0.5).description(""));

  const auto gateway = std::string("The gateway");
  app.add_option("--start", o.start, "agw-server that is started, with a configuration for this, and ended behind it")->type_name("PATH")->group(gateway);
  app.add_option("--config", o.config, "with --start: its configuration file; addresses and ports are given as options over it")->type_name("FILE")->group(gateway);
  app.add_option("--server-pid", o.server_pid, "the gateway's process, whose CPU time and memory are reported")->type_name("PID")->check(CLI::Validator(CLI::PositiveNumber).description(""))->group(gateway);
  app.add_option("--h248", h248, "where the gateway registers with us: ADDR:PORT for UDP, or with tcp:, sctp: or sctp+udp: in front (default: 127.0.0.1:12944, with --start a free port)")
      ->type_name("ADDR:PORT")->group(gateway);
  add_address(app, "--access", o.access, "our address as WICs");
  add_address(app, "--core", o.core, "our address as core peers");
  app.add_option("--group", o.names.group, "group field of the gateway's termination names (default: 1)")->type_name("N")->group(gateway);
  app.add_option("--access-interface", o.names.access_interface, "the gateway's interface towards WICs (default: access)")->type_name("NAME")->group(gateway);
  app.add_option("--core-interface", o.names.core_interface, "the gateway's interface towards the core (default: core)")->type_name("NAME")->group(gateway);
  app.add_option("--core-realm", o.names.core_realm, "ipdc/realm towards the core; empty: not sent (default: core)")->type_name("NAME")->group(gateway);
  add_duration(app, "--patience", o.patience, "how long the gateway has to register", "45s");

  app.add_option("--json", o.json, "write everything as JSON there; - is standard output, without table and progress")->type_name("FILE");
  app.add_flag("--quiet", o.quiet, "no progress line each second");
  app.add_option("--threads", o.threads, "threads of the load; 0: one for each core (default: 0)")->type_name("N")->check(CLI::Range(0, 256).description(""));
  app.add_option("--log-level", o.log_level, "trace, debug, info, warn, error or off (default: error)")
      ->type_name("LEVEL")
      ->check(CLI::IsMember({"trace", "debug", "info", "warn", "error", "off"}).description(""));
}

std::optional<std::string> complete(load_options& o, const CLI::App& app, std::vector<std::string> words, const std::vector<std::string>& h248) {
  if (words.size() == 2) {
    if (words.front() != "sweep") return "before " + words.back() + " only the word sweep can stand";
    o.sweep = true;
    words.erase(words.begin());
  }
  const auto row = std::ranges::find_if(scenarios, [&](const auto& r) { return r.name == words.front(); });
  if (row == scenarios.end()) return "there is no scenario " + words.front();
  o.scenario = row->is;
  if (o.sweep && o.scenario != scenario::messages && o.scenario != scenario::setup) return "sweep finds the knee of messages or setup only";
  if (app.count("--sessions") == 0) o.sessions = o.sweep && o.scenario == scenario::setup ? 1000 : row->sessions;
  if (app.count("--rate") == 0) o.rate = o.sweep && o.scenario == scenario::setup ? 50 : row->rate;
  if (app.count("--size") == 0) o.size = row->size;
  if (o.scenario == scenario::bulk_up) o.way = direction::up;
  if (o.scenario == scenario::bulk_down) o.way = direction::down;
  if (o.rate == 0 && (o.sweep || o.scenario == scenario::messages || o.scenario == scenario::churn)) return "--rate must be above 0 for this scenario";
  if (o.duration < std::chrono::milliseconds(100)) return "--duration must be 100 ms at least";
  if (!o.start.empty() && o.server_pid != 0) return "--start and --server-pid exclude each other";
  if (o.start.empty() && !o.config.empty()) return "--config goes with --start";
  const auto kind = control::listen_address();
  for (const auto& text : h248.empty() ? std::vector<std::string>{o.start.empty() ? "127.0.0.1:12944" : "127.0.0.1:0"} : h248) {
    config_value value;
    value.data = text;
    auto address = kind.read(value);
    if (!address) return "--h248 " + text + ": allowed is " + kind.allowed;
    o.h248.push_back(*address);
  }
  return std::nullopt;
}

}  // namespace

std::string_view name_of(scenario s) noexcept { return row_of(s).name; }

std::size_t load_options::buffers() const noexcept {
  if (buffer_bytes != 0) return buffer_bytes;
  if (scenario != scenario::bulk_up && scenario != scenario::bulk_down) return 1u << 20;
  return std::clamp<std::size_t>((256u << 20) / sessions, 1u << 20, 16u << 20);
}

unsigned load_options::shards() const noexcept {
  const auto wanted = threads != 0 ? threads : std::max(1u, std::thread::hardware_concurrency());
  return static_cast<unsigned>(std::min<std::size_t>(wanted, sessions));
}

std::optional<early_exit> parse(load_options& out, int argc, const char* const* argv) {
  CLI::App app{"agw-load - plays WICs, core peers and controller against an agw-server, and measures it", "agw-load"};
  app.set_version_flag("--version", "agw-load " + std::string(version));
  app.footer(footer());
  out.access = out.core = asio::ip::make_address("127.0.0.1");
  std::vector<std::string> words, h248;
  declare(app, out, words, h248);
  try {
    app.parse(argc, argv);
  } catch (const CLI::Success&) {
    const bool asks_version = app.count("--version") != 0;
    return early_exit{0, asks_version ? "agw-load " + std::string(version) : app.help()};
  } catch (const CLI::ParseError& e) {
    return early_exit{2, "agw-load: " + std::string(e.what())};
  }
  if (const auto wrong = complete(out, app, std::move(words), h248)) return early_exit{2, "agw-load: " + *wrong};
  return std::nullopt;
}

}  // namespace agw::load
