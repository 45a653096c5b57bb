#include <catch2/catch.hpp>

#include <agw/h248/error.hpp>
#include <agw/h248/link_tpkt.hpp>

using namespace agw::h248;

TEST_CASE("a message has four octets in front") {
  std::string out;
  REQUIRE(append_tpkt(out, "abc"));
  REQUIRE(out == std::string("\x03\x00\x00\x07" "abc", 7));
  REQUIRE(append_tpkt(out, std::string(65531, 'x')));
  REQUIRE(out.substr(7, 4) == "\x03" + std::string(1, '\0') + "\xff\xff");
  const auto before = out;
  REQUIRE_FALSE(append_tpkt(out, std::string(65532, 'x')));
  REQUIRE(out == before);
}

TEST_CASE("messages are found however the stream is cut") {
  std::string stream;
  const std::vector<std::string> messages{"a", std::string(70, 'b'), "", std::string(65531, 'c'), "d"};
  for (const auto& m : messages) append_tpkt(stream, m);
  for (const std::size_t piece : {1u, 3u, 4u, 5u, 1000u, 1u << 20}) {
    CAPTURE(piece);
    tpkt_reader reader;
    std::vector<std::string> found;
    for (std::size_t at = 0; at < stream.size(); at += piece) {
      reader.push(std::string_view(stream).substr(at, piece));
      for (auto m = reader.next(); m && !m->empty(); m = reader.next()) found.emplace_back(*m);
    }
    REQUIRE(found == std::vector<std::string>{messages[0], messages[1], messages[3], messages[4]});
    REQUIRE(reader.buffered_bytes() == 0);
  }
}

TEST_CASE("a stream that is no TPKT is refused at once") {
  for (const auto& text : {std::string("!/1 mg"), std::string("\x04"), std::string("\x03\0\0\x03", 4), std::string("\x03\0\0\0", 4)}) {
    tpkt_reader reader;
    reader.push(text);
    REQUIRE(reader.next().error() == make_error_code(errc::bad_frame));
  }
}
