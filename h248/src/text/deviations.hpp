// What the parser reads though the grammar of H.248.1 Annex B does not have it, because equipment sends it.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace agw::h248::text {

enum class deviation : std::uint8_t {
  // Of form: the writer puts them right.
  separator,
  end,
  segment_end,
  ack_range,
  audit_body,
  digit_map_equals,
  context_audit_first,
  // Of content: names and omissions are written as they came.
  domain_name,
  device_name,
  termination,
  digit_map_name,
  digit_map,
  reason,
  notify,
  packages_capability,
  empty_action,
};
inline constexpr std::size_t deviation_kinds = static_cast<std::size_t>(deviation::empty_action) + 1;

// What is different from the grammar, as the end of a sentence.
constexpr std::string_view to_text(deviation d) noexcept {
  switch (d) {
    case deviation::separator: return "no white space beside the brackets of the message id";
    case deviation::end: return "a NUL behind the last transaction";
    case deviation::segment_end: return "white space behind a Segment";
    case deviation::ack_range: return "a range of acknowledgements that goes on at 1 behind the greatest TransactionID";
    case deviation::audit_body: return "an audit without an Audit descriptor";
    case deviation::digit_map_equals: return "no '=' between DigitMap and its value";
    case deviation::context_audit_first: return "ContextAudit in front of the properties of the context";
    case deviation::domain_name: return "'_' in a domain name";
    case deviation::device_name: return "a device name that begins with a digit or holds '-' or '.'";
    case deviation::termination: return "a TerminationID that begins with a digit or holds '-' or '.'";
    case deviation::digit_map_name: return "the name of a digit map begins with a digit or holds '-' or '.'";
    case deviation::digit_map: return "'*' or '#' in a digit map";
    case deviation::reason: return "a ServiceChange without Reason";
    case deviation::notify: return "a Notify that does not begin with ObservedEvents";
    case deviation::packages_capability: return "an AuditCapability of Packages";
    case deviation::empty_action: return "an action reply that says nothing";
  }
  return {};
}

// Each kind once, where it was met first: that bounds what a message can make the parser remember.
class noted_deviations {
 public:
  bool none() const noexcept { return kinds_ == 0; }
  void note(deviation d, std::size_t offset) noexcept {
    const auto n = static_cast<std::size_t>(d);
    if ((kinds_ & (1u << n)) != 0) return;
    kinds_ |= 1u << n;
    at_[n] = offset;
  }
  // Calls f(deviation, offset) for each kind, in the order of the text.
  template <class F>
  void for_each(F f) const {
    for (std::uint32_t left = kinds_; left != 0;) {
      std::size_t first = deviation_kinds;
      for (std::size_t n = 0; n < deviation_kinds; ++n) {
        if ((left & (1u << n)) != 0 && (first == deviation_kinds || at_[n] < at_[first])) first = n;
      }
      left &= ~(1u << first);
      f(static_cast<deviation>(first), at_[first]);
    }
  }

 private:
  std::uint32_t kinds_ = 0;
  std::array<std::size_t, deviation_kinds> at_;  // only where the bit is set
};

}  // namespace agw::h248::text
