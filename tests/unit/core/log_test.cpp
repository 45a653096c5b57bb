#include <string>

#include <catch2/catch.hpp>
#include <spdlog/formatter.h>

#include "agw/core/log.hpp"

using agw::log::printable;

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
  const auto formatter = agw::log::line_formatter();
  spdlog::memory_buf_t line;
  formatter->format(spdlog::details::log_msg("agw", spdlog::level::info, "failed: \n2026 info all is well\x7f \u2026 a\\b"), line);
  const std::string text(line.data(), line.size());
  CHECK(text.ends_with("info  failed: \\x0a2026 info all is well\\x7f \u2026 a\\b\n"));
  CHECK(text.find('\n') == text.size() - 1);
}
