#include "agw/core/log.hpp"

#include <cerrno>
#include <string>

#include <catch2/catch.hpp>
#include <spdlog/details/log_msg.h>
#include <spdlog/formatter.h>

#include "log_format.hpp"

using namespace agw;
using agw::log::printable;
using Catch::Matchers::Matches;

namespace {

std::string formatted(log::format as, bool journal, log::level at, const std::string& text, bool facts = false) {
  const auto formatter = log::line_formatter(as, journal);
  spdlog::memory_buf_t line;
  const spdlog::source_loc from("", 1, facts ? log::record_source : "elsewhere");
  formatter->format(spdlog::details::log_msg(from, "agw", at, text), line);
  return {line.data(), line.size()};
}

const std::string began = "call began\x1f" "call\x1f" "1a-7\x1fpeer\x1f[2001:db8::1]:5 \"x\"\x1f" "empty\x1f";
const std::string rfc3339 = R"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}[+-]\d\d:\d\d)";

}  // namespace

TEST_CASE("text of a peer cannot begin a line of its own in the log") {
  CHECK(printable("mgc.example.com:2944") == "mgc.example.com:2944");
  CHECK(printable("a\n2026-01-01 info registered\r\t\x1b[2J") == "a\\x0a2026-01-01 info registered\\x0d\\x09\\x1b[2J");
  CHECK(printable("back\\x0aslash") == "back\\x5cx0aslash");
  CHECK(printable(std::string("\0\x7f\xff", 3)) == "\\x00\\x7f\\xff");
  CHECK(printable("") == "");
}

TEST_CASE("text of a peer is cut in the log") {
  CHECK(printable("abcdef", 4) == "abcd\u2026");
  CHECK(printable("abcd", 4) == "abcd");
  CHECK(printable(std::string(10'000, '\n')).size() < 300);
}

TEST_CASE("a message of the log is one line, whatever stands in it") {
  const std::string hostile = "failed: \n2026 info all is well\x7f \u2026 a\\b";
  const auto text = formatted(log::format::text, false, log::level::info, hostile);
  CHECK(text.ends_with("info    failed: \\x0a2026 info all is well\\x7f \u2026 a\\b\n"));
  CHECK(text.find('\n') == text.size() - 1);
  CHECK(formatted(log::format::logfmt, false, log::level::info, hostile).ends_with("msg=\"failed: \\u000a2026 info all is well\\u007f \u2026 a\\\\b\"\n"));
  CHECK(formatted(log::format::json, false, log::level::info, "no utf8 \xff").ends_with("\"message\":\"no utf8 \\u00ff\"}\n"));
}

TEST_CASE("a line of text has the time of RFC 3339 with its offset, the level, what is said, and the facts") {
  CHECK_THAT(formatted(log::format::text, false, log::level::warn, "a word"), Matches(rfc3339 + " warning a word\n"));
  CHECK_THAT(formatted(log::format::text, false, log::level::info, began, true),
             Matches(rfc3339 + R"( info    call began call=1a-7 peer="\[2001:db8::1\]:5 \\"x\\"" empty="")" + "\n"));
}

TEST_CASE("a line of logfmt is pairs") {
  CHECK_THAT(formatted(log::format::logfmt, false, log::level::info, began, true),
             Matches("time=" + rfc3339 + R"( level=info msg="call began" call=1a-7 peer="\[2001:db8::1\]:5 \\"x\\"" empty="")" + "\n"));
}

TEST_CASE("a line of JSON is one object") {
  CHECK_THAT(formatted(log::format::json, false, log::level::err, began, true),
             Matches(R"(\{"time":")" + rfc3339 + R"(","level":"error","message":"call began","call":"1a-7","peer":"\[2001:db8::1\]:5 \\"x\\"","empty":""\})" + "\n"));
}

TEST_CASE("under systemd a line begins with its priority, and text leaves the time to the journal") {
  CHECK(formatted(log::format::text, true, log::level::debug, "a") == "<7>a\n");
  CHECK(formatted(log::format::text, true, log::level::info, "a") == "<6>a\n");
  CHECK(formatted(log::format::text, true, log::level::warn, "a") == "<4>a\n");
  CHECK(formatted(log::format::text, true, log::level::err, "a") == "<3>a\n");
  CHECK(formatted(log::format::text, true, log::level::critical, "a") == "<2>a\n");
  CHECK(formatted(log::format::json, true, log::level::info, "a").starts_with("<6>{\"time\":"));
}

TEST_CASE("an entry of the journal has the facts as fields, and the line as its message") {
  const auto entry = [](log::format as, log::level at, const std::string& text, bool facts) {
    const auto formatter = log::entry_formatter(as);
    spdlog::memory_buf_t out;
    const spdlog::source_loc from("", 1, facts ? log::record_source : "elsewhere");
    formatter->format(spdlog::details::log_msg(from, "agw", at, text), out);
    return std::string(out.data(), out.size());
  };
  const std::string ours = std::string("\nSYSLOG_IDENTIFIER=") + program_invocation_short_name;
  CHECK(entry(log::format::text, log::level::info, began, true) ==
        "PRIORITY=6" + ours + "\nAGW_CALL=1a-7\nAGW_PEER=[2001:db8::1]:5 \"x\"\nAGW_EMPTY=\n"
        "MESSAGE=call began call=1a-7 peer=\"[2001:db8::1]:5 \\\"x\\\"\" empty=\"\"\n");
  // No text makes a field.
  CHECK(entry(log::format::text, log::level::warn, "a\nPRIORITY=0", false) == "PRIORITY=4" + ours + "\nMESSAGE=a\\x0aPRIORITY=0\n");
  CHECK(entry(log::format::text, log::level::warn, "a\x1f" "b\x1f" "c\nPRIORITY=0", true) == "PRIORITY=4" + ours + "\nAGW_B=c\\x0aPRIORITY=0\nMESSAGE=a b=\"c\\u000aPRIORITY=0\"\n");
  CHECK_THAT(entry(log::format::json, log::level::info, "a", false), Catch::Matchers::Contains("\nMESSAGE={\"time\":\""));
}

TEST_CASE("facts are read where they were recorded only") {
  CHECK(formatted(log::format::text, true, log::level::info, "a\x1f" "b\x1f" "c") == "<6>a\\x1fb\\x1fc\n");
}

TEST_CASE("warning and warn are the same level, and what is no level changes nothing") {
  const auto before = spdlog::default_logger_raw()->level();
  CHECK(log::set_level("warning"));
  CHECK(spdlog::default_logger_raw()->level() == log::level::warn);
  CHECK(log::set_level("debug"));
  CHECK(log::set_level("warn"));
  CHECK(spdlog::default_logger_raw()->level() == log::level::warn);
  CHECK_FALSE(log::set_level("loud"));
  CHECK(spdlog::default_logger_raw()->level() == log::level::warn);
  spdlog::default_logger_raw()->set_level(before);
}

TEST_CASE("the stamp of a start stays the same") {
  CHECK(log::start_stamp() == log::start_stamp());
  CHECK(log::start_stamp().size() >= 8);
}
