#include "link.hpp"

#include "bearer.hpp"
#include "component.hpp"

namespace agw::gateway {

void stream_link::interlink() {
  if (orders_core()) core->order_all();
  if (orders_wic()) wic->order(layer::channel);
}

}  // namespace agw::gateway
