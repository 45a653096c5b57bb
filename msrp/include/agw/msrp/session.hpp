// An MSRP endpoint without I/O: octets and the time in, octets, events and deadlines out.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include <boost/system/result.hpp>

#include "agw/core/clock.hpp"
#include "agw/core/lazy_deque.hpp"
#include "agw/msrp/bytes.hpp"
#include "agw/msrp/chunk_parser.hpp"
#include "agw/msrp/chunk_writer.hpp"
#include "agw/msrp/range_set.hpp"
#include "agw/msrp/transaction_id.hpp"

namespace agw::msrp {

struct session_config {
  std::string own_path;                            ///< the a=path we offered; its last URI is ours
  std::string peer_path;                           ///< the peer's a=path
  std::size_t chunk_bytes = 16 * 1024;             ///< body octets of a chunk at most; 2048 or less need no "*" as range end
  std::size_t max_chunk_bytes = 64 * 1024;         ///< a whole chunk at most: on a data channel the peer's max-message-size
  std::uint64_t max_size = std::uint64_t{1} << 32; ///< octets of a message we take (a=max-size); a longer one gets 413
  std::vector<std::string> accept_types = {"*"};   ///< content types we take, "*" or "text/*" too; others get 415
  std::size_t max_incoming = 16;                   ///< unfinished messages of the peer; a further one gets 413
  std::size_t max_outgoing = 64;                   ///< unfinished messages of ours
  std::size_t max_unanswered = 64;                 ///< chunks sent and not answered yet; write() stops there
  std::size_t max_output_bytes = 256 * 1024;       ///< octets of output that take_output() has not taken; write() stops there
  clock::duration response_timeout = std::chrono::seconds(30);  ///< RFC 4975, 7.1.1
  parser_limits limits;
};

/// A message to send. Texts go out as they are: no control characters.
struct outgoing_message {
  std::string content_type = "text/plain";
  std::optional<std::uint64_t> size;               ///< known beforehand: the total in every Byte-Range
  bool success_report = false;
  failure_report failure = failure_report::yes;
  std::string extra;                               ///< further complete header lines, each with its CRLF
};

/// How much write() accepted.
struct written {
  std::size_t taken = 0;   ///< octets from the front
  bool ended = false;      ///< the end was accepted: the message needs no further write()
};

// Events. Their views are good until the next call of the session. Ids are Message-IDs.
/// The first chunk of a message has begun.
struct message_started { std::string_view id; const chunk_header* header; };
/// `offset` counts from 0, without gaps unless relays changed the order of chunks.
struct message_data { std::string_view id; std::uint64_t offset; bytes_view bytes; };
/// Not complete: the peer aborted it, or it exceeded our limits.
struct message_done { std::string_view id; std::uint64_t size; bool complete; };
/// Ours: every chunk was answered with 200.
struct message_accepted { std::string_view id; };
/// Ours: the first error; 408 when a response did not come.
struct message_failed { std::string_view id; unsigned status; };
/// About a message of ours. An error for an unfinished one comes as message_failed.
struct report_received { std::string_view id; unsigned status; std::optional<byte_range> range; };
using session_event = std::variant<need_more, message_started, message_data, message_done, message_accepted, message_failed,
                                   report_received>;

/// Works the same on TCP and on a data channel: each output is one whole chunk. Bodies are not kept: what arrives is delivered
/// at once, what is written leaves with the next output. Memory is bounded by the configuration, as long as the caller stops
/// feeding while congested().
class session {
 public:
  explicit session(session_config config, random_source random = &system_random);
  session(const session&) = delete;
  session& operator=(const session&) = delete;

  /// Consumes from the front of `in` up to the next event; need_more when all was consumed. Responses and reports that become due
  /// are in the output. Errors of the parser are final.
  boost::system::result<session_event> receive(bytes_view& in);

  /// Starts a message; yields its Message-ID. core_error::limit_reached, errc::chunk_too_large when headers leave no room for a
  /// body.
  boost::system::result<std::string> begin(outgoing_message message);
  /// Takes body from the front of `bytes`, as much as the limits allow now; `last` says that the message ends with them. A
  /// chunk goes into the output when it is full and more is there, or when the end was taken. errc::unknown_message: it has
  /// failed or was ended.
  boost::system::result<written> write(std::string_view id, bytes_view bytes, bool last);
  /// Aborts the message: with a last chunk that has the flag "#" when earlier ones were sent. No event follows.
  void abort(std::string_view id);
  /// A SEND without body: the active side opens the session with it when it has no message (RFC 4975, 7.1; RFC 8873, 5.2).
  void send_empty();
  /// Ends an incoming message with an error response (413 to stop it); message_done does not follow.
  void refuse(std::string_view id, unsigned status);
  /// Whether write() would take anything now.
  bool writable() const noexcept;

  /// The next whole chunk to put on the wire, responses first. Its transaction's time runs from `now` on.
  std::optional<std::string> take_output(clock::time_point now);
  std::size_t output_bytes() const noexcept { return output_bytes_; }
  /// The peer does not read the responses that it asked for: do not feed more until output was taken.
  bool congested() const noexcept { return control_bytes_ > config_.max_output_bytes; }

  /// When expire() is to be called, or no_deadline.
  clock::time_point next_deadline() const noexcept;
  /// The next message whose response is overdue; call until nullopt.
  std::optional<message_failed> expire(clock::time_point now);

  bool between_chunks() const noexcept { return parser_.between_chunks(); }

 private:
  struct incoming {
    range_set received;
    std::optional<std::uint64_t> size;   // known from the chunk with "$"
  };
  struct outgoing {
    outgoing_message head;
    std::size_t body_limit = 0;
    std::string body;                    // of the chunk that is being filled
    std::uint64_t sent = 0;
    std::size_t unanswered = 0;
    bool ended = false;
  };
  struct output {
    std::string bytes;
    std::string transaction_id;          // empty: no response is awaited
    std::string message_id;
  };
  struct transaction {
    std::string id;
    std::string message_id;
    clock::time_point due;
  };
  struct refused {
    std::string message_id;
    unsigned status;
  };

  std::optional<session_event> on_header();
  std::optional<session_event> on_send_header();
  session_event on_body(bytes_view bytes);
  std::optional<session_event> on_end(continuation flag);
  std::optional<session_event> on_response();
  std::optional<session_event> on_report();
  void respond(unsigned status);
  unsigned check_address() const;
  unsigned check_send();
  bool accepts(std::string_view content_type) const;
  void note_refused(std::string_view id, unsigned status);
  std::string_view fail(std::string_view id);
  void queue_chunk(std::map<std::string, outgoing, std::less<>>::iterator it, continuation flag);
  void push_control(std::string bytes);

  session_config config_;
  std::string own_uri_;
  id_source ids_;
  chunk_parser parser_;

  std::map<std::string, incoming, std::less<>> incoming_;
  incoming* current_ = nullptr;          // of the chunk that is being received; null: its body is not wanted
  bool answered_ = false;                // the chunk that is being received was answered
  std::uint64_t offset_ = 0;
  lazy_deque<refused> refused_;          // so that chunks still on their way do not start the message anew

  std::map<std::string, outgoing, std::less<>> outgoing_;
  lazy_deque<std::string> control_;      // responses, reports
  lazy_deque<output> output_;
  std::size_t control_bytes_ = 0;
  std::size_t output_bytes_ = 0;
  std::size_t queued_unanswered_ = 0;
  lazy_deque<transaction> transactions_; // in order of `due`
  lazy_deque<transaction> silent_;       // Failure-Report "partial": only errors are answered, without a deadline
  std::string event_id_;                 // holds the id for an event whose message was erased
};

}  // namespace agw::msrp
