// "lines": each text message of the channel is a line on the core's stream, and each line there is a text message.
#include <algorithm>

#include "agw/core/bytes.hpp"
#include "agw/core/line_splitter.hpp"
#include "agw/core/utf8.hpp"
#include "agw/examples/stages.hpp"
#include "agw/gateway/relay_stage.hpp"

namespace agw::examples {
namespace {

constexpr std::size_t max_line_bytes = 8 * 1024;  // a bound of our own: a browser may announce a gigabyte

class lines final : public translator {
 public:
  explicit lines(std::size_t max_message_bytes) : lines_(std::min(max_line_bytes, max_message_bytes)) {}

  outcome from_wic(const message& m, relay_output& out) override {
    const auto text = as_text(m.bytes);
    if (m.kind != message_kind::text || !is_utf8(text)) return malformed("a message that is not UTF-8 text");
    if (text.find_first_of("\r\n") != text.npos) return malformed("a message with a line end inside");
    if (text.size() > lines_.max_line_bytes()) return malformed::too_large("a message that is too long for a line");
    out.to_core(m.bytes);
    out.to_core(as_bytes("\n"));
    return {};
  }
  outcome from_core(bytes_view& in, relay_output& out) override { return pass(lines_.next(in), out); }
  outcome closed(side from, relay_output& out) override { return from == side::core ? pass(lines_.last(), out) : outcome(); }
  bool between_units() const override { return lines_.between_lines(); }

 private:
  static outcome pass(const line_splitter::line& line, relay_output& out) {
    if (!line) return line.error();
    if (!*line) return {};
    if (!is_utf8(as_text(**line))) return malformed("a line that is not UTF-8 text");
    out.to_wic(**line, message_kind::text);
    return {};
  }

  line_splitter lines_;
};

}  // namespace

void add_stages(gateway::subprotocol_registry& registry) { registry.add("lines", gateway::relay_stage<lines>("lines")); }

}  // namespace agw::examples
