// MSRP URIs: parsing (RFC 4975, 9; transport "dc" of RFC 8873, 4.1) and the comparison of RFC 4975, 6.1.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include <boost/system/result.hpp>

namespace agw::msrp {

/// One URI, as views into the text it was parsed from.
struct uri_view {
  bool secure = false;                          ///< msrps
  std::string_view userinfo;                    ///< without the "@"; empty when there is none
  std::string_view host;                        ///< without the brackets of an IPv6 address
  std::optional<std::uint16_t> port;            ///< 2855 is recommended, but never implied (RFC 4975, 6)
  std::optional<std::string_view> session_id;   ///< what follows the "/"
  std::string_view transport;                   ///< "tcp", "dc" or any other
  std::string_view parameters;                  ///< further ";name=value", with their semicolons; empty when there are none
};

/// The longest URI taken, octets. Session ids carry 80 bits or more of randomness in a few dozen characters; hosts have at most
/// 255.
inline constexpr std::size_t max_uri_bytes = 1024;
/// The longest path taken, URIs. Each relay adds one (RFC 4976); two per side are usual.
inline constexpr std::size_t max_path_uris = 16;

/// The whole of `text` as one URI; errc::bad_uri otherwise. An IPv6 host without brackets, as the examples of RFC 8873 have it,
/// is understood when a port follows.
boost::system::result<uri_view> parse_uri(std::string_view text);

/// RFC 4975, 6.1: scheme, address or host, port, session id and transport; user information and parameters do not count.
bool equivalent(const uri_view& a, const uri_view& b);
/// The same for texts. Equal texts are equivalent; a text that is no URI is equivalent to nothing else.
bool equivalent(std::string_view a, std::string_view b);

/// How the URI of a request is compared with the session's own. sessmatch: by the session id alone, because middleboxes have changed the
/// rest (draft-ietf-simple-msrp-sessmatch, OMA CPM).
enum class uri_match : std::uint8_t { exact, sessmatch };
/// exact: equivalent(). sessmatch: both have the same session id, in the same case.
bool matches(std::string_view a, std::string_view b, uri_match how);

/// The first URI of the value of a To-Path, From-Path or a=path. Empty when there is none.
std::string_view first_uri(std::string_view path) noexcept;
/// The last URI: the endpoint.
std::string_view last_uri(std::string_view path) noexcept;
/// The URIs of such a value, each of them parsed once; errc::bad_path when there is none or more than max_path_uris,
/// errc::bad_uri.
boost::system::result<std::vector<std::string_view>> split_path(std::string_view path);

}  // namespace agw::msrp
