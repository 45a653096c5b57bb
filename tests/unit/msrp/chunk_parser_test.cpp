#include "agw/msrp/chunk_parser.hpp"

#include <catch2/catch.hpp>

#include "unit/msrp/sample.hpp"

using namespace agw::msrp;
using namespace agw::msrp::test;

namespace {

const std::string send_text =
    "MSRP d93kswow SEND\r\n"
    "To-Path: msrp://bob.example.com:8888/9di4eae923wzd;tcp\r\n"
    "From-Path: msrp://alicepc.example.com:7777/iau39soe2843z;tcp\r\n"
    "Message-ID: 12339sdqwer\r\n"
    "Byte-Range: 1-16/16\r\n"
    "Content-Type: text/plain\r\n"
    "\r\n"
    "Hi, I'm Alice!\r\n"
    "\r\n"
    "-------d93kswow$\r\n";

const std::string response_text =
    "MSRP d93kswow 200 OK\r\n"
    "To-Path: msrp://alicepc.example.com:7777/iau39soe2843z;tcp\r\n"
    "From-Path: msrp://bob.example.com:8888/9di4eae923wzd;tcp\r\n"
    "-------d93kswow$\r\n";

const std::string report_text =
    "MSRP dkei38sd REPORT\r\n"
    "To-Path: msrp://alicepc.example.com:7777/iau39soe2843z;tcp\r\n"
    "From-Path: msrp://bob.example.com:8888/9di4eae923wzd;tcp\r\n"
    "Message-ID: 12339sdqwer\r\n"
    "Byte-Range: 1-106/106\r\n"
    "Status: 000 200 OK\r\n"
    "-------dkei38sd$\r\n";

// A body full of what could be taken for the end: the end-line's beginning at every length, other ids, lone CRs.
std::string tricky_body() {
  const std::string end = "\r\n-------d93kswow";
  std::string body = "\r\r\n\n-------d93kswow \r";
  for (std::size_t n = 1; n <= end.size(); ++n) body.append(end, 0, n).append("x");
  body.append("\r\n-------d93kswow1$\r\n").append("x-------d93kswow$");
  body.append("\r\n--------d93kswow$\r\n\r\r\n-------D93kswow$\r\n\r\n-------");
  return body;
}

boost::system::error_code error_of(std::string_view text) { return parse_whole(text).error; }

}  // namespace

TEST_CASE("a SEND gives its headers, its body and its flag") {
  bytes_view in = as_bytes(send_text);
  chunk_parser parser;
  CHECK(parser.between_chunks());
  REQUIRE(std::holds_alternative<header_complete>(parser.next(in).value()));
  CHECK_FALSE(parser.between_chunks());
  const auto& header = parser.header();
  CHECK(header.block == send_text.substr(0, send_text.find("\r\n\r\n") + 2));
  CHECK(header.transaction_id == "d93kswow");
  CHECK(header.kind == chunk_kind::send);
  CHECK(header.method == "SEND");
  CHECK(header.to_path == "msrp://bob.example.com:8888/9di4eae923wzd;tcp");
  CHECK(header.from_path == "msrp://alicepc.example.com:7777/iau39soe2843z;tcp");
  CHECK(header.message_id == "12339sdqwer");
  CHECK(header.range == byte_range{1, 16, 16});
  CHECK(header.failure == failure_report::yes);
  CHECK_FALSE(header.success_report);
  CHECK(header.content_type == "text/plain");
  CHECK(header.has_body);
  CHECK(header.fields.size() == 5);
  REQUIRE(header.find("message-id") != nullptr);
  CHECK(header.find("message-id")->line == "Message-ID: 12339sdqwer\r\n");
  CHECK(header.find("Status") == nullptr);

  const auto piece = parser.next(in).value();
  REQUIRE(std::holds_alternative<body_piece>(piece));
  const auto bytes = std::get<body_piece>(piece).bytes;
  CHECK(as_text(bytes) == "Hi, I'm Alice!\r\n");
  CHECK(reinterpret_cast<const char*>(bytes.data()) == send_text.data() + send_text.find("Hi,"));  // a view, not a copy
  const auto end = parser.next(in).value();
  REQUIRE(std::holds_alternative<chunk_end>(end));
  CHECK(std::get<chunk_end>(end).flag == continuation::complete);
  CHECK(parser.between_chunks());
  CHECK(std::holds_alternative<need_more>(parser.next(in).value()));
  CHECK(parser.header().transaction_id == "d93kswow");
}

TEST_CASE("responses and REPORTs have no body and are told apart") {
  const auto seen = parse_whole(response_text + report_text);
  REQUIRE(seen.chunks.size() == 2);
  CHECK(seen.chunks[0].kind == chunk_kind::response);
  CHECK(seen.chunks[1].kind == chunk_kind::report);
  CHECK_FALSE(seen.chunks[1].has_body);

  bytes_view in = as_bytes(response_text);
  chunk_parser parser;
  REQUIRE(parser.next(in).has_value());
  CHECK(parser.header().status == 200);
  CHECK(parser.header().comment == "OK");
  chunk_parser second;
  in = as_bytes(report_text);
  REQUIRE(second.next(in).has_value());
  CHECK(status_code(second.header()) == 200);
  CHECK(second.header().message_id == "12339sdqwer");
}

TEST_CASE("a stream is understood the same however it is cut in two") {
  send_options interrupted;
  interrupted.flag = continuation::more;
  interrupted.range = byte_range{1, std::nullopt, std::nullopt};
  const std::string stream = make_chunk(tricky_body(), interrupted) + response_text + make_chunk("") + report_text + send_text;
  const auto whole = parse_whole(stream);
  REQUIRE_FALSE(whole.error);
  REQUIRE(whole.chunks.size() == 5);
  CHECK(whole.chunks[0].body == tricky_body());
  CHECK(whole.chunks[0].flag == '+');
  CHECK(whole.chunks[2].has_body);
  CHECK(whole.chunks[2].body.empty());
  for (std::size_t cut = 0; cut <= stream.size(); ++cut) {
    recorder r;
    r.feed(std::string_view(stream).substr(0, cut));
    r.feed(std::string_view(stream).substr(cut));
    if (!(r.seen() == whole)) FAIL("cut at " << cut);
  }
}

TEST_CASE("a stream is understood the same in equal portions of any size") {
  const std::string stream = make_chunk(tricky_body()) + report_text + make_chunk(tricky_body() + tricky_body());
  const auto whole = parse_whole(stream);
  REQUIRE_FALSE(whole.error);
  for (std::size_t portion = 1; portion < 64; ++portion) {
    recorder r;
    for (std::size_t at = 0; at < stream.size(); at += portion) r.feed(std::string_view(stream).substr(at, portion));
    if (!(r.seen() == whole)) FAIL("portions of " << portion);
  }
}

TEST_CASE("every truncation of a chunk is incomplete, none is an error") {
  const std::string text = make_chunk(tricky_body());
  for (std::size_t size = 1; size < text.size(); ++size) {
    const auto seen = parse_whole(std::string_view(text).substr(0, size));
    if (seen.error || seen.between || (!seen.chunks.empty() && seen.chunks.back().flag != '?')) FAIL("at " << size);
  }
  CHECK(parse_whole(text).between);
}

TEST_CASE("what is not MSRP is refused at its first octets") {
  CHECK(error_of("GET / HTTP/1.1\r\n") == errc::bad_start_line);
  CHECK(error_of("\x16\x03\x01") == errc::bad_start_line);
  CHECK(error_of("\n") == errc::bad_start_line);
  CHECK(error_of("MSRQ") == errc::bad_start_line);
  CHECK(error_of(std::string(100000, 'M')) == errc::bad_start_line);
}

TEST_CASE("CRLF between chunks is a keep-alive, however it is cut, and half of one is not") {
  const std::string stream = "\r\n" + send_text + "\r\n\r\n" + response_text + "\r\n";
  for (std::size_t portion = 1; portion <= stream.size(); ++portion) {
    recorder r;
    for (std::size_t at = 0; at < stream.size(); at += portion) r.feed(std::string_view(stream).substr(at, portion));
    REQUIRE_FALSE(r.seen().error);
    REQUIRE(r.seen().chunks.size() == 2);
    CHECK(r.seen().kept_alive);
    CHECK(r.seen().between);
    CHECK(r.seen().chunks[0].block == send_text.substr(0, send_text.find("\r\n\r\n") + 2));
  }
  CHECK_FALSE(parse_whole("\r").between);
  CHECK(error_of("\r\r\n") == errc::bad_start_line);
  CHECK(error_of("\rMSRP") == errc::bad_start_line);
  CHECK(error_of(send_text + "\n") == errc::bad_start_line);
}

TEST_CASE("a start line needs an id without blanks and a method or status") {
  const auto line_end = response_text.find("\r\n");
  const std::string rest = response_text.substr(line_end, response_text.find("-------") - line_end);
  const auto with_id = [&](std::string_view id, std::string_view what) {
    return parse_whole("MSRP " + std::string(id) + " " + std::string(what) + rest + "-------" + std::string(id) + "$\r\n");
  };
  const auto with = [&](std::string_view what) { return with_id("abcd", what); };
  for (const auto* what : {"SEND", "NICKNAME", "FILE_OFFSET", "send", "SEND ", "200", "481 No such session", "999 "}) {
    INFO(what);
    CHECK_FALSE(with(what).error);
    CHECK_FALSE(with(what).chunks.at(0).flaw);
  }
  CHECK(with("FILE_OFFSET").chunks.at(0).kind == chunk_kind::other);
  CHECK(with("SEND ").chunks.at(0).kind == chunk_kind::send);
  for (const auto& id : {std::string("a"), std::string("abc"), std::string(".-_@"), std::string(36, 'u'), std::string(128, 'a')}) {
    INFO(id);
    CHECK_FALSE(with_id(id, "SEND").error);
    CHECK(with_id(id, "SEND").chunks.at(0).flag == '$');
  }
  CHECK(with("SEND twice").chunks.at(0).flaw == errc::bad_start_line);
  CHECK(with("SE(ND").error == errc::bad_start_line);
  CHECK(with("").error == errc::bad_start_line);
  CHECK(with("20").error == errc::bad_start_line);
  CHECK(with("2000").error == errc::bad_start_line);
  CHECK(with("020 x").error == errc::bad_start_line);
  CHECK(with(std::string("200 a\0b", 7)).error == errc::bad_start_line);
  CHECK(with("200 a\rb").error == errc::bad_start_line);
  CHECK(with_id(std::string(129, 'a'), "SEND").error == errc::bad_start_line);
  CHECK(with_id("", "SEND").error == errc::bad_start_line);
  CHECK(with_id("a\tb", "SEND").error == errc::bad_start_line);
  CHECK(error_of("MSRP abcd" + rest + "-------abcd$\r\n") == errc::bad_start_line);
  CHECK(error_of("MSRP abcd SEND\n") == errc::bad_start_line);
}

TEST_CASE("headers that RFC 4975 does not allow are a flaw of the chunk, and no error of the stream") {
  const auto flaw_of = [](std::string_view head, std::string_view headers = "") {
    const auto seen = parse_whole("MSRP abcd SEND\r\n" + std::string(head) + std::string(headers) + "-------abcd$\r\n");
    REQUIRE_FALSE(seen.error);
    REQUIRE(seen.between);
    return seen.chunks.at(0).flaw;
  };
  const std::string paths = "To-Path: " + std::string(bob) + "\r\nFrom-Path: " + std::string(alice) + "\r\n";
  const auto with = [&](std::string_view headers) { return flaw_of(paths, headers); };
  for (const auto* fine : {"", "X-Other: \xC3\xA4 value\r\nX-Other: again\r\n", "failure-report: NO\r\nSUCCESS-REPORT: Yes\r\n",
                           "Message-ID: a b\r\n", "Message-ID:\r\n", "Failure-Report: maybe\r\n", "Success-Report: partial\r\n",
                           "Content-Type: \r\n", "Byte-Range: 0-0/0\r\n", "Byte-Range: 1-1/9223372036854775808\r\n"}) {
    INFO(fine);
    CHECK_FALSE(with(fine));
  }
  CHECK(with("no colon\r\n") == errc::bad_header);
  CHECK(with(": value\r\n") == errc::bad_header);
  CHECK(with("1X: value\r\n") == errc::bad_header);
  CHECK(with("X Y: value\r\n") == errc::bad_header);
  CHECK(with("X: b\bell\r\n") == errc::bad_header);
  CHECK(with("Message-ID: abcd\r\nMessage-ID: abcd\r\n") == errc::bad_header);
  CHECK(with("Failure-Report: no\r\nFailure-Report: no\r\n") == errc::bad_header);
  CHECK(with("Content-Type:\r\nContent-Type: a/b\r\n") == errc::bad_header);
  CHECK(with("Byte-Range: 1-2/3\r\nByte-Range: 1-2/3\r\n") == errc::bad_byte_range);
  CHECK(with("Byte-Range: a-2/3\r\n") == errc::bad_byte_range);
  CHECK(with("Byte-Range: 1-1/9223372036854775809\r\n") == errc::bad_byte_range);
  CHECK(with("To-Path: " + std::string(bob) + "\r\n") == errc::bad_path);
  CHECK(flaw_of("") == errc::bad_path);
  CHECK(flaw_of("To-Path: a\r\n") == errc::bad_path);
  CHECK(flaw_of("From-Path: a\r\nTo-Path: b\r\n") == errc::bad_path);
  CHECK(flaw_of("To-Path: \r\nFrom-Path: b\r\n") == errc::bad_path);
  CHECK(flaw_of("To-Path: a\r\nMessage-ID: b\r\nFrom-Path: b\r\n") == errc::bad_path);
}

TEST_CASE("a header line whose end depends on the reader is an error of the stream") {
  const auto with = [](std::string_view headers) {
    return error_of("MSRP abcd SEND\r\nTo-Path: a\r\nFrom-Path: b\r\n" + std::string(headers) + "-------abcd$\r\n");
  };
  CHECK(with("X: bare newline\n") == errc::bad_header);
  CHECK(with(std::string("X: nul\0\r\n", 9)) == errc::bad_header);
  CHECK(with("X: stray\rreturn\r\n") == errc::bad_header);
}

TEST_CASE("of a known header that stands twice the first counts") {
  bytes_view in = as_bytes("MSRP abcd SEND\r\nTo-Path: a\r\nFrom-Path: b\r\nMessage-ID: one\r\nMessage-ID: two\r\nTo-Path: c\r\n-------abcd$\r\n");
  chunk_parser parser;
  REQUIRE(parser.next(in).has_value());
  CHECK(parser.header().message_id == "one");
  CHECK(parser.header().to_path == "a");
}

TEST_CASE("a request is refused with 400 or 415 for its own headers") {
  const auto status = [](std::string_view method, std::string_view headers) {
    const std::string text = "MSRP abcd " + std::string(method) + "\r\nTo-Path: a\r\nFrom-Path: b\r\n" + std::string(headers) +
                             "\r\nbody\r\n-------abcd$\r\n";
    bytes_view in = as_bytes(text);
    chunk_parser parser;
    REQUIRE(parser.next(in).has_value());
    return refusal_status(parser.header());
  };
  CHECK(status("SEND", "Content-Type: text/plain\r\n") == 0);
  CHECK(status("SEND", "Content-Type: text/plain;charset=utf-8\r\n") == 0);
  CHECK(status("SEND", "Content-Type: message/cpim ; a=b\r\n") == 0);
  CHECK(status("NICKNAME", "") == 0);
  CHECK(status("SEND", "") == 400);
  CHECK(status("SEND", "Content-Type: text/plain\r\nno colon\r\n") == 400);
  CHECK(status("SEND", "Content-Type: \r\n") == 415);
  CHECK(status("SEND", "Content-Type: text\r\n") == 415);
  CHECK(status("SEND", "Content-Type: /plain\r\n") == 415);
  CHECK(status("SEND", "Content-Type: te xt/plain\r\n") == 415);
}

TEST_CASE("an end-line that is almost one is an error or body, as its place says") {
  const std::string head = make_chunk("").substr(0, make_chunk("").find("\r\n\r\n") + 4);
  CHECK(error_of(head + "body\r\n-------d93kswow$x") == errc::bad_end_line);
  CHECK(error_of(head + "body\r\n-------d93kswow$\rx") == errc::bad_end_line);
  CHECK(error_of(head + "body\r\n-------d93kswow+\n") == errc::bad_end_line);
  const auto longer = parse_whole(head + "body\r\n-------d93kswow2$\r\n\r\n-------d93kswow#\r\n");
  REQUIRE_FALSE(longer.error);
  CHECK(longer.chunks.at(0).body == "body\r\n-------d93kswow2$\r\n");
  CHECK(longer.chunks.at(0).flag == '#');
  const std::string no_body = response_text.substr(0, response_text.find("-------"));
  CHECK(error_of(no_body + "-------other123$\r\n") == errc::bad_end_line);
  CHECK(error_of(no_body + "-------d93kswow\r\n") == errc::bad_end_line);
  CHECK(error_of(no_body + "-------d93kswow$ \r\n") == errc::bad_end_line);
}

TEST_CASE("an end-line may follow the empty line directly") {
  const std::string head = make_chunk("").substr(0, make_chunk("").find("\r\n\r\n") + 4);
  const std::string stream = head + "-------d93kswow$\r\n" + head + "-------d93ksw\r\n-------d93kswow+\r\n" + head + "--\r\n-------d93kswow#\r\n";
  for (std::size_t portion = 1; portion <= stream.size(); ++portion) {
    recorder r;
    for (std::size_t at = 0; at < stream.size(); at += portion) r.feed(std::string_view(stream).substr(at, portion));
    REQUIRE_FALSE(r.seen().error);
    REQUIRE(r.seen().chunks.size() == 3);
    CHECK(r.seen().chunks[0].body.empty());
    CHECK(r.seen().chunks[1].body == "-------d93ksw");
    CHECK(r.seen().chunks[2].body == "--");
  }
}

TEST_CASE("a response with a body is a flaw") {
  const std::string no_body = response_text.substr(0, response_text.find("-------"));
  for (const auto* body : {"", "text\r\n"}) {
    const auto seen = parse_whole(no_body + "\r\n" + body + "-------d93kswow$\r\n" + send_text);
    REQUIRE_FALSE(seen.error);
    REQUIRE(seen.chunks.size() == 2);
    CHECK(seen.chunks[0].flaw == errc::unexpected_body);
  }
}

TEST_CASE("a parser that failed stays failed") {
  recorder r;
  r.feed("GET ");
  chunk_parser parser;
  bytes_view in = as_bytes("GET ");
  CHECK(parser.next(in).error() == errc::bad_start_line);
  in = as_bytes(send_text);
  CHECK(parser.next(in).error() == errc::bad_start_line);
  CHECK_FALSE(parser.between_chunks());
}

TEST_CASE("headers are bounded in octets and in lines") {
  const std::string start = "MSRP abcd SEND\r\nTo-Path: " + std::string(bob) + "\r\nFrom-Path: " + std::string(alice) + "\r\n";
  parser_limits limits;
  limits.header_bytes = 1000;
  CHECK(parse_whole(start + "X: " + std::string(2000, 'x'), limits).error == errc::header_too_large);
  CHECK_FALSE(parse_whole(start + "X: " + std::string(700, 'x') + "\r\n-------abcd$\r\n", limits).error);
  std::string many = start;
  for (int i = 0; i < 62; ++i) many += "X: y\r\n";
  CHECK_FALSE(error_of(many + "-------abcd$\r\n"));
  CHECK(error_of(many + "X: y\r\n-------abcd$\r\n") == errc::header_too_large);
  recorder drip(limits);
  drip.feed(start);
  for (int i = 0; i < 2000 && !drip.seen().error; ++i) drip.feed("x");
  CHECK(drip.seen().error == errc::header_too_large);
}

TEST_CASE("errors fold into the two words of the vocabulary") {
  CHECK(reason(make_error_code(errc::header_too_large)) == "too-large");
  CHECK(reason(make_error_code(errc::chunk_too_large)) == "too-large");
  CHECK(reason(make_error_code(errc::bad_end_line)) == "syntax");
  CHECK(make_error_code(errc::truncated).message() == "incomplete chunk");
}
