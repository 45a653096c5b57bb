// What every coroutine of agw runs on.
#pragma once

#include <boost/asio/io_context.hpp>

namespace agw {

/// The loop of a shard, or of a test. Not asio::any_io_executor: that is 56 octets in each socket, timer and handler, and waking a coroutine costs
/// twice as much through it.
using loop_executor = boost::asio::io_context::executor_type;

}  // namespace agw
