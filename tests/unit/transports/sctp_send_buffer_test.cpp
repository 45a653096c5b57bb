#include "sctp/send_buffer.hpp"

#include <optional>

#include <catch2/catch.hpp>

#include "agw/core/scope_guard.hpp"

using namespace agw;
using namespace agw::sctp;

TEST_CASE("a send buffer grows with the window, within what all may have") {
  const auto before = send_memory_left();
  set_send_memory(1000);
  const scope_guard restored([&] { set_send_memory(before); });
  std::optional<send_buffer> a, b;
  a.emplace(100, 700);
  b.emplace(100, 700);
  CHECK(a->size() == 100);
  CHECK_FALSE(a->fit(40));
  CHECK(a->fit(200));
  CHECK(a->size() == 400);
  CHECK(send_memory_left() == 700);
  CHECK(a->fit(10'000));
  CHECK(a->size() == 700);
  CHECK_FALSE(a->fit(10'000));
  CHECK(b->fit(10'000));
  CHECK(b->size() == 500);  // there is no more
  CHECK(send_memory_left() == 0);
  CHECK_FALSE(b->fit(10'000));
  CHECK_FALSE(a->fit(100));  // a path that varies keeps it
  CHECK(a->fit(60));
  CHECK(a->size() == 120);
  CHECK(b->fit(10'000));
  CHECK(b->size() == 700);
  b.reset();
  a.reset();
  CHECK(send_memory_left() == 1000);
  // A budget that is made smaller than what is in use gives nothing until it is back.
  a.emplace(100, 700);
  a->fit(300);
  set_send_memory(200);
  CHECK(send_memory_left() == 0);
  a.reset();
  CHECK(send_memory_left() == 200);
}
