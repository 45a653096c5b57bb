// The SDP inside Local and Remote descriptors (H.248.1 7.1.8): lines in their order, all kept, those of the profile also as
// typed values. Plain values, no I/O; owns its text.
//
//   auto local = sdp::parse_one(*parameters.local);
//   local->fill_port(bound.port());
//   local->fill_attribute("ice-ufrag", ufrag);
//   reply_local = message.keep(local->to_text());
#pragma once

#include <cstddef>
#include <cstdint>
#include <iosfwd>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <boost/assert/source_location.hpp>
#include <boost/system/result.hpp>

#include <agw/h248/sdp_types.hpp>

namespace agw::h248 {

// What is wrong with a session description: answered with error 474 and this text.
struct sdp_error {
  std::size_t line = 0;  // from 1
  std::string text;      // the offending line
  std::string expected;

  std::string to_text() const;
  friend std::ostream& operator<<(std::ostream& out, const sdp_error& e);
};

// What value() of a failed result throws: std::invalid_argument. For code that has made the description itself.
[[noreturn]] void throw_exception_from_error(const sdp_error& e, const boost::source_location& where);

template <class T>
using sdp_result = boost::system::result<T, sdp_error>;

// One line, without its end. For type 'a' the value is all behind "a=".
struct sdp_line {
  char type = 'a';
  std::string value;

  // Whether a value in it is left to the gateway: a "$" that stands alone, outside quotes.
  bool has_choose() const noexcept;
  // Of an a= line: the name in front of ':', and what follows it.
  std::string_view name() const noexcept;
  std::string_view argument() const noexcept;
  bool operator==(const sdp_line&) const = default;
};

// One session description: at most one m= line, which is what a stream has (H.248.1 7.1.8).
class sdp {
 public:
  sdp() = default;

  // All the alternatives of a descriptor, in their order of preference; none for an empty descriptor. Each but the first starts
  // with a v= line. Line ends may be LF, CR LF or CR. Fails on a line that is none, and on a line of the kinds below that makes
  // no sense; other lines and attributes are kept as they are.
  static sdp_result<std::vector<sdp>> parse(std::string_view octets);
  // The first alternative; an empty description if there is none.
  static sdp_result<sdp> parse_one(std::string_view octets);

  // Lines end with LF.
  std::string to_text() const;

  const std::vector<sdp_line>& lines() const noexcept { return lines_; }
  bool empty() const noexcept { return lines_.empty(); }
  // Whether the gateway has to choose anything, so that the description is to be returned.
  bool has_choose() const noexcept;

  std::optional<sdp_connection> connection() const;  // the one of the media level if there are two
  std::optional<sdp_media> media() const;

  // The first attribute of that name, without case; nothing if there is none, "" if it has no value. Valid until a change.
  std::optional<std::string_view> attribute(std::string_view name) const noexcept;
  std::vector<std::string_view> attributes(std::string_view name) const;
  bool has_attribute(std::string_view name) const noexcept { return attribute(name).has_value(); }

  std::optional<setup_role> setup() const;
  std::vector<sdp_fingerprint> fingerprints() const;
  std::optional<std::string_view> ice_ufrag() const noexcept { return attribute("ice-ufrag"); }
  std::optional<std::string_view> ice_pwd() const noexcept { return attribute("ice-pwd"); }
  bool ice_lite() const noexcept { return has_attribute("ice-lite"); }
  // Without the "$" form, which is asks_for_candidates(), and without malformed ones.
  std::vector<sdp_candidate> candidates() const;
  bool asks_for_candidates() const noexcept;
  std::optional<choosable> sctp_port() const;
  std::optional<std::uint64_t> max_message_size() const;  // 0 = any size (RFC 8841 6)
  std::vector<sdp_dcmap> dcmaps() const;
  std::vector<sdp_dcsa> dcsas() const;
  // dcsa's `attribute` of channel `id`; nothing if there is none.
  std::optional<std::string> dcsa(const choosable& id, std::string_view attribute) const;
  std::optional<std::string_view> path() const noexcept { return attribute("path"); }
  bool msrp_cema() const noexcept { return has_attribute("msrp-cema"); }

  // Whether this address answers every c= line with "$": an IPv4 address does not answer `c=IN IP6 $`. The other way round it does, and
  // the line becomes IP6: controllers write IP4 for whatever the gateway has. True where nothing is asked.
  bool takes_address(std::string_view address) const;

  // Filling in: each replaces what the gateway was asked to choose and leaves the order alone. False if nothing was asked.
  bool fill_address(std::string_view address);              // of every c= line with "$" that takes it; false if one is left
  bool fill_port(std::uint16_t port);                       // of the m= line
  bool fill_attribute(std::string_view name, std::string_view value);       // a=name:$
  bool fill_fingerprint(std::string_view hash, std::string_view value);     // a=fingerprint:<hash> $
  bool fill_candidates(const std::vector<sdp_candidate>& found);            // a=candidate:$ becomes as many lines
  bool fill_dcmap_id(std::uint16_t id);                     // the first a=dcmap:$, and every a=dcsa:$

  // Building and changing.
  sdp& add(char type, std::string value);
  sdp& add_attribute(std::string_view name, std::string_view value = {});
  // Replaces the first of that name, or adds it at the end.
  sdp& set_attribute(std::string_view name, std::string_view value);
  void remove_attributes(std::string_view name);
  std::vector<sdp_line>& lines() noexcept { return lines_; }

  bool operator==(const sdp&) const = default;

 private:
  std::vector<sdp_line> lines_;
};

// Several alternatives as one descriptor; each gets a v= line if it has none.
std::string to_text(const std::vector<sdp>& alternatives);

}  // namespace agw::h248
