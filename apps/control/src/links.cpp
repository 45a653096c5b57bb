#include "agw/control/links.hpp"

#include "agw/core/log.hpp"

namespace agw::control {

bool add_links(h248::endpoint& control, const std::vector<h248::peer_address>& ends, h248::link_side side) {
  for (const auto& at : ends) {
    auto link = h248::open_link(control.get_executor(), at, side);
    if (!link) {
      log::error("H.248 on {}: {}", h248::to_text(at), link.error().message());
      return false;
    }
    control.add_link(std::move(*link));
  }
  return true;
}

}  // namespace agw::control
