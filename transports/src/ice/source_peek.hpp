// Who sends to a socket that libnice reads.
#pragma once

#include <functional>

#include <gio/gio.h>

#include "agw/transports/udp.hpp"

namespace agw::ice {

/// Looks, on the GLib thread, at the source of the datagram at the head of `socket`'s queue, again and again, each time before libnice reads it, and
/// tells `goes_on`, until that returns false or the socket is closed. What stands further behind in the queue is not seen: it is a sample.
/// Called on the GLib thread; so is `goes_on`. Takes the reference to `socket`.
void peek_sources(GMainContext* context, GSocket* socket, std::function<bool(const udp::endpoint& source)> goes_on);

}  // namespace agw::ice
