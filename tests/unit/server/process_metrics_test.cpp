#include "process_metrics.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <ctime>

#include <catch2/catch.hpp>

using namespace agw;
using namespace agw::server;

TEST_CASE("the process's state is read from the system") {
  const auto before = read_process_state();
  REQUIRE(before);
  volatile double work = 1;
  for (const auto until = std::clock() + CLOCKS_PER_SEC / 20; std::clock() < until;) work = work * 1.0001;
  const auto now = read_process_state();
  CHECK(now->cpu_seconds - before->cpu_seconds > 0.02);
  CHECK(now->resident_bytes > 1'000'000);
  CHECK(now->virtual_bytes > now->resident_bytes);
  CHECK(now->threads >= 1);
  const auto age = static_cast<double>(std::time(nullptr)) - now->start_time;
  CHECK(age > -2);
  CHECK(age < 3600);
}

TEST_CASE("open descriptors are counted") {
  const auto before = open_descriptors();
  REQUIRE(before);
  const int one = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
  CHECK(open_descriptors() == *before + 1);
  ::close(one);
  CHECK(open_descriptors() == before);
}

TEST_CASE("the process's series are exposed under the names that dashboards know") {
  metrics m;
  add_process_metrics(m);
  const auto text = m.expose();
  for (const auto* name : {"process_cpu_seconds_total", "process_resident_memory_bytes", "process_virtual_memory_bytes", "process_threads",
                           "process_open_fds", "process_max_fds", "process_start_time_seconds"}) {
    CAPTURE(name);
    const auto at = text.find(std::string("\n") + name + " ");
    REQUIRE(at != std::string::npos);
    CHECK(text[at + std::string(name).size() + 2] != '0');
  }
  CHECK(text.find("# TYPE process_cpu_seconds_total counter\n") != std::string::npos);
}
