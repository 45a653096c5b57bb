#include "agw/core/log.hpp"

#include <algorithm>

#include <spdlog/sinks/stdout_sinks.h>

namespace agw::log {

std::string printable(std::string_view text, std::size_t max_bytes) {
  constexpr std::string_view digits = "0123456789abcdef";
  std::string out;
  out.reserve(std::min(text.size(), max_bytes));
  for (const char c : text) {
    if (out.size() >= max_bytes) {
      out += "\u2026";
      break;
    }
    const auto octet = static_cast<unsigned char>(c);
    if (octet >= 0x20 && octet < 0x7f && c != '\\') {
      out += c;
    } else {
      out.append("\\x") += digits[octet >> 4];
      out += digits[octet & 15u];
    }
  }
  return out;
}

bool configure(std::string_view level) {
  const auto chosen = spdlog::level::from_str(std::string(level));
  if (chosen == spdlog::level::off && level != "off") return false;
  if (!spdlog::get("agw")) spdlog::set_default_logger(spdlog::stderr_logger_mt("agw"));
  spdlog::set_pattern("%Y-%m-%dT%H:%M:%S.%e %-5l %v");
  spdlog::set_level(chosen);
  spdlog::flush_on(spdlog::level::info);
  return true;
}

}  // namespace agw::log
