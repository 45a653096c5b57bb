#include "report.hpp"

#include <unistd.h>

#include <catch2/catch.hpp>

#include "proc.hpp"

using namespace agw;
using namespace agw::load;
using namespace std::chrono_literals;
using Catch::Contains;

namespace {

process_sample sample(double cpu, std::uint64_t rss) {
  process_sample out;
  out.cpu_seconds = cpu;
  out.rss_bytes = rss;
  out.threads = 4;
  return out;
}

outcome good_bulk() {
  outcome o;
  o.options.scenario = scenario::bulk_up;
  o.options.sessions = 2;
  o.options.size = 16384;
  o.measured_seconds = 10;
  o.total.calls_begun = o.total.calls_up = 2;
  o.window.standing = 2;
  o.measured.up.messages_sent = o.measured.up.messages_received = 1000;
  o.measured.up.bytes_sent = o.measured.up.bytes_received = 100'000'000;
  o.window.up = o.total.up = o.measured.up;
  o.gateway.first = sample(1, 20 << 20);
  o.gateway.begin = sample(2, 22 << 20);
  o.gateway.end = sample(2.25, 24 << 20);
  for (int i = 0; i < 100; ++i) o.latencies.up.record(i * 1ms);
  o.before.setup.record(12ms);
  return o;
}

}  // namespace

TEST_CASE("a run in which all arrived has no faults") {
  const auto o = good_bulk();
  CHECK(o.faults().empty());
  CHECK(to_json(o).at("ok").as_bool());
}

TEST_CASE("whatever is missing makes a run a failure, and is named") {
  const auto only_fault = [](const outcome& o) {
    const auto faults = o.faults();
    REQUIRE(faults.size() == 1);
    CHECK_FALSE(to_json(o).at("ok").as_bool());
    CHECK_THAT(table(o), Contains(faults.front()));
    return faults.front();
  };
  auto o = good_bulk();
  o.total.up.bytes_received -= 16384;
  o.total.up.messages_received -= 1;
  CHECK_THAT(only_fault(o), Contains("to the core: 1 messages, 16384 octets did not arrive"));
  o = good_bulk();
  o.total.calls_begun = 5;
  o.total.calls_failed = 3;
  o.before.causes["h248:412"] = 2;
  o.latencies.causes["h248:412"] = 1;
  CHECK_THAT(only_fault(o), Contains("3 of 5 calls failed: h248:412 (3)"));
  o = good_bulk();
  o.total.down.misplaced = 4;
  CHECK_THAT(only_fault(o), Contains("4 messages arrived out of order"));
  o = good_bulk();
  o.total.unsent = 7;
  CHECK_THAT(only_fault(o), Contains("7 messages were never sent"));
  o = good_bulk();
  o.h248.unreleased = 1;
  CHECK_THAT(only_fault(o), Contains("could not be subtracted"));
  o = good_bulk();
  o.interrupted = "SIGINT";
  CHECK_THAT(only_fault(o), Contains("ended early: SIGINT"));
  o = good_bulk();
  o.total.calls_up = 0;
  CHECK_THAT(only_fault(o), Contains("no call was set up"));
  o = good_bulk();
  o.options.sweep = true;
  CHECK_THAT(only_fault(o), Contains("no rate was good enough"));
}

TEST_CASE("costs are the gateway's CPU time by what it did") {
  const auto out = to_json(good_bulk());
  CHECK(out.at("cost").at("cpu_ms_per_mb").as_double() == Approx(2.5));
  CHECK(out.at("cost").at("cpu_us_per_message").as_double() == Approx(250));
  CHECK(out.at("rates").at("up_mbit_per_s").as_double() == Approx(80));
  CHECK(out.at("gateway").at("cores").as_double() == Approx(0.025));
  CHECK(out.at("latency").at("up").at("count").to_number<int>() == 100);
  CHECK_THAT(table(good_bulk()), Contains("2.50 ms of CPU a MB"));
}

TEST_CASE("memory by call is said of calls that do nothing else") {
  auto o = good_bulk();
  CHECK_FALSE(to_json(o).at("cost").as_object().contains("rss_kb_per_call"));
  o.options.scenario = scenario::idle;
  CHECK(to_json(o).at("cost").at("rss_kb_per_call").as_double() == Approx(2048));
}

TEST_CASE("set-up costs are by call, and growth of memory counts from the first thousand") {
  auto o = good_bulk();
  o.options.scenario = scenario::churn;
  o.measured.calls_ended = o.measured.calls_up = 500;
  o.gateway.after_thousand = sample(2.1, 20 << 20);
  const auto out = to_json(o);
  CHECK(out.at("cost").at("cpu_ms_per_call").as_double() == Approx(0.5));
  CHECK(out.at("cost").at("rss_growth_percent").as_double() == Approx(20));
  CHECK_FALSE(out.at("cost").as_object().contains("cpu_ms_per_mb"));
}

TEST_CASE("a gateway whose process is not known has no costs") {
  auto o = good_bulk();
  o.gateway = {};
  const auto out = to_json(o);
  CHECK(out.at("cost").as_object().empty());
  CHECK(out.at("gateway").at("begin").is_null());
  CHECK_THAT(table(o), !Contains("CPU a MB"));
}

TEST_CASE("bars show every value once, in ranges of 1, 2 and 5") {
  histogram h;
  for (int i = 0; i < 90; ++i) h.record(300us);
  for (int i = 0; i < 10; ++i) h.record(30ms);
  const auto text = bars(h, 20);
  CHECK_THAT(text, Contains("200 us to   500 us         90  90.000 % ####################\n"));
  CHECK_THAT(text, Contains("20.0 ms to  50.0 ms         10 100.000 % ###\n"));
  CHECK_THAT(text, Contains("1.00 ms to  2.00 ms          0  90.000 % \n"));
  CHECK(text.find("100 us to") == std::string::npos);
  CHECK(bars(histogram()).empty());
}

TEST_CASE("bars of one value and of the largest one end") {
  for (const clock::duration value : {clock::duration(0), clock::duration(1ns), clock::duration(1us), clock::duration(2h)}) {
    histogram h;
    h.record(value);
    CHECK_THAT(bars(h), Contains(" 1 100.000 % #"));
  }
}

TEST_CASE("the line of /proc/PID/stat is read behind the name, whatever that is") {
  const std::string text =
      "4711 (agw) server (1) R 1 4711 4711 0 -1 4194304 1000 0 0 0 250 150 0 0 20 0 7 0 12345 123456789 2560 18446744073709551615 1 1 0 0 0 0 0 0 0\n";
  const auto s = parse_stat(text, 100, 4096);
  REQUIRE(s);
  CHECK(s->cpu_seconds == Approx(4.0));
  CHECK(s->threads == 7);
  CHECK(s->rss_bytes == 2560 * 4096);
  for (std::size_t n = 0; n < 60; ++n) CHECK_FALSE(parse_stat(text.substr(0, n), 100, 4096));
  CHECK_FALSE(parse_stat("", 100, 4096));
}

TEST_CASE("this process can be sampled, and one that does not exist cannot") {
  const auto own = sample_process(static_cast<int>(::getpid()));
  REQUIRE(own);
  CHECK(own->rss_bytes > 100'000);
  CHECK(own->threads >= 1);
  CHECK_FALSE(sample_process(1 << 30));
}

TEST_CASE("times are written with three digits and their unit") {
  CHECK(time_text(900ns) == "900 ns");
  CHECK(time_text(45us) == "45 us");
  CHECK(time_text(1234us) == "1.23 ms");
  CHECK(time_text(12340us) == "12.3 ms");
  CHECK(time_text(345ms) == "345 ms");
  CHECK(time_text(3200ms) == "3.20 s");
}
