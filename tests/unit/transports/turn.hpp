// One turn of the loop: what stands in its queue runs before the caller goes on.
#pragma once

#include <boost/asio/post.hpp>

#include "agw/core/awaitable.hpp"

namespace agw::test {

inline awaitable<void> turn() {
  auto executor = co_await asio::this_coro::executor;
  co_await asio::post(executor, use_awaitable);
}

}  // namespace agw::test
