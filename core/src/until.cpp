#include "agw/core/until.hpp"

namespace agw {

awaitable<void> sleep_until(deadline by) {
  auto executor = co_await asio::this_coro::executor;
  timer at(executor, by);
  co_await at.async_wait(use_awaitable);
}

}  // namespace agw
