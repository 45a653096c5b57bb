#include "self_report.hpp"

#include <filesystem>
#include <fstream>
#include <regex>
#include <set>
#include <sstream>

#include <catch2/catch.hpp>

#include "agw/gateway/stages.hpp"
#include "agw/version.hpp"
#include "known_drops.hpp"

using namespace agw;
using namespace agw::server;
using Catch::Matchers::Contains;

namespace {

std::string contents(const std::filesystem::path& file) {
  std::ifstream in(file);
  std::stringstream out;
  out << in.rdbuf();
  return out.str();
}

std::vector<std::filesystem::path> sources() {
  std::vector<std::filesystem::path> out;
  for (const auto* room : {"core", "transports", "msrp", "h248", "apps"}) {
    for (const auto& entry : std::filesystem::recursive_directory_iterator(std::filesystem::path(AGW_TEST_DATA) / ".." / room)) {
      if (entry.path().string().find("/apps/load/") != std::string::npos) continue;  // a program that nobody scrapes
      if (entry.path().extension() == ".cpp" || entry.path().extension() == ".hpp") out.push_back(entry.path());
    }
  }
  return out;
}

/// A gateway that nobody controls, with everything that a report looks at.
struct gateway_at_rest {
  metrics counted;
  server_options options;
  port_pool ports{42000, 42009};
  gateway::gateway_services services;
  asio::io_context loop{1};
  shard_pool shards{2, shard_pool::driven};
  h248::package_names names;
  std::optional<h248::endpoint> control;
  std::optional<h248::registration> registration;
  std::optional<iq::media_gateway> gateway;
  std::optional<loop_watch> loops;
  std::optional<self_report> report;

  gateway_at_rest() {
    gateway::add_builtin_stages(services.subprotocols);
    services.stages.metrics = &counted;
    services.ports = &ports;
    options.iq.max_contexts = 100000;
    services.dtls = std::make_shared<const dtls::context>(dtls::certificate::self_signed(), "");
    declare_series(counted, services);
    options.registration.mgcs = {{h248::transport::udp, "192.0.2.1", 2944}, {h248::transport::tcp, "mgc.example.com", 2944}};
    control.emplace(loop.get_executor(), options.control, &counted);
    registration.emplace(*control, options.registration);
    gateway.emplace(options.iq, services, shards, *control, *registration, names);
    loops.emplace(shards, counted);
    report.emplace(counted, options, services, *registration, *gateway, *loops);
  }
};

}  // namespace

TEST_CASE("every series is there from the start, with 0") {
  gateway_at_rest at;
  const auto text = at.counted.expose();
  for (const auto* series :
       {"agw_contexts 0", "agw_terminations 0", "agw_calls_started_total 0", "agw_one_way_calls 0", "agw_contexts_orphaned 0", "agw_contexts_orphans_ended_total 0", "agw_ready 0", "agw_draining 0",
        "agw_registered{mgc=\"192.0.2.1:2944\"} 0", "agw_registered{mgc=\"tcp:mgc.example.com:2944\"} 0", "agw_contexts_limit 100000",
        "agw_media_ports{protocol=\"udp\"} 0", "agw_media_ports_limit{protocol=\"tcp\"} 10", "agw_calls_ended_total{cause=\"wic\"} 0",
        "agw_calls_ended_total{cause=\"core\"} 0", "agw_calls_ended_total{cause=\"controller\"} 0", "agw_calls_ended_total{cause=\"gateway\"} 0",
        "agw_calls_ended_total{cause=\"ice:timeout\"} 0", "agw_calls_ended_total{cause=\"msrp:syntax\"} 0",
        "agw_stage_failures_total{reason=\"refused\",stage=\"tcp\"} 0", "agw_stage_duration_seconds_count{stage=\"ice\"} 0",
        "agw_relayed_bytes_total{direction=\"to_core\"} 0", "agw_relayed_messages_total{direction=\"to_wic\"} 0",
        "agw_h248_latency_seconds_count{direction=\"received\"} 0", "agw_h248_errors_total{code=\"510\"} 0", "agw_h248_errors_total{code=\"412\"} 0",
        "agw_resources_short_total{resource=\"ports\"} 0", "agw_resources_short_total{resource=\"descriptors\"} 0",
        "agw_resources_short_total{resource=\"contexts\"} 0", "agw_resources_short_total{resource=\"overload\"} 0",
        "agw_drops_total{layer=\"ice\",cause=\"filtered\"} ", "agw_log_lines_dropped_total ", "agw_log_lines_suppressed_total ",
        "agw_log_blocked_seconds 0", "agw_registrations_total 0", "agw_interface_up{interface=\"access\"} 1", "agw_last_reload_successful 1",
        "agw_loop_lag_seconds_count{loop=\"control\"} 0", "agw_loop_lag_seconds_count{loop=\"shard1\"} 0", "agw_certificate_expiry_timestamp_seconds{certificate=\"dtls\"} "}) {
    CHECK_THAT(text, Contains(series));
  }
  CHECK_THAT(text, Contains("agw_build_info{commit=\"" + std::string(commit()) + "\",version=\"" + std::string(version) + "\"} 1"));
  CHECK(text.find("reason=\"closed\"") == std::string::npos);
}

TEST_CASE("HELP is one sentence in one style, and no family is without") {
  gateway_at_rest at;
  const auto text = at.counted.expose();
  std::istringstream lines(text);
  std::set<std::string> helped, typed;
  const std::regex style("[A-Z0-9][^.]*\\.");
  for (std::string line; std::getline(lines, line);) {
    std::istringstream words(line);
    std::string hash, what, name;
    words >> hash >> what >> name;
    if (what == "TYPE") typed.insert(name);
    if (what != "HELP") continue;
    helped.insert(name);
    std::string help;
    std::getline(words >> std::ws, help);
    CAPTURE(line);
    // "H.248" and "/readyz" hold full stops and slashes of their own.
    CHECK(std::regex_match(std::regex_replace(help, std::regex("H\\.248"), "H248"), style));
    const bool total = name.ends_with("_total"), counter = text.find("# TYPE " + name + " counter\n") != std::string::npos;
    CHECK(total == counter);
  }
  CHECK(helped == typed);
  CHECK(helped.size() > 30);
}

TEST_CASE("every drop that the sources count is known") {
  std::set<std::pair<std::string, std::string>> known;
  for (const auto& one : known_drops()) CHECK(known.emplace(one.layer, one.cause).second);
  const std::regex call("count_drop\\(\"([^\"]+)\", *\"([^\"]+)\"");
  std::size_t found = 0;
  for (const auto& file : sources()) {
    const auto text = contents(file);
    for (auto at = std::sregex_iterator(text.begin(), text.end(), call); at != std::sregex_iterator(); ++at) {
      ++found;
      CAPTURE(file, (*at)[0].str());
      CHECK(known.contains({(*at)[1], (*at)[2]}));
    }
  }
  CHECK(found > 50);
}

TEST_CASE("every failure that the sources throw is in the vocabulary") {
  gateway::subprotocol_registry registry;
  gateway::add_builtin_stages(registry);
  std::set<std::pair<std::string, std::string>> known;
  gateway::each_failure(registry, [&](std::string_view stage, std::string_view reason) { known.emplace(stage, reason); });
  const std::regex thrown("(?:throw|return) stage_error\\(\"([^\"]+)\", \"([^\"]+)\"");
  std::size_t found = 0;
  for (const auto& file : sources()) {
    const auto text = contents(file);
    if (file.string().find("/controller/") != std::string::npos) continue;
    for (auto at = std::sregex_iterator(text.begin(), text.end(), thrown); at != std::sregex_iterator(); ++at) {
      ++found;
      CAPTURE(file, (*at)[0].str());
      CHECK(known.contains({(*at)[1], (*at)[2]}));
    }
  }
  CHECK(found > 10);
}

TEST_CASE("a gateway that is not registered is alive and not ready") {
  gateway_at_rest at;
  const auto now = at.report->look();
  CHECK_FALSE(now.registered);
  CHECK(now.stuck.empty());
  CHECK(not_ready(now) == std::vector<std::string>{"not registered with a controller"});
  at.gateway->drain();
  CHECK(not_ready(at.report->look()).size() == 2);
  CHECK_THAT(at.counted.expose(), Contains("agw_draining 1"));
}

TEST_CASE("controllers that a reload has taken away are named no more, and new ones are there with 0") {
  gateway_at_rest at;
  CHECK_THAT(at.counted.expose(), Contains("agw_registered{mgc=\"192.0.2.1:2944\"} 0"));
  at.options.registration.mgcs.front() = {h248::transport::udp, "192.0.2.9", 2944};
  for (int i = 0; i < 2; ++i) {
    const auto text = at.counted.expose();
    CHECK_THAT(text, !Contains("192.0.2.1:2944"));
    CHECK_THAT(text, Contains("agw_registered{mgc=\"192.0.2.9:2944\"} 0") && Contains("agw_registered{mgc=\"tcp:mgc.example.com:2944\"} 0"));
  }
}

TEST_CASE("a reload that was refused is told until one is taken over") {
  gateway_at_rest at;
  tell_reload(at.counted, false);
  CHECK_THAT(at.counted.expose(), Contains("agw_last_reload_successful 0"));
  tell_reload(at.counted, true);
  CHECK_THAT(at.counted.expose(), Contains("agw_last_reload_successful 1"));
}

TEST_CASE("a port that is leased is counted, and the certificate's end is told") {
  gateway_at_rest at;
  const auto lease = at.ports.bind(port_protocol::udp, [](std::uint16_t) { return error_code(); });
  REQUIRE(lease.has_value());
  const auto text = at.counted.expose();
  CHECK_THAT(text, Contains("agw_media_ports{protocol=\"udp\"} 1"));
  CHECK_THAT(text, Contains("agw_media_ports{protocol=\"tcp\"} 0"));
  const auto end = at.services.dtls.current()->own().not_after();
  CHECK(end > std::chrono::system_clock::now() + std::chrono::hours(24 * 3000));
}
