#pragma once

#include <string>
#include <utility>

#include "agw/core/awaitable.hpp"
#include "agw/core/error.hpp"

namespace agw::test {

// Awaits `operation` and says which "<stage>:<reason>" it threw; empty when it did not.
template <class T>
awaitable<std::string> cause_of(awaitable<T> operation) {
  try {
    co_await std::move(operation);
  } catch (const stage_error& e) {
    co_return e.cause();
  }
  co_return std::string();
}

}  // namespace agw::test
