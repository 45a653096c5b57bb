#include "chunk_maker.hpp"

#include <catch2/catch.hpp>

#include "agw/msrp/chunk_writer.hpp"

using namespace agw;
using namespace agw::load;
using namespace std::chrono_literals;

namespace {

constexpr std::string_view to = "msrp://192.0.2.2:2855/c1;tcp";
constexpr std::string_view from = "msrps://192.0.2.1:9/w1;dc";

std::string text_of(bytes_view b) { return {reinterpret_cast<const char*>(b.data()), b.size()}; }
bytes_view view(const std::string& s) { return {reinterpret_cast<const std::byte*>(s.data()), s.size()}; }

}  // namespace

TEST_CASE("a message of the load is one complete chunk that wants no answer") {
  chunk_maker maker(to, from, 200);
  const auto text = text_of(maker.make(7, clock::time_point(5s)));
  msrp::chunk_parser parser;
  auto in = view(text);
  REQUIRE(std::holds_alternative<msrp::header_complete>(*parser.next(in)));
  const auto& head = parser.header();
  CHECK(head.kind == msrp::chunk_kind::send);
  CHECK(head.to_path == to);
  CHECK(head.from_path == from);
  CHECK(head.failure == msrp::failure_report::no);
  CHECK_FALSE(head.success_report);
  CHECK_FALSE(head.flaw);
  CHECK(head.range->total == 200);
  CHECK(head.message_id.ends_with("000000000007"));
  CHECK_FALSE(msrp::wants_response(head, 200));
}

TEST_CASE("number and time of a message come back at the other end, in any fragmentation") {
  for (const std::size_t size : {std::size_t{16}, std::size_t{17}, std::size_t{200}, std::size_t{5000}}) {
    chunk_maker maker(to, from, size);
    std::string stream;
    for (std::uint64_t i = 0; i < 12; ++i) stream += text_of(maker.make(i, clock::time_point(1s + i * 1ms)));
    for (const std::size_t piece : {std::size_t{1}, std::size_t{7}, std::size_t{1000}, stream.size()}) {
      chunk_reader reader;
      std::uint64_t seen = 0;
      for (std::size_t at = 0; at < stream.size(); at += piece) {
        const auto part = view(stream).subspan(at, std::min(piece, stream.size() - at));
        const bool good = reader.read(part, [&](const chunk_reader::message& m) {
          CHECK(m.number == seen);
          CHECK(m.intended == clock::time_point(1s + seen * 1ms));
          CHECK(m.body_bytes == size);
          ++seen;
        });
        REQUIRE(good);
      }
      CHECK(seen == 12);
      CHECK(reader.strangers() == 0);
    }
  }
}

TEST_CASE("what is no message of the load is not counted as one") {
  chunk_reader reader;
  const auto nothing = [](const chunk_reader::message&) { FAIL("a stranger was taken for ours"); };
  msrp::send_fields fields;
  fields.to_path = to;
  fields.from_path = from;
  fields.message_id = "m";
  fields.content_type = "text/plain";
  const std::string body = "short";
  CHECK(reader.read(view(msrp::make_send("tid00001", fields, view(body), msrp::continuation::complete)), nothing));
  CHECK(reader.read(view("MSRP tid00002 200 OK\r\nTo-Path: " + std::string(from) + "\r\nFrom-Path: " + std::string(to) + "\r\n-------tid00002$\r\n"), nothing));
  CHECK(reader.strangers() == 2);
  CHECK_FALSE(reader.read(view("GET / HTTP/1.1\r\n"), nothing));
}

TEST_CASE("a body has room for its head") { CHECK_THROWS(chunk_maker(to, from, body_head_bytes - 1)); }
