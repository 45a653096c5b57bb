// Whether a request's Host header names this server.
#pragma once

#include <string_view>
#include <vector>

#include "agw/http/server.hpp"
#include "connection.hpp"

namespace agw::http {

/// `host` as in a Host header, with or without a port: an IP address, localhost, this machine's name, or one of `names` ("*": any).
bool is_own_name(std::string_view host, const std::vector<std::string>& names);

/// 0: the request is for us. Otherwise the status that refuses it: 400 without exactly one Host (HTTP/1.0 needs none), 421 when it
/// names another server.
unsigned check_host(const server_config& config, const beast_request& request);

}  // namespace agw::http
