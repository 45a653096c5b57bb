// The rules between the two ends of a stream; what the ends themselves do is in the tests of calls.
#include "link.hpp"

#include <array>
#include <cstddef>

#include <catch2/catch.hpp>

using namespace agw::gateway;

namespace {

/// Ends that are nothing but their addresses: the link's places and rules look no deeper.
struct ends {
  bearer* core(std::size_t i) { return reinterpret_cast<bearer*>(&places_[i]); }
  component* wic(std::size_t i) { return reinterpret_cast<component*>(&places_[i]); }

 private:
  std::array<std::max_align_t, 4> places_{};
};

}  // namespace

TEST_CASE("the first end has the place, and those that wait take it in their order") {
  ends e;
  stream_link link;
  CHECK(link.add(e.core(0)));
  CHECK_FALSE(link.add(e.core(1)));
  CHECK_FALSE(link.add(e.core(2)));
  CHECK_FALSE(link.remove(e.core(1)));
  CHECK_FALSE(link.add(e.core(1)));
  CHECK(link.remove(e.core(0)));
  CHECK(link.core == e.core(2));
  CHECK(link.remove(e.core(2)));
  CHECK(link.core == e.core(1));
  CHECK(link.remove(e.core(1)));
  CHECK(link.core == nullptr);
}

TEST_CASE("an end that comes again, because it could not leave, stands there once") {
  ends e;
  stream_link link;
  CHECK(link.add(e.wic(0)));
  CHECK(link.add(e.wic(0)));
  CHECK(link.waiting_wics.empty());
  CHECK_FALSE(link.add(e.wic(1)));
  CHECK_FALSE(link.add(e.wic(1)));
  CHECK(link.waiting_wics.size() == 1);
}

TEST_CASE("the end that comes up orders the other one, whichever asked for the interlinking and in whatever order") {
  ends e;
  stream_link link;
  link.add(e.core(0));
  link.add(e.wic(1));
  const bool core_asks = GENERATE(true, false);
  const bool asked_first = GENERATE(true, false);
  const auto ask = [&] { (core_asks ? link.core_interlinked : link.wic_interlinked) = true; };
  if (asked_first) ask();
  CHECK_FALSE(link.orders_core());
  CHECK_FALSE(link.orders_wic());
  SECTION("the channel") {
    link.channel_is_up = true;
    CHECK(link.orders_core() == asked_first);
    ask();
    CHECK(link.orders_core());
    CHECK_FALSE(link.orders_wic());
  }
  SECTION("the core") {
    link.core_is_up = true;
    CHECK(link.orders_wic() == asked_first);
    ask();
    CHECK(link.orders_wic());
    CHECK_FALSE(link.orders_core());
  }
}

TEST_CASE("what an end had set on the link goes with it") {
  ends e;
  stream_link link;
  link.add(e.core(0));
  link.add(e.wic(1));
  link.core_interlinked = link.wic_interlinked = link.core_is_up = link.channel_is_up = true;
  link.remove(e.core(0));
  CHECK_FALSE(link.core_interlinked);
  CHECK_FALSE(link.core_is_up);
  CHECK_FALSE(link.orders_core());
  CHECK_FALSE(link.orders_wic());
  link.remove(e.wic(1));
  CHECK_FALSE(link.interlinked());
  CHECK_FALSE(link.channel_is_up);
}
