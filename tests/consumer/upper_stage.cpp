#include "upper_stage.hpp"

#include <algorithm>
#include <string>

#include <agw/core/bytes.hpp>
#include <agw/gateway/relay_stage.hpp>

using namespace agw;

namespace {

class upper final : public translator {
 public:
  explicit upper(std::size_t max_message_bytes) : max_message_bytes_(max_message_bytes) {}

  outcome from_wic(const message& m, relay_output& out) override {
    if (m.kind != message_kind::text) return malformed("a message that is no text");
    said_ = as_text(m.bytes);
    std::ranges::transform(said_, said_.begin(), [](char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c; });
    out.to_core(as_bytes(said_));
    return {};
  }
  outcome from_core(bytes_view& in, relay_output& out) override {
    const auto piece = in.first(std::min(in.size(), max_message_bytes_));
    in = in.subspan(piece.size());
    if (!piece.empty()) out.to_wic(piece, message_kind::text);
    return {};
  }

 private:
  std::size_t max_message_bytes_;
  std::string said_;
};

}  // namespace

void add_upper(gateway::subprotocol_registry& registry) { registry.add("upper", gateway::relay_stage<upper>("upper")); }
