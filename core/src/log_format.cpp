#include "log_format.hpp"

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <vector>

#include <spdlog/details/log_msg.h>
#include <spdlog/details/os.h>

#include "agw/core/utf8.hpp"

namespace agw::log {

const char* const record_source = "record";

namespace {

constexpr std::string_view hex = "0123456789abcdef";

bool is_control(unsigned char octet) { return octet < 0x20 || octet == 0x7f; }

void add_plain(std::string& out, std::string_view text) {
  for (const char c : text) {
    const auto octet = static_cast<unsigned char>(c);
    if (!is_control(octet)) out += c;
    else for (const char e : {'\\', 'x', hex[octet >> 4], hex[octet & 15u]}) out += e;
  }
}

// A string of JSON, which logfmt reads as well.
void add_quoted(std::string& out, std::string_view text) {
  const bool utf8 = is_utf8(text);
  out += '"';
  for (const char c : text) {
    const auto octet = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (is_control(octet) || (octet >= 0x80 && !utf8)) {
      out += "\\u00";
      out += hex[octet >> 4];
      out += hex[octet & 15u];
    } else {
      out += c;
    }
  }
  out += '"';
}

void add_value(std::string& out, std::string_view text) {
  const auto special = [](char c) { return is_control(static_cast<unsigned char>(c)) || c == ' ' || c == '"' || c == '=' || c == '\\'; };
  if (text.empty() || std::any_of(text.begin(), text.end(), special)) add_quoted(out, text);
  else out += text;
}

// RFC 3339, with the offset of the place.
void add_time(std::string& out, spdlog::log_clock::time_point at) {
  using namespace std::chrono;
  const auto whole = floor<seconds>(at);
  const auto tm = spdlog::details::os::localtime(spdlog::log_clock::to_time_t(whole));
  const auto minutes = spdlog::details::os::utc_minutes_offset(tm);
  const auto ahead = minutes < 0 ? -minutes : minutes;
  char text[64];
  std::snprintf(text, sizeof text, "%04d-%02d-%02dT%02d:%02d:%02d.%03d%c%02d:%02d", tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday, tm.tm_hour, tm.tm_min,
                tm.tm_sec, static_cast<int>(duration_cast<milliseconds>(at - whole).count()), minutes < 0 ? '-' : '+', ahead / 60, ahead % 60);
  out += text;
}

std::string_view word_of(level at) {
  switch (at) {
    case level::trace: return "trace";
    case level::debug: return "debug";
    case level::info: return "info";
    case level::warn: return "warning";
    case level::err: return "error";
    default: return "critical";
  }
}

// sd-daemon(3)
char priority_of(level at) {
  switch (at) {
    case level::trace:
    case level::debug: return '7';
    case level::info: return '6';
    case level::warn: return '4';
    case level::err: return '3';
    default: return '2';
  }
}

struct parts {
  std::string_view what;
  std::vector<std::pair<std::string_view, std::string_view>> facts;
};

parts parts_of(const spdlog::details::log_msg& m) {
  parts out;
  out.what = std::string_view(m.payload.data(), m.payload.size());
  if (m.source.funcname != record_source) return out;
  auto rest = out.what;
  const auto cut = [&rest] {
    const auto end = rest.find(fact_separator);
    const auto piece = rest.substr(0, end);
    rest = end == rest.npos ? std::string_view() : rest.substr(end + 1);
    return piece;
  };
  out.what = cut();
  while (!rest.empty()) {
    const auto name = cut();
    out.facts.emplace_back(name, cut());
  }
  return out;
}

enum class frame {
  none,
  priority,  ///< before the line, for a stream of the journal's
  entry      ///< of the journal's native protocol
};

class formatter final : public spdlog::formatter {
 public:
  formatter(log::format as, frame around) : as_(as), frame_(around) {}

  void format(const spdlog::details::log_msg& m, spdlog::memory_buf_t& into) override {
    line_.clear();
    const auto p = parts_of(m);
    if (frame_ == frame::priority) {
      line_ += '<';
      line_ += priority_of(m.level);
      line_ += '>';
    }
    if (frame_ == frame::entry) add_fields(m, p);
    switch (as_) {
      case log::format::text: add_text(m, p); break;
      case log::format::logfmt: add_logfmt(m, p); break;
      case log::format::json: add_json(m, p); break;
    }
    line_ += '\n';
    into.append(line_.data(), line_.data() + line_.size());
  }
  std::unique_ptr<spdlog::formatter> clone() const override { return std::make_unique<formatter>(as_, frame_); }

 private:
  // No value has a line end, so that the short form of a field does.
  void add_fields(const spdlog::details::log_msg& m, const parts& p) {
    line_ += "PRIORITY=";
    line_ += priority_of(m.level);
    line_ += "\nSYSLOG_IDENTIFIER=";
    line_ += program_invocation_short_name;
    for (const auto& [name, value] : p.facts) {
      line_ += "\nAGW_";
      for (const char c : name) line_ += static_cast<char>(c >= 'a' && c <= 'z' ? c - 'a' + 'A' : c);
      line_ += '=';
      add_plain(line_, value);
    }
    line_ += "\nMESSAGE=";
  }

  void add_text(const spdlog::details::log_msg& m, const parts& p) {
    if (frame_ == frame::none) {
      add_time(line_, m.time);
      line_ += ' ';
      const auto word = word_of(m.level);
      line_ += word;
      line_.append(word.size() < 8 ? 8 - word.size() : 1, ' ');
    }
    add_plain(line_, p.what);
    add_pairs(p);
  }

  void add_logfmt(const spdlog::details::log_msg& m, const parts& p) {
    line_ += "time=";
    add_time(line_, m.time);
    line_ += " level=";
    line_ += word_of(m.level);
    line_ += " msg=";
    add_quoted(line_, p.what);
    add_pairs(p);
  }

  void add_json(const spdlog::details::log_msg& m, const parts& p) {
    line_ += "{\"time\":\"";
    add_time(line_, m.time);
    line_ += "\",\"level\":\"";
    line_ += word_of(m.level);
    line_ += "\",\"message\":";
    add_quoted(line_, p.what);
    for (const auto& [name, value] : p.facts) {
      line_ += ',';
      add_quoted(line_, name);
      line_ += ':';
      add_quoted(line_, value);
    }
    line_ += '}';
  }

  void add_pairs(const parts& p) {
    for (const auto& [name, value] : p.facts) {
      line_ += ' ';
      line_ += name;
      line_ += '=';
      add_value(line_, value);
    }
  }

  log::format as_;
  frame frame_;
  std::string line_;
};

}  // namespace

std::unique_ptr<spdlog::formatter> line_formatter(log::format as, bool journal) {
  return std::make_unique<formatter>(as, journal ? frame::priority : frame::none);
}
std::unique_ptr<spdlog::formatter> entry_formatter(format as) { return std::make_unique<formatter>(as, frame::entry); }

}  // namespace agw::log
