// What can go wrong between an H.248 entity and its peers: the room's one error category. (The codes of H.248.8 that travel in
// messages are error_code.hpp.)
#pragma once

#include <type_traits>

#include <boost/system/error_code.hpp>

namespace agw::h248 {

enum class errc {
  timed_out = 1,      ///< no reply within T-MAX, or no further one after a TransactionPending
  too_many_pendings,  ///< the peer sent more TransactionPendings than the limit: the transaction is taken for broken (506)
  too_long,           ///< the transaction does not fit into one message of the transport
  too_many_requests,  ///< as many requests are unanswered as the configuration allows
  no_link,            ///< there is no link of that transport
  disconnected,       ///< the connection is gone or could not be made
  bad_address,        ///< not an address, or a name that does not resolve
  bad_mid,            ///< not a message identifier
  bad_frame,          ///< what came over the connection is not TPKT
  refused,            ///< every MGC refused the registration
  stopped,            ///< the endpoint does not run
  segments_missing,   ///< parts of the reply came, and the others did not
};

/// Declared once: codes of this category compare equal wherever they are made.
const boost::system::error_category& category() noexcept;
inline boost::system::error_code make_error_code(errc e) noexcept { return {static_cast<int>(e), category()}; }

}  // namespace agw::h248

template <>
struct boost::system::is_error_code_enum<agw::h248::errc> : std::true_type {};
