#include "agw/examples/line_codec.hpp"

#include <catch2/catch.hpp>

#include "agw/msrp/bytes.hpp"

using namespace agw;
using namespace agw::examples;

namespace {

struct outcome {
  std::vector<std::string> lines;
  boost::system::error_code error;
};

// Feeds the stream in reads of `step` octets, to its end.
outcome split(std::string_view stream, std::size_t step, std::size_t max_line_bytes = 100) {
  outcome out;
  line_splitter splitter(max_line_bytes);
  while (!stream.empty()) {
    const std::string read(stream.substr(0, step));  // memory of its own, gone after the read
    stream.remove_prefix(read.size());
    std::string_view in = read;
    for (;;) {
      const auto line = splitter.next(in);
      if (!line) {
        out.error = line.error();
        return out;
      }
      if (!*line) break;
      out.lines.emplace_back(**line);
    }
    CHECK(in.empty());
  }
  for (;;) {
    const auto line = splitter.last();
    if (!line) out.error = line.error();
    if (!line || !*line) return out;
    out.lines.emplace_back(**line);
  }
}

message text(std::string_view s, message_kind kind = message_kind::text) {
  const auto bytes = msrp::as_bytes(s);
  return message(kind, std::vector<std::byte>(bytes.begin(), bytes.end()));
}

}  // namespace

TEST_CASE("lines come out the same wherever the reads are cut") {
  const std::string stream =
      "one\r\ntwo\n\n\r\nthree\rfour\r\r\nGr\xC3\xBC\xC3\x9F"
      "e\nlast";
  const std::vector<std::string> lines{"one",
                                       "two",
                                       "",
                                       "",
                                       "three\rfour\r",
                                       "Gr\xC3\xBC\xC3\x9F"
                                       "e",
                                       "last"};
  for (std::size_t step = 1; step <= stream.size(); ++step) {
    const auto out = split(stream, step);
    CHECK(out.lines == lines);
    CHECK_FALSE(out.error);
  }
}

TEST_CASE("a stream that ends with a line end has no further line") {
  CHECK(split("one\n", 2).lines == std::vector<std::string>{"one"});
  CHECK(split("\n", 1).lines == std::vector<std::string>{""});
  CHECK(split("", 1).lines.empty());
}

TEST_CASE("a line may have as many octets as the limit says, and not one more") {
  for (const std::string end : {"\n", "\r\n", ""}) {
    for (const std::size_t step : {1u, 7u, 1000u}) {
      CHECK(split(std::string(10, 'x') + end, step, 10).lines.size() == 1);
      CHECK(split(std::string(11, 'x') + end, step, 10).error == line_errc::too_long);
    }
  }
  CHECK(reason(line_errc::too_long) == "too-large");
}

TEST_CASE("a line that never ends is refused without waiting for its end") {
  line_splitter splitter(10);
  std::string_view in = "0123456789ab";
  CHECK(splitter.next(in).error() == line_errc::too_long);
}

TEST_CASE("octets that are not UTF-8 are no line") {
  for (const std::string bad : {"\x80", "\xC3", "\xC0\x80", "\xE0\x80\x80", "\xED\xA0\x80", "\xF0\x80\x80\x80",
                                "\xF4\x90\x80\x80", "\xFF", "\xE2\x82", "\xF5\x80\x80\x80",
                                "\xC3"
                                "a"}) {
    CAPTURE(bad);
    CHECK(split(bad + "\n", 1).error == line_errc::not_text);
    CHECK(line_of(text(bad), 100).error() == line_errc::not_text);
  }
  for (const std::string good :
       {"\xC2\x80", "\xE0\xA0\x80", "\xED\x9F\xBF", "\xEE\x80\x80", "\xF0\x90\x80\x80", "\xF4\x8F\xBF\xBF"}) {
    CAPTURE(good);
    CHECK(split(good, 1).lines == std::vector<std::string>{good});
  }
}

TEST_CASE("a message becomes a line only when it is one") {
  CHECK(line_of(text("hello"), 5).value() == "hello");
  CHECK(line_of(text(""), 5).value() == "");
  CHECK(line_of(text("hello!"), 5).error() == line_errc::too_long);
  CHECK(line_of(text("a\nb"), 5).error() == line_errc::end_inside);
  CHECK(line_of(text("a\r"), 5).error() == line_errc::end_inside);
  CHECK(line_of(text("hello", message_kind::binary), 5).error() == line_errc::not_text);
  CHECK(reason(line_errc::end_inside) == "syntax");
  CHECK(boost::system::error_code(line_errc::end_inside).message() == "message with a line end inside");
}
