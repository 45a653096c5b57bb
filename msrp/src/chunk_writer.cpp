#include "agw/msrp/chunk_writer.hpp"

#include "agw/msrp/uri.hpp"

namespace agw::msrp {
namespace {

void append_field(std::string& out, std::string_view name, std::string_view value) {
  out.append(name).append(": ").append(value).append("\r\n");
}

void append_status(std::string& out, unsigned status, std::string_view comment) {
  out.append(std::to_string(status));
  if (comment.empty()) comment = status_comment(status);
  if (!comment.empty()) out.append(" ").append(comment);
}

}  // namespace

void append_send_header(std::string& out, std::string_view transaction_id, const send_fields& fields) {
  out.append("MSRP ").append(transaction_id).append(" SEND\r\n");
  append_field(out, "To-Path", fields.to_path);
  append_field(out, "From-Path", fields.from_path);
  append_field(out, "Message-ID", fields.message_id);
  if (fields.range) append_field(out, "Byte-Range", to_string(*fields.range));
  if (fields.success_report) append_field(out, "Success-Report", "yes");
  if (fields.failure != failure_report::yes) {
    append_field(out, "Failure-Report", fields.failure == failure_report::no ? "no" : "partial");
  }
  out.append(fields.extra);
  if (!fields.content_type.empty()) {
    append_field(out, "Content-Type", fields.content_type);
    out.append("\r\n");
  }
}

void append_end_line(std::string& out, std::string_view transaction_id, continuation flag, bool after_body) {
  out.append(after_body ? "\r\n-------" : "-------").append(transaction_id).push_back(static_cast<char>(flag));
  out.append("\r\n");
}

std::string make_send(std::string_view transaction_id, const send_fields& fields, bytes_view body, continuation flag) {
  std::string out;
  out.reserve(512 + body.size());
  append_send_header(out, transaction_id, fields);
  out.append(as_text(body));
  append_end_line(out, transaction_id, flag, !fields.content_type.empty());
  return out;
}

std::string make_response(const chunk_header& request, unsigned status, std::string_view own_uri, std::string_view comment) {
  std::string out;
  out.append("MSRP ").append(request.transaction_id).append(" ");
  append_status(out, status, comment);
  out.append("\r\n");
  append_field(out, "To-Path", request.kind == chunk_kind::send ? first_uri(request.from_path) : request.from_path);
  append_field(out, "From-Path", own_uri);
  append_end_line(out, request.transaction_id, continuation::complete, false);
  return out;
}

std::string make_report(std::string_view transaction_id, std::string_view to_path, std::string_view own_uri,
                        std::string_view message_id, const byte_range& range, unsigned status) {
  std::string out;
  out.append("MSRP ").append(transaction_id).append(" REPORT\r\n");
  append_field(out, "To-Path", to_path);
  append_field(out, "From-Path", own_uri);
  append_field(out, "Message-ID", message_id);
  append_field(out, "Byte-Range", to_string(range));
  out.append("Status: 000 ");
  append_status(out, status, {});
  out.append("\r\n");
  append_end_line(out, transaction_id, continuation::complete, false);
  return out;
}

bool wants_response(const chunk_header& request, unsigned status) noexcept {
  if (!request.request() || request.kind == chunk_kind::report || request.failure == failure_report::no) return false;
  if (request.from_path.empty()) return false;
  return request.failure == failure_report::yes || status != 200;
}

std::string_view status_comment(unsigned status) noexcept {
  switch (status) {
    case 200: return "OK";
    case 400: return "Bad Request";
    case 403: return "Forbidden";
    case 408: return "Request Timeout";
    case 413: return "Message Too Large";
    case 415: return "Unsupported Media Type";
    case 423: return "Out of Bounds";
    case 481: return "No Such Session";
    case 501: return "Unknown Method";
    case 506: return "Session In Use";
    default: return {};
  }
}

}  // namespace agw::msrp
