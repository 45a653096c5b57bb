#include "agw/core/log.hpp"

#include <algorithm>

#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/stdout_sinks.h>

namespace agw::log {

namespace {

template <class Buffer>
void append_escaped(Buffer& out, unsigned char octet) {
  constexpr std::string_view digits = "0123456789abcdef";
  for (const char c : {'\\', 'x', digits[octet >> 4], digits[octet & 15u]}) out.push_back(c);
}

}  // namespace

std::string printable(std::string_view text, std::size_t max_bytes) {
  std::string out;
  out.reserve(std::min(text.size(), max_bytes));
  for (const char c : text) {
    if (out.size() >= max_bytes) {
      out += "\u2026";
      break;
    }
    const auto octet = static_cast<unsigned char>(c);
    if (octet >= 0x20 && octet < 0x7f && c != '\\') out += c;
    else append_escaped(out, octet);
  }
  return out;
}

namespace {

// The message of a line, without line ends and other control characters: those that a room forgot to escape do no harm.
class one_line final : public spdlog::custom_flag_formatter {
 public:
  void format(const spdlog::details::log_msg& m, const std::tm&, spdlog::memory_buf_t& into) override {
    for (const char c : std::string_view(m.payload.data(), m.payload.size())) {
      const auto octet = static_cast<unsigned char>(c);
      if (octet >= 0x20 && octet != 0x7f) into.push_back(c);
      else append_escaped(into, octet);
    }
  }
  std::unique_ptr<custom_flag_formatter> clone() const override { return std::make_unique<one_line>(); }
};

}  // namespace

std::unique_ptr<spdlog::formatter> line_formatter() {
  auto made = std::make_unique<spdlog::pattern_formatter>();
  made->add_flag<one_line>('*').set_pattern("%Y-%m-%dT%H:%M:%S.%e %-5l %*");
  return made;
}

bool configure(std::string_view level) {
  const auto chosen = spdlog::level::from_str(std::string(level));
  if (chosen == spdlog::level::off && level != "off") return false;
  if (!spdlog::get("agw")) spdlog::set_default_logger(spdlog::stderr_logger_mt("agw"));
  spdlog::set_formatter(line_formatter());
  spdlog::set_level(chosen);
  spdlog::flush_on(spdlog::level::info);
  return true;
}

}  // namespace agw::log
