#include "agw/core/line_splitter.hpp"

#include <catch2/catch.hpp>

#include "agw/core/bytes.hpp"
#include "agw/core/utf8.hpp"

using namespace agw;

namespace {

struct outcome {
  std::vector<std::string> lines;
  std::string reason;
};

// Feeds the stream in reads of `step` octets, to its end.
outcome split(std::string_view stream, std::size_t step, std::size_t max_line_bytes = 100) {
  outcome out;
  line_splitter splitter(max_line_bytes);
  const auto take = [&](const line_splitter::line& line) {
    if (!line) out.reason = line.error().reason;
    if (!line || !*line) return false;
    out.lines.emplace_back(as_text(**line));
    return true;
  };
  while (!stream.empty()) {
    const std::string read(stream.substr(0, step));  // memory of its own, gone after the read
    stream.remove_prefix(read.size());
    bytes_view in = as_bytes(read);
    while (take(splitter.next(in))) {
    }
    if (!out.reason.empty()) return out;
    CHECK(in.empty());
  }
  while (take(splitter.last())) {
  }
  return out;
}

}  // namespace

TEST_CASE("lines come out the same wherever the reads are cut") {
  const std::string stream = "one\r\ntwo\n\n\r\nthree\rfour\r\r\nlast";
  const std::vector<std::string> lines{"one", "two", "", "", "three\rfour\r", "last"};
  for (std::size_t step = 1; step <= stream.size(); ++step) {
    const auto out = split(stream, step);
    CHECK(out.lines == lines);
    CHECK(out.reason == "");
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
      CHECK(split(std::string(11, 'x') + end, step, 10).reason == "too-large");
    }
  }
}

TEST_CASE("a line without end is refused as soon as it exceeds the limit, and not kept beyond it") {
  line_splitter splitter(10);
  const std::string eleven(11, 'x');
  bytes_view in = as_bytes(eleven);  // one more may be the CR of its end
  REQUIRE(splitter.next(in).has_value());
  CHECK_FALSE(splitter.between_lines());
  in = as_bytes("x");
  const auto line = splitter.next(in);
  REQUIRE_FALSE(line.has_value());
  CHECK(line.error().text == "a line of more than 10 octets");
}

TEST_CASE("a splitter is between lines when nothing is kept") {
  line_splitter splitter(10);
  CHECK(splitter.between_lines());
  bytes_view in = as_bytes("ab");
  REQUIRE(splitter.next(in).has_value());
  CHECK_FALSE(splitter.between_lines());
  in = as_bytes("c\n");
  const auto line = splitter.next(in);
  REQUIRE(line.has_value());
  CHECK(as_text(**line) == "abc");
  CHECK(splitter.between_lines());
}

TEST_CASE("UTF-8 is what RFC 3629 says") {
  for (const std::string_view good : {"", "plain",
                                      "Gr\xC3\xBC\xC3\x9F"
                                      "e",
                                      "\xE2\x82\xAC", "\xF0\x9F\x98\x80", "\xF4\x8F\xBF\xBF", "\xEF\xBF\xBF"}) {
    CHECK(is_utf8(good));
  }
  for (const std::string_view bad : {"\x80", "\xC3", "\xC0\x80", "\xC1\xBF", "\xE0\x9F\xBF", "\xED\xA0\x80", "\xE2\x82",
                                     "\xF0\x8F\xBF\xBF", "\xF4\x90\x80\x80", "\xF5\x80\x80\x80", "\xFF",
                                     "a\xFE"
                                     "b",
                                     "\xF0\x9F\x98"}) {
    CHECK_FALSE(is_utf8(bad));
  }
}
