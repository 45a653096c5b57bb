#include <stdexcept>

#include <boost/asio/co_spawn.hpp>

#include "agw/core/error.hpp"
#include "agw/testing/loop.hpp"

namespace agw::testing {

void started::start(asio::io_context& context, awaitable<void> work) {
  asio::co_spawn(context, std::move(work), [out = outcome_](std::exception_ptr e) {
    out->error = std::move(e);
    out->ended = true;
  });
}

void started::check() const {
  if (outcome_->error) std::rethrow_exception(outcome_->error);
}

void run(asio::io_context& context, const started& work) {
  context.restart();
  context.run();
  work.check();
  if (!work.ended()) throw std::logic_error("the coroutine under test never ended");
}

std::string failure_of(const std::exception_ptr& error) {
  try {
    if (error) std::rethrow_exception(error);
  } catch (const stage_error& e) {
    return e.cause();
  } catch (const system_error& e) {
    return e.code() == asio::error::operation_aborted ? "cancelled" : e.what();
  } catch (const std::exception& e) {
    return e.what();
  }
  return "";
}

manual_clock::manual_clock(asio::io_context& context, clock::time_point start) : context_(context) {
  clock::manual_now = start.time_since_epoch().count();
}

manual_clock::~manual_clock() { clock::manual_now = clock::real_time; }

void manual_clock::advance(clock::duration by) {
  settle();
  clock::manual_now += by.count();
  // The timer queue reads a custom clock only when an earlier timer re-arms it.
  timer wake(context_.get_executor(), clock::now() - std::chrono::hours(1));
  wake.async_wait([](error_code) {});
  settle();
}

void manual_clock::settle() {
  context_.restart();
  while (context_.poll() != 0) {
  }
}

}  // namespace agw::testing
