// Preloaded: the wall clock of one process, which is set by writing nanoseconds into the file that AGW_CLOCK names. CLOCK_MONOTONIC is the machine's.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static const volatile int64_t *ahead;

__attribute__((constructor)) static void begin(void) {
  const char *name = getenv("AGW_CLOCK");
  const int fd = name ? open(name, O_RDONLY | O_CLOEXEC) : -1;
  if (fd < 0) return;
  void *at = mmap(NULL, sizeof *ahead, PROT_READ, MAP_SHARED, fd, 0);
  if (at != MAP_FAILED) ahead = at;
  close(fd);
}

int clock_gettime(clockid_t which, struct timespec *out) {
  const long failed = syscall(SYS_clock_gettime, which, out);
  if (failed || !ahead || (which != CLOCK_REALTIME && which != CLOCK_REALTIME_COARSE)) return (int)failed;
  const int64_t all = out->tv_sec * INT64_C(1000000000) + out->tv_nsec + *ahead;
  out->tv_sec = all / 1000000000;
  out->tv_nsec = all % 1000000000;
  return 0;
}

time_t time(time_t *out) {
  struct timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  if (out) *out = now.tv_sec;
  return now.tv_sec;
}

int gettimeofday(struct timeval *restrict out, void *restrict zone) {
  (void)zone;
  struct timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  out->tv_sec = now.tv_sec;
  out->tv_usec = now.tv_nsec / 1000;
  return 0;
}
