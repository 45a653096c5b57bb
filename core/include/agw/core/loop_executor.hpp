// What every coroutine of agw runs on.
#pragma once

#include <boost/asio/io_context.hpp>

// Asio's own code must not be compiled in two ways in a program: what uses it links agw::core, whose target says how.
static_assert(BOOST_ASIO_RECYCLING_ALLOCATOR_CACHE_SIZE == 0, "link a target of agw's package");

namespace agw {

/// The loop of a shard, or of a test. Not asio::any_io_executor: that is 56 octets in each socket, timer and handler, and waking a coroutine costs
/// twice as much through it.
using loop_executor = boost::asio::io_context::executor_type;

}  // namespace agw
