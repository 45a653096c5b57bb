// Names to addresses, by the system's resolver.
#pragma once

#include <string>
#include <vector>

#include <boost/asio/ip/address.hpp>

#include <agw/core/awaitable.hpp>

namespace agw::h248 {

// All addresses of a name, in the resolver's order; none when it has none. getaddrinfo() cannot be ended, and Asio's resolver, which joins its
// thread, would hold up deadlines and the end of the process for as long as a name server is silent: here the call runs on a thread that is
// left behind when the caller is cancelled.
awaitable<std::vector<asio::ip::address>> look_up(std::string host);

}  // namespace agw::h248
