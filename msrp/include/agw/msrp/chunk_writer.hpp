// Composes requests and responses.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "agw/msrp/bytes.hpp"
#include "agw/msrp/chunk.hpp"

namespace agw::msrp {

/// The headers of a SEND. Texts must be free of control characters; the writer does not look into them.
struct send_fields {
  std::string_view to_path;
  std::string_view from_path;
  std::string_view message_id;
  std::optional<byte_range> range;
  bool success_report = false;                          ///< written only when true: absent means no
  failure_report failure = failure_report::yes;         ///< written only when not yes
  std::string_view extra;                               ///< further complete header lines, each with its CRLF
  std::string_view content_type;                        ///< empty: no body may follow
};

/// Appends start line and headers of a SEND, with the empty line when there is a content type: the body comes next, and then
/// append_end_line(), with a CRLF before it when there was a body.
void append_send_header(std::string& out, std::string_view transaction_id, const send_fields& fields);

/// Appends "-------", the id, the flag and CRLF; with a CRLF before it when it ends a body.
void append_end_line(std::string& out, std::string_view transaction_id, continuation flag, bool after_body);

/// A complete SEND. `body` may not contain `transaction_id` (id_source::make_absent_from).
std::string make_send(std::string_view transaction_id, const send_fields& fields, bytes_view body, continuation flag);

/// The response of `own_uri` to `request` (RFC 4975, 7.2): to the previous hop for SEND, along the whole path for other methods.
/// An empty `comment` gives the usual words of that status.
std::string make_response(const chunk_header& request, unsigned status, std::string_view own_uri, std::string_view comment = {});

/// A REPORT about `range` of the message `message_id` (RFC 4975, 7.1.3 and 7.1.4).
std::string make_report(std::string_view transaction_id, std::string_view to_path, std::string_view own_uri,
                        std::string_view message_id, const byte_range& range, unsigned status);

/// Whether the receiver of `request` answers with `status`: Failure-Report "no" silences all, "partial" the 200; REPORT is never
/// answered (RFC 4975, 7.1.2 and 7.2), nor a request without From-Path.
bool wants_response(const chunk_header& request, unsigned status) noexcept;

/// The words of RFC 4975, 10 for a status; empty for another one.
std::string_view status_comment(unsigned status) noexcept;

}  // namespace agw::msrp
