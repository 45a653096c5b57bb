#include "media_properties.hpp"

#include <charconv>
#include <limits>

#include "agw/gateway/source_filter.hpp"

namespace agw::iq {

using h248::error_code;
using h248::property;

namespace {

/// What a policed stream gets when no rate is given, octets per second (other gateways' default too).
constexpr std::uint64_t default_rate = 10'000;
constexpr std::int64_t largest_rate = std::numeric_limits<std::uint32_t>::max();

/// The properties of one LocalControl; remembers the first value that is no good.
class reader {
 public:
  explicit reader(const h248::list<property>& properties) : properties_(properties) {}

  std::optional<bool> boolean(std::string_view name) {
    const auto value = word(name);
    if (!value) return std::nullopt;
    const auto out = value->as_boolean();
    if (!out) wrong(name, value->text);
    return out;
  }
  std::optional<std::uint64_t> integer(std::string_view name, std::int64_t least, std::int64_t most) {
    const auto value = word(name);
    if (!value) return std::nullopt;
    const auto out = value->as_integer();
    if (out && *out >= least && *out <= most) return static_cast<std::uint64_t>(*out);
    wrong(name, value->text);
    return std::nullopt;
  }
  /// A value that `parse` understands.
  template <class F>
  auto parsed(std::string_view name, F parse) -> decltype(parse(std::string_view())) {
    const auto value = word(name);
    if (!value) return std::nullopt;
    auto out = parse(value->text);
    if (!out) wrong(name, value->text);
    return out;
  }
  void missing(std::string_view name) { fail(error_code::required_information_missing, std::string(name)); }

  const std::optional<command_error>& failure() const noexcept { return failure_; }

 private:
  std::optional<h248::value> word(std::string_view name) {
    const auto* found = h248::find(properties_, name);
    if (found == nullptr) return std::nullopt;
    const auto value = found->values.single();
    if (!value) wrong(name, found->values.first().text);
    return value;
  }
  void wrong(std::string_view name, std::string_view value) {
    fail(error_code::unknown_value, std::string(name) + "=" + std::string(value));
  }
  void fail(error_code code, std::string text) {
    if (!failure_) failure_.emplace(code, std::move(text));
  }

  const h248::list<property>& properties_;
  std::optional<command_error> failure_;
};

/// A hexadecimal octet. Up to 3F it is the code point; H.248.52 speaks of the field's six bits, but traces show whole traffic class
/// octets too ("b8" for EF), which have the last two bits clear.
std::optional<unsigned> dscp_of(std::string_view text) {
  if (text.starts_with("0x") || text.starts_with("0X")) text.remove_prefix(2);
  unsigned out = 0;
  const auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), out, 16);
  if (ec != std::errc() || end != text.data() + text.size() || out > 0xff) return std::nullopt;
  if (out <= 0x3f) return out;
  if ((out & 3) != 0) return std::nullopt;
  return out >> 2;
}

std::optional<gateway::ip_address> address_of(std::string_view text) {
  boost::system::error_code ec;
  const auto out = boost::asio::ip::make_address(std::string(text), ec);
  if (ec) return std::nullopt;
  return out;
}

std::optional<gateway::initiation> initiation_of(std::string_view text) {
  if (h248::iequals(text, "BOTH")) return gateway::initiation::both;
  if (h248::iequals(text, "OUT")) return gateway::initiation::out;
  if (h248::iequals(text, "IN")) return gateway::initiation::in;
  return std::nullopt;
}

// H.248.43: a mask or range counts only while its switch is on.
std::optional<gateway::source_filter> filter_of(reader& in) {
  const auto address = in.boolean("gm/saf");
  const auto port = in.boolean("gm/spf");
  const auto mask = in.parsed("gm/sam", gateway::parse_address_range);
  const auto ports = in.parsed("gm/spr", gateway::parse_port_range);
  if (!address && !port) return std::nullopt;
  gateway::source_filter out;
  out.by_address = address.value_or(true);  // whoever asks for ports alone has not said that any host may come
  out.range = mask;
  out.by_port = port.value_or(false);
  out.ports = ports;
  return out;
}

// H.248.53: rates count only while policing is on. dvt comes in units of 10 ns.
std::optional<gateway::traffic_limits> limits_of(reader& in) {
  const auto on = in.boolean("tman/pol");
  gateway::traffic_limits out;
  out.sustained_rate = in.integer("tman/sdr", 1, largest_rate);
  out.peak_rate = in.integer("tman/pdr", 1, largest_rate);
  out.burst_bytes = in.integer("tman/mbs", 1, largest_rate);
  out.delay_variation = std::chrono::nanoseconds(10 * in.integer("tman/dvt", 0, largest_rate).value_or(0));
  if (!on.value_or(false)) return std::nullopt;
  if (!out.sustained_rate && !out.peak_rate) out.sustained_rate = default_rate;
  return out;
}

}  // namespace

checked<gateway::stream_settings> settings_of(const h248::list<property>& properties) {
  reader in(properties);
  gateway::stream_settings out;
  const auto dscp = in.parsed("ds/dscp", dscp_of);
  if (in.boolean("ds/tb").value_or(true)) out.dscp = dscp;
  out.filter = filter_of(in);
  const auto source = in.parsed("gm/lsa", address_of);
  if (in.boolean("gm/esas").value_or(false)) {
    if (!source) in.missing("gm/lsa");
    out.source_address = source;
  }
  const auto port = in.integer("gm/lsp", 1, 65535);
  if (in.boolean("gm/esps").value_or(false)) {
    if (!port) in.missing("gm/lsp");
    if (port) out.source_port = static_cast<std::uint16_t>(*port);
  }
  out.limits = limits_of(in);
  out.interlinked = in.boolean("seplink/on").value_or(false);
  out.association = in.parsed("sctpbcc/dir", initiation_of).value_or(gateway::initiation::both);
  if (in.failure()) return *in.failure();
  return out;
}

checked<std::optional<gateway::latching>> latching_of(const h248::signal_request& signal) {
  if (!signal.name.is("ipnapt/latch")) return std::optional<gateway::latching>();
  const auto* napt = h248::find(signal.parameters, "napt");
  if (napt == nullptr) return std::optional(gateway::latching::latch);
  const auto word = napt->values.first();
  if (h248::iequals(word.text, "LATCH")) return std::optional(gateway::latching::latch);
  if (h248::iequals(word.text, "RELATCH")) return std::optional(gateway::latching::relatch);
  if (h248::iequals(word.text, "OFF")) return std::optional(gateway::latching::off);
  return command_error(error_code::unknown_value, "ipnapt/latch{napt=" + std::string(word.text) + "}");
}

}  // namespace agw::iq
