// A read that is cancelled while octets arrive.
#pragma once

#include <cstddef>
#include <functional>
#include <span>

#include <boost/asio/post.hpp>

#include "agw/core/pipe.hpp"
#include "agw/core/task_group.hpp"

namespace agw::test {

/// Reads from `stream` beside `meanwhile()`, as a relay does that passes on what it took and is cancelled only while it waits for more. How many
/// octets came; 0: it was cancelled.
inline awaitable<std::size_t> interrupted_read(byte_stream& stream, std::span<std::byte> into, std::function<awaitable<void>()> meanwhile) {
  auto executor = co_await asio::this_coro::executor;
  std::size_t count = 0;
  bool waits = false;
  task_group reading(executor, "reading");
  reading.spawn("read", [&]() -> awaitable<void> {
    waits = true;
    const auto had = co_await stream.read_some(into);
    waits = false;
    co_await asio::post(executor, use_awaitable);
    count = had;
  });
  co_await meanwhile();
  if (waits) {
    co_await reading.stop();
  } else {
    co_await reading.join();
  }
  co_return count;
}

}  // namespace agw::test
