// Catch2's main, compiled once for all unit tests: it takes longer than any other file.
#define CATCH_CONFIG_MAIN
#include <csignal>
#include <cstdlib>

#include <unistd.h>

#include <catch2/catch.hpp>

namespace {

// A test case that waits for ever fails by name instead of blocking the run. This does not limit speed: the slowest case takes
// seconds, and the limit is minutes.
class hang_guard final : public Catch::TestEventListenerBase {
 public:
  using TestEventListenerBase::TestEventListenerBase;
  void testCaseStarting(const Catch::TestCaseInfo&) override {
    std::signal(SIGALRM, [](int) { std::abort(); });  // Catch2 reports the case on SIGABRT
    alarm(300);
  }
  void testCaseEnded(const Catch::TestCaseStats&) override { alarm(0); }
};
CATCH_REGISTER_LISTENER(hang_guard)

}  // namespace
