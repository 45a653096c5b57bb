// Header blocks with some of their lines replaced.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "agw/msrp/chunk.hpp"
#include "agw/msrp/relay_paths.hpp"
#include "text.hpp"

namespace agw::msrp {

// The start line without "MSRP ", the id and its blank, but with CRLF: "SEND\r\n", "200 OK\r\n".
inline std::string_view after_id(const chunk_header& header) {
  const auto line = header.block.substr(0, header.block.find('\n') + 1);
  return line.substr(6 + header.transaction_id.size());
}

inline bool is_path(const header_field& field) noexcept {
  return equal_nocase(field.name, "To-Path") || equal_nocase(field.name, "From-Path");
}

inline void append_paths(std::string& out, const path_pair& paths) {
  out.append("To-Path: ").append(paths.to).append("\r\nFrom-Path: ").append(paths.from).append("\r\n");
}

// The block with another id and, where there are some, other paths; all other lines as they came.
inline void append_block(std::string& out, const chunk_header& header, std::string_view transaction_id,
                         const std::optional<path_pair>& paths) {
  out.append("MSRP ").append(transaction_id).append(" ").append(after_id(header));
  if (paths) append_paths(out, *paths);
  for (const auto& field : header.fields) {
    if (!paths || !is_path(field)) out.append(field.line);
  }
}

}  // namespace agw::msrp
