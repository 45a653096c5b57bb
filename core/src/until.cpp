#include "agw/core/until.hpp"

namespace agw {

template awaitable<void> detail::race<void, void>(deadline by, awaitable<void> operation);
template awaitable<bool> detail::race<bool, void>(deadline by, awaitable<void> operation);

awaitable<void> sleep_until(deadline by) {
  auto executor = co_await asio::this_coro::executor;
  timer at(executor, by);
  co_await at.async_wait(use_awaitable);
}

}  // namespace agw
