// What one relay has that another has not: how messages of the channel become octets of the stream, and back. Without I/O.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include <boost/system/error_code.hpp>
#include <boost/system/result.hpp>

#include "agw/core/pipe.hpp"
#include "agw/core/side.hpp"

namespace agw {

/// What a peer sent and a translator cannot take: it ends the stage with the error "<stage>:<reason>".
struct malformed {
  malformed() = default;
  explicit malformed(std::string what, std::string_view why = "syntax", boost::system::error_code c = {})
      : text(std::move(what)), reason(why), code(c) {}
  /// The same with the reason of the other kind.
  static malformed too_large(std::string what) { return malformed(std::move(what), "too-large"); }

  std::string text;                    ///< exactly what is wrong, for the log
  std::string_view reason = "syntax";  ///< "syntax" or "too-large", a string literal: a metric's label, and told to the controller
  boost::system::error_code code;
};

/// Takes what a translator has to say. What it is given is passed on before the translator is called again: octets are views that need to stay
/// valid until then, in the translator or in what it was called with.
class relay_output {
 public:
  /// One message for the channel, of at most its max_message_bytes().
  virtual void to_wic(bytes_view message, message_kind kind = message_kind::binary) = 0;
  /// Octets for the stream. What one message gives is written together.
  virtual void to_core(bytes_view octets) = 0;

 protected:
  ~relay_output() = default;
};

/// Messages of the subprotocol, where it has other units than the channel's messages: MSRP's chunks.
struct relay_units {
  std::uint64_t forwarded = 0;
  std::uint64_t rejected = 0;
};

/// The two transforms of a relay. Both may answer towards the side that something came from. Never called concurrently, nor again after
/// an error. A translator bounds what it keeps from one call for the next.
class translator {
 public:
  using outcome = boost::system::result<void, malformed>;

  virtual ~translator() = default;
  /// A message that the WIC sent.
  virtual outcome from_wic(const message& m, relay_output& out) = 0;
  /// Octets that the core sent, cut anywhere: takes them off the front of `in`. Called again, with what is left, until it takes everything and
  /// gives nothing to `out`. One unit a call keeps memory small: what is given waits for the channel's room.
  virtual outcome from_core(bytes_view& in, relay_output& out) = 0;
  /// That side has closed, and everything from it was translated: a last unit without its end may be passed on or refused here.
  virtual outcome closed(side, relay_output&) { return {}; }
  /// Nothing is kept of a unit that the core has begun. A relay that is asked to finish waits for that.
  virtual bool between_units() const { return true; }
  /// Read at any time.
  virtual relay_units units() const { return {}; }
};

}  // namespace agw
