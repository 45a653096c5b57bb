// usrsctp takes round trips, and the age of what it would send again, from gettimeofday(). Where a test moves the time, that is what it sees here.
#include <sys/time.h>
#include <time.h>

#include "agw/core/clock.hpp"

extern "C" int gettimeofday(timeval* into, void*) noexcept {
  timespec now{};
  if (agw::clock::manual_now == agw::clock::real_time) {
    clock_gettime(CLOCK_REALTIME, &now);
  } else {
    const auto since = std::chrono::duration_cast<std::chrono::nanoseconds>(agw::clock::now().time_since_epoch()).count();
    now.tv_sec = since / 1'000'000'000;
    now.tv_nsec = since % 1'000'000'000;
  }
  into->tv_sec = now.tv_sec;
  into->tv_usec = now.tv_nsec / 1000;
  return 0;
}
