#include "agw/msrp/rechunker.hpp"

#include <map>
#include <set>

#include <catch2/catch.hpp>

#include "unit/msrp/sample.hpp"

using namespace agw::msrp;
using namespace agw::msrp::test;

namespace {

// A rechunker with what it needs, and everything that came out of it.
struct rig {
  explicit rig(std::size_t max_bytes, relay_paths p = {}) : paths(std::move(p)), limit(max_bytes) {
    rechunker_config config;
    config.max_message_bytes = max_bytes;
    chunker.emplace(config, paths, splits, counters);
  }

  void feed(std::string_view text) {
    const std::vector<char> copy(text.begin(), text.end());
    bytes_view in = as_bytes(std::string_view(copy.data(), copy.size()));
    while (!error) {
      const auto out = chunker->next(in);
      if (!out) {
        error = out.error();
      } else if (!*out) {
        CHECK(in.empty());
        break;
      } else {
        take(**out);
      }
    }
  }
  void feed(std::string_view text, std::size_t portion) {
    for (std::size_t at = 0; at < text.size(); at += portion) feed(text.substr(at, portion));
  }
  void take(const outbound& out) {
    (out.to == side::wic ? messages : replies).push_back(std::string(as_text(out.head)));
    if (out.head.size() > limit) FAIL("a message of " << out.head.size());
    if (!out.rest.empty()) FAIL("a message in two parts");
  }

  relay_paths paths;
  id_source ids;
  split_transactions splits{ids};
  direction_counters counters;
  std::optional<rechunker> chunker;
  std::size_t limit;
  std::vector<std::string> messages;
  std::vector<std::string> replies;
  boost::system::error_code error;
};

// One message must be one whole chunk.
seen_chunk parse_one(std::string_view message) {
  const auto seen = parse_whole(message);
  REQUIRE_FALSE(seen.error);
  REQUIRE(seen.chunks.size() == 1);
  REQUIRE(seen.between);
  return seen.chunks[0];
}

std::string pattern(std::size_t size) {
  std::string out(size, '\0');
  std::uint32_t state = 12345;
  for (auto& c : out) {
    state = state * 1664525 + 1013904223;
    c = static_cast<char>(state >> 24);
  }
  return out;
}

// The pieces of one split chunk belong together: ranges without gap, flags, ids. Yields the body.
std::string check_pieces(const std::vector<std::string>& messages, std::uint64_t start, std::optional<std::uint64_t> total,
                         char flag, std::string_view original_id) {
  std::string body;
  std::set<std::string> ids;
  for (std::size_t i = 0; i < messages.size(); ++i) {
    const auto chunk = parse_one(messages[i]);
    CHECK(chunk.flag == (i + 1 == messages.size() ? flag : '+'));
    REQUIRE(chunk.range);
    CHECK(chunk.range->start == start + body.size());
    CHECK_FALSE(chunk.body.empty());
    body += chunk.body;
    CHECK(chunk.range->end == start + body.size() - 1);
    CHECK(chunk.range->total == total);
    CHECK(chunk.transaction_id != original_id);
    CHECK(ids.insert(chunk.transaction_id).second);
    CHECK(chunk.body.find(chunk.transaction_id) == std::string::npos);
  }
  return body;
}

}  // namespace

TEST_CASE("chunks that fit pass byte for byte, however the stream is cut") {
  const std::vector<std::string> chunks = {make_chunk("hello"), make_chunk(""), make_chunk(pattern(600)),
                                           "MSRP d93kswow 200 OK\r\nTo-Path: a\r\nFrom-Path: b\r\n-------d93kswow$\r\n",
                                           make_chunk("x\r\n-------d93ksw\r\ny")};
  std::string stream;
  for (const auto& c : chunks) stream += c;
  for (std::size_t portion = 1; portion <= stream.size(); portion += portion < 80 ? 1 : 61) {
    rig r(2000);
    r.feed(stream, portion);
    REQUIRE_FALSE(r.error);
    if (r.messages != chunks) FAIL("portions of " << portion);
    CHECK(r.chunker->between_chunks());
    CHECK(r.counters.chunks == chunks.size());
    CHECK(r.counters.bytes == stream.size());
    CHECK(r.counters.split == 0);
  }
}

TEST_CASE("a chunk goes out with its last octet, not later") {
  rig r(2000);
  const auto chunk = make_chunk("hello");
  r.feed(std::string_view(chunk).substr(0, chunk.size() - 1));
  CHECK(r.messages.empty());
  r.feed(std::string_view(chunk).substr(chunk.size() - 1));
  CHECK(r.messages.size() == 1);
}

TEST_CASE("a chunk inside the fed octets is not copied") {
  rig r(2000);
  const auto stream = make_chunk("hello") + make_chunk("again");
  bytes_view in = as_bytes(stream);
  const auto first = r.chunker->next(in).value().value();
  CHECK(reinterpret_cast<const char*>(first.head.data()) == stream.data());
  const auto second = r.chunker->next(in).value().value();
  CHECK(reinterpret_cast<const char*>(second.head.data()) == stream.data() + first.head.size());
  CHECK(in.empty());
}

TEST_CASE("the border between fitting and splitting is exact") {
  send_options o;
  o.range = byte_range{1, std::nullopt, std::nullopt};
  const auto chunk = make_chunk(pattern(3000), o);
  for (const std::size_t portion : {1ul, 7ul, 1000ul, 10000ul}) {
    rig fits(chunk.size());
    fits.feed(chunk, portion);
    CHECK(fits.messages == std::vector<std::string>{chunk});
    CHECK(fits.chunker->buffered_bytes() <= chunk.size());
    rig splits(chunk.size() - 1);
    splits.feed(chunk, portion);
    CHECK(splits.messages.size() == 2);
    CHECK(check_pieces(splits.messages, 1, std::nullopt, '$', o.id) == pattern(3000));
  }
}

TEST_CASE("a chunk that is too big is cut into pieces that add up to it") {
  const auto body = pattern(20000);
  for (const auto flag : {continuation::complete, continuation::more, continuation::aborted}) {
    for (const std::size_t portion : {1ul, 100ul, 1400ul, 30000ul}) {
      for (const std::size_t max_bytes : {700ul, 1500ul, 16384ul}) {
        send_options o;
        o.flag = flag;
        o.range = byte_range{501, std::nullopt, 40000};
        const auto stream = make_chunk("before") + make_chunk(body, o) + make_chunk("after");
        rig r(max_bytes);
        r.feed(stream, portion);
        REQUIRE_FALSE(r.error);
        REQUIRE(r.messages.size() >= 4);
        CHECK(r.messages.front() == make_chunk("before"));
        CHECK(r.messages.back() == make_chunk("after"));
        const std::vector<std::string> pieces(r.messages.begin() + 1, r.messages.end() - 1);
        CHECK(check_pieces(pieces, 501, 40000, static_cast<char>(flag), o.id) == body);
        CHECK(r.counters.chunks == 3);
        CHECK(r.counters.split == 1);
        CHECK(r.counters.messages == r.messages.size());
        for (std::size_t i = 0; i + 1 < pieces.size(); ++i) CHECK(pieces[i].size() + 110 > max_bytes);  // no needless pieces
      }
    }
  }
}

TEST_CASE("every cut of a split chunk gives the same body") {
  send_options o;
  o.range = byte_range{1, 1500, 1500};
  const auto body = pattern(700) + "\r\n-------d93ksw" + pattern(785);
  const auto chunk = make_chunk(body, o);
  for (std::size_t cut = 0; cut <= chunk.size(); ++cut) {
    rig r(800);
    r.feed(std::string_view(chunk).substr(0, cut));
    r.feed(std::string_view(chunk).substr(cut));
    std::string got;
    for (const auto& m : r.messages) got += parse_whole(m).chunks.at(0).body;
    if (got != body || r.error) FAIL("cut at " << cut);
  }
}

TEST_CASE("pieces keep all other headers and their order") {
  const std::string head = "MSRP d93kswow SEND\r\nTo-Path: " + std::string(bob) + "\r\nFrom-Path: " + std::string(alice) +
                           "\r\nMessage-ID: 12339sdqwer\r\nbyte-range: 1-*/5000\r\nSuccess-Report: yes\r\nX-Mine: 1\r\n"
                           "Content-Disposition: attachment\r\nContent-Type: text/plain\r\n";
  rig r(1000);
  r.feed(head + "\r\n" + pattern(5000) + "\r\n-------d93kswow$\r\n");
  REQUIRE(r.messages.size() > 5);
  const auto chunk = parse_one(r.messages[1]);
  auto expected = head;
  expected.replace(0, 18, "MSRP " + chunk.transaction_id + " SEND");
  const auto at = expected.find("byte-range: 1-*/5000");
  expected.replace(at, 20, "Byte-Range: " + to_string(*chunk.range));
  CHECK(chunk.block == expected);
}

TEST_CASE("a split chunk without Byte-Range counts from one") {
  rig r(1000);
  r.feed(make_chunk(pattern(3000)));
  CHECK(check_pieces(r.messages, 1, std::nullopt, '$', "d93kswow") == pattern(3000));
}

TEST_CASE("an open-ended chunk flows on while it arrives, in bounded memory") {
  rig r(4096);
  send_options o;
  o.range = byte_range{1, std::nullopt, std::nullopt};
  const auto empty = make_chunk("", o);
  r.feed(std::string_view(empty).substr(0, empty.find("\r\n\r\n") + 4));
  const auto block = pattern(1000);
  for (int i = 0; i < 1000; ++i) {
    r.feed(block);
    CHECK(r.chunker->buffered_bytes() <= 4096);
  }
  CHECK(r.counters.messages >= 1000 * 1000 / 4096);
  CHECK(r.splits.size() == 1);
  r.feed("\r\n-------d93kswow#\r\n");
  CHECK(parse_one(r.messages.back()).flag == '#');
  CHECK(r.chunker->between_chunks());
}

TEST_CASE("what may not be split and does not fit is an error") {
  const auto error_of = [](std::string_view text, std::size_t max_bytes) {
    rig r(max_bytes);
    r.feed(text);
    CHECK(r.messages.empty());
    CHECK(r.counters.rejected == (r.error ? 1 : 0));
    return r.error;
  };
  const std::string paths = "To-Path: " + std::string(bob) + "\r\nFrom-Path: " + std::string(alice) + "\r\n";
  const std::string report = "MSRP abcd REPORT\r\n" + paths + "Content-Type: a/b\r\n\r\n" + std::string(2000, 'x') +
                             "\r\n-------abcd$\r\n";
  CHECK(error_of(report, 2000) == errc::chunk_too_large);
  const std::string response = "MSRP abcd 200 " + std::string(500, 'x') + "\r\n" + paths + "-------abcd$\r\n";
  CHECK(error_of(response, 500) == errc::chunk_too_large);
  CHECK(error_of(make_chunk(""), 200) == errc::chunk_too_large);
  CHECK(error_of(make_chunk(std::string(1000, 'x')), 500) == errc::chunk_too_large);  // no room for 256 octets of body
  CHECK(error_of("GET / HTTP/1.1\r\n\r\n", 500) == errc::bad_start_line);
}

TEST_CASE("a stream that ends inside a split chunk aborts it towards the channel") {
  rig r(1000);
  const auto chunk = make_chunk(pattern(3000));
  r.feed(std::string_view(chunk).substr(0, 2500));
  CHECK_FALSE(r.chunker->between_chunks());
  const auto sent = r.messages.size();
  REQUIRE(sent > 0);
  const auto last = r.chunker->finish();
  REQUIRE(last);
  r.take(*last);
  const auto body = check_pieces(r.messages, 1, std::nullopt, '#', "d93kswow");
  CHECK(body == pattern(3000).substr(0, body.size()));

  rig whole(10000);
  whole.feed(std::string_view(chunk).substr(0, 2500));
  CHECK_FALSE(whole.chunker->finish());
  CHECK(whole.counters.rejected == 1);
}

TEST_CASE("an idle rechunker keeps no big buffer") {
  rig r(100000);
  const auto chunk = make_chunk(pattern(90000));
  r.feed(chunk, 1000);
  CHECK(r.messages == std::vector<std::string>{chunk});
  CHECK(r.chunker->buffered_bytes() == 0);
}

TEST_CASE("in aware mode chunks get the other side's paths") {
  relay_paths paths;
  paths.mode = relay_mode::aware;
  paths.core.own = "msrp://gw.example.com:4000/core;tcp";
  paths.core.peer = "msrp://relay.example.com:1/r;tcp " + std::string(alice);
  paths.wic.own = "msrps://gw.example.com:9/wic;dc";
  paths.wic.peer = bob;
  REQUIRE(validate(paths).has_value());
  send_options o;
  o.to = "MSRP://GW.example.com:4000/core;tcp";
  for (const std::size_t portion : {1ul, 50ul, 5000ul}) {
    for (const std::size_t max_bytes : {1000ul, 5000ul}) {
      rig r(max_bytes, paths);
      r.feed(make_chunk(pattern(2000), o), portion);
      REQUIRE_FALSE(r.error);
      std::string body;
      for (const auto& m : r.messages) {
        const auto chunk = parse_one(m);
        const auto expected = "To-Path: " + paths.wic.peer + "\r\nFrom-Path: " + paths.wic.own + "\r\n";
        CHECK(chunk.block.find(expected) != std::string::npos);
        CHECK(chunk.block.find("gw.example.com:4000") == std::string::npos);
        body += chunk.body;
      }
      CHECK(body == pattern(2000));
      CHECK(r.messages.size() == (max_bytes == 1000 ? 3 : 1));
      if (max_bytes == 5000) CHECK(parse_one(r.messages[0]).transaction_id == o.id);
    }
  }
}

TEST_CASE("in aware mode a chunk for somebody else is answered with 481 and goes nowhere") {
  relay_paths paths;
  paths.mode = relay_mode::aware;
  paths.core.own = "msrp://gw.example.com:4000/core;tcp";
  paths.core.peer = alice;
  paths.wic.own = "msrps://gw.example.com:9/wic;dc";
  paths.wic.peer = bob;
  rig r(1000, paths);
  send_options silent;
  silent.failure = failure_report::no;
  r.feed(make_chunk(pattern(5000)) + make_chunk("quiet", silent));
  r.feed("MSRP abcd 200 OK\r\nTo-Path: x\r\nFrom-Path: y\r\n-------abcd$\r\n");
  CHECK_FALSE(r.error);
  CHECK(r.messages.empty());
  CHECK(r.counters.rejected == 3);
  REQUIRE(r.replies.size() == 1);
  CHECK(r.replies[0] == "MSRP d93kswow 481 No Such Session\r\nTo-Path: " + std::string(alice) +
                            "\r\nFrom-Path: " + paths.core.own + "\r\n-------d93kswow$\r\n");
  send_options good;
  good.to = paths.core.own;
  r.feed(make_chunk("good", good));
  CHECK(r.messages.size() == 1);
}

TEST_CASE("in aware mode a chunk that cannot be taken is answered, and the session goes on") {
  relay_paths paths;
  paths.mode = relay_mode::aware;
  paths.core.own = "msrp://gw.example.com:4000/core;tcp";
  paths.core.peer = alice;
  paths.wic.own = "msrps://gw.example.com:9/wic;dc";
  paths.wic.peer = bob;
  send_options to_us;
  to_us.to = paths.core.own;
  const auto good = make_chunk("good", to_us);
  const std::string to_path = "To-Path: " + paths.core.own + "\r\n";
  const std::string both = to_path + "From-Path: " + std::string(alice) + "\r\n";
  const auto request = [](std::string_view method, const std::string& headers, const std::string& body = "") {
    return "MSRP abcd " + std::string(method) + "\r\n" + headers + (body.empty() ? "" : "\r\n" + body + "\r\n") + "-------abcd$\r\n";
  };
  const struct {
    std::string name, chunk, answer;
  } cases[] = {
      {"a header without colon", request("SEND", both + "what\r\n"), "400"},
      {"two ranges", request("SEND", both + "Byte-Range: 1-0/0\r\nByte-Range: 1-0/0\r\n"), "400"},
      {"a body of no type", request("SEND", both + "Message-ID: m\r\n", "x"), "400"},
      {"paths that changed places", request("SEND", "From-Path: " + std::string(alice) + "\r\n" + to_path), "400"},
      {"no To-Path", request("SEND", "From-Path: " + std::string(alice) + "\r\n"), "400"},
      {"no From-Path, so that nobody can be told", request("SEND", to_path), ""},
      {"an empty type", request("SEND", both + "Content-Type: \r\n", "x"), "415"},
      {"another session", make_chunk("x"), "481"},
      {"a method that may not be split", request("FILE_OFFSET", both, std::string(5000, 'x')), "413"},
      {"a REPORT that may not be split", request("REPORT", both, std::string(5000, 'x')), ""},
      {"headers that leave no room for a body", request("SEND", both + "Content-Type: a/" + std::string(600, 'b') + "\r\n", std::string(2000, 'x')), "413"},
      {"headers that are too long alone", request("SEND", both + "X: " + std::string(1200, 'b') + "\r\n"), "413"},
      {"a response that is too long", "MSRP abcd 200 " + std::string(1200, 'x') + "\r\n" + both + "-------abcd$\r\n", ""},
  };
  for (const auto& c : cases) {
    for (const std::size_t portion : {1ul, 100ul, 10000ul}) {
      INFO(c.name << ", portions of " << portion);
      rig r(1000, paths);
      r.feed(c.chunk + good, portion);
      CHECK_FALSE(r.error);
      CHECK(r.messages.size() == 1);
      CHECK(r.counters.rejected == 1);
      CHECK(r.counters.chunks == 1);
      std::string answer;
      for (const auto& reply : r.replies) answer += parse_one(reply).block.substr(5 + parse_one(reply).transaction_id.size() + 1, 3);
      CHECK(answer == c.answer);
    }
  }
}

TEST_CASE("in agnostic mode headers do not matter until a chunk has to be split, and then only its Byte-Range does") {
  const std::string odd = "MSRP ab SEND\r\nFrom-Path: x\r\nwhat\r\n";
  const auto chunk = [&](std::string_view headers, std::size_t size) {
    return odd + std::string(headers) + "\r\n" + std::string(size, 'x') + "\r\n-------ab$\r\n";
  };
  const auto error_of = [&](std::string_view headers, std::size_t size) {
    rig r(1000);
    r.feed(chunk(headers, size));
    if (!r.error && size < 500) CHECK(r.messages == std::vector<std::string>{chunk(headers, size)});
    if (!r.error) CHECK(r.messages.size() == (size < 500 ? 1 : 4));
    return r.error;
  };
  for (const std::size_t size : {100ul, 3000ul}) {
    CHECK_FALSE(error_of("", size));
    CHECK_FALSE(error_of("Byte-Range: 1-*/*\r\nTo-Path: y\r\nTo-Path: z\r\n", size));
    CHECK_FALSE(error_of("Byte-Range: 0-*/*\r\n", size));
    CHECK(error_of("Byte-Range: one\r\n", size) == (size < 500 ? boost::system::error_code() : errc::bad_byte_range));
    CHECK(error_of("Byte-Range: 1-*/*\r\nByte-Range: 5-*/*\r\n", size) == (size < 500 ? boost::system::error_code() : errc::bad_byte_range));
  }
}

TEST_CASE("keep-alives of the stream end here, wherever they come") {
  const auto chunk = make_chunk(pattern(600));
  const std::string stream = "\r\n" + chunk + "\r\n\r\n" + chunk + "\r\n";
  for (std::size_t portion = 1; portion <= stream.size(); portion += portion < 80 ? 1 : 61) {
    rig r(2000);
    r.feed(stream, portion);
    REQUIRE_FALSE(r.error);
    CHECK(r.messages == std::vector<std::string>{chunk, chunk});
    CHECK(r.chunker->between_chunks());
    CHECK_FALSE(r.chunker->finish());
    CHECK(r.counters.rejected == 0);
  }
}

TEST_CASE("aware paths that are no URIs are refused beforehand") {
  relay_paths paths;
  CHECK(validate(paths).has_value());
  paths.mode = relay_mode::aware;
  CHECK(validate(paths).error() == errc::bad_path);
  paths.core.own = paths.core.peer = paths.wic.own = std::string(alice);
  paths.wic.peer = "nonsense";
  CHECK(validate(paths).error() == errc::bad_uri);
}
