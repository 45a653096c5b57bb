// What an HTTP handler takes and gives.
#pragma once

#include <cstddef>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <boost/asio/ip/tcp.hpp>

#include "agw/core/awaitable.hpp"

namespace agw::http {

/// A GET or HEAD request that matched a route. Handlers see HEAD as GET; the server leaves the body out.
struct request {
  std::string path;                      ///< the target up to '?', as it was sent (no percent-decoding)
  std::string query;                     ///< what follows '?', raw; empty when there is none
  asio::ip::tcp::endpoint remote;
};

struct response {
  unsigned status = 200;
  std::string content_type = "text/plain; charset=utf-8";
  std::string body;
  /// Further header lines; names and values must be valid ones.
  std::vector<std::pair<std::string, std::string>> headers;
};

/// Runs on the server's shard, several at a time. An exception becomes 500 and a log line; cancellation ends the connection.
using handler = std::function<awaitable<response>(request)>;

/// A file inside the program, as EmbedAssets.cmake produces them. All of it refers to static storage.
struct asset {
  std::string_view path;                 ///< "/style.css"
  std::string_view content_type;
  std::span<const unsigned char> bytes;
};

}  // namespace agw::http
