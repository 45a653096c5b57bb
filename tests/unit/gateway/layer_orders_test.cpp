#include <catch2/catch.hpp>

#include "layer_orders.hpp"

using namespace agw::gateway;

TEST_CASE("a layer is held while it waits and has no order") {
  layer_orders orders;
  CHECK_FALSE(orders.holds(layer::tcp));
  orders.set({{layer::tcp, true}, {layer::tls, true}});
  CHECK(orders.holds(layer::tcp));
  orders.give(layer::tcp);
  CHECK_FALSE(orders.holds(layer::tcp));
  CHECK(orders.holds(layer::tls));
  orders.give_all();
  CHECK_FALSE(orders.holds(layer::tls));
  orders.take_back();
  CHECK(orders.holds(layer::tcp));
  orders.set({{layer::tcp, false}});
  CHECK_FALSE(orders.holds(layer::tcp));
}

TEST_CASE("an order that comes before the layer waits counts") {
  layer_orders orders;
  orders.give(layer::ice);
  orders.set({{layer::ice, true}});
  CHECK_FALSE(orders.holds(layer::ice));
}

TEST_CASE("each layer has a word, and no other stage is a layer") {
  for (const auto l : {layer::ice, layer::dtls, layer::sctp, layer::channel, layer::tcp, layer::tls}) CHECK(layer_of(to_text(l)) == l);
  for (const auto* other : {"msrp", "lines", "udp", ""}) CHECK_FALSE(layer_of(other));
}
