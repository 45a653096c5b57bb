// What real stacks write, each kind of chunk once: it has to pass an agnostic relay octet by octet, and an aware one passes it or
// answers it. The texts are written from knowledge of the stacks; @TO and @FROM stand for the paths.
#include <optional>
#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include "agw/msrp/message_checker.hpp"
#include "agw/msrp/rechunker.hpp"
#include "unit/msrp/sample.hpp"

using namespace agw::msrp;
using namespace agw::msrp::test;

namespace {

struct dialect {
  const char* name;
  std::string text;
  const char* aware = "";  // the status that an aware relay answers with; "-": refused without an answer
};

const std::string cpim =
    "From: <sip:alice@example.com>\r\nTo: <sip:bob@example.com>\r\nDateTime: 2026-05-04T10:00:00Z\r\n"
    "NS: imdn <urn:ietf:params:imdn>\r\nimdn.Message-ID: Jfi4k2\r\nimdn.Disposition-Notification: positive-delivery\r\n\r\n"
    "Content-Type: text/plain;charset=UTF-8\r\n\r\nGr\xC3\xBC\xC3\x9F dich";

std::string chunk(const std::string& id, const std::string& method, const std::string& headers, char flag = '$') {
  return "MSRP " + id + " " + method + "\r\nTo-Path: @TO\r\nFrom-Path: @FROM\r\n" + headers + "-------" + id + flag + "\r\n";
}
std::string with_body(const std::string& id, const std::string& headers, const std::string& body, char flag = '$') {
  return chunk(id, "SEND", headers + "\r\n" + body + "\r\n", flag);
}

const std::string uuid = "6f1c2f0e-5a7b-4c1d-9e83-0d6a1b7c9e55";

const std::vector<dialect> dialects = {
    {"FreeSWITCH: a UUID as Message-ID",
     with_body("c7e0b1d249", "Message-ID: " + uuid + "\r\nByte-Range: 1-5/5\r\nContent-Type: text/plain\r\n", "hello")},
    {"FreeSWITCH: a UUID as transaction id",
     with_body(uuid, "Message-ID: 41\r\nByte-Range: 1-5/5\r\nContent-Type: text/plain\r\n", "hello")},
    {"FreeSWITCH: an empty Content-Type", with_body("c7e0b1d24a", "Message-ID: " + uuid + "\r\nContent-Type: \r\n", "hello"), "415"},
    {"FreeSWITCH: a response to a UUID", chunk(uuid, "200 OK", "")},
    {"FreeSWITCH: a REPORT",
     chunk("c7e0b1d24b", "REPORT", "Message-ID: " + uuid + "\r\nByte-Range: 1-5/5\r\nStatus: 000 200 OK\r\n")},
    {"AG Projects: FILE_OFFSET", chunk("f2a91c7704e1b6d5", "FILE_OFFSET", "Message-ID: f2a91c7704e1b6d4\r\nUse-Offset: 4096\r\n")},
    {"AG Projects: the answer to FILE_OFFSET", chunk("f2a91c7704e1b6d5", "200 OK", "Offset: 4096\r\n")},
    {"Blink: CPIM with partial reports",
     with_body("a3f5d27710c84be2",
               "Message-ID: a3f5d27710c84be1\r\nByte-Range: 1-*/" + std::to_string(cpim.size()) +
                   "\r\nSuccess-Report: yes\r\nFailure-Report: partial\r\nContent-Type: message/cpim\r\n",
               cpim)},
    {"Blink: a keep-alive SEND", chunk("a3f5d27710c84be3", "SEND", "Message-ID: a3f5d27710c84be3\r\nByte-Range: 1-0/0\r\nFailure-Report: no\r\n")},
    {"SylkServer: NICKNAME", chunk("77b1e402ac", "NICKNAME", "Use-Nickname: \"Alice the Great\"\r\n")},
    {"Kamailio: a response without words", chunk("5d2f.81", "403", "")},
    {"Kamailio: AUTH", chunk("49fh", "AUTH", "Authorization: Digest username=\"alice\", realm=\"relay.example.com\"\r\n")},
    {"Kamailio: a relay's answer to AUTH", chunk("49fh", "200 OK", "Use-Path: msrps://relay.example.com:9000/x7;tcp\r\nExpires: 900\r\n")},
    {"OpenSIPS: an id of three characters", with_body("9b2", "Message-ID: 9b2\r\nByte-Range: 1-2/2\r\nContent-Type: text/plain\r\n", "hi")},
    {"OpenSIPS: a Message-ID of three characters", with_body("9b2.0.41", "Message-ID: a1f\r\nContent-Type: text/plain\r\n", "hi")},
    {"OpenSIPS: 408 with words of its own", chunk("9b2.0.41", "408 Downstream endpoint did not respond", "")},
    {"Linphone: names in lower case, no blank behind the colon",
     with_body("1f0e7d", "message-id:m_1.2\r\nbyte-range:1-3/3\r\ncontent-type:text/plain;charset=UTF-8\r\n", "abc")},
    {"Linphone: an underscore in both ids", with_body("tx_41.7", "Message-ID: msg_41_7\r\nContent-Type: text/plain\r\n", "abc")},
    {"Jitsi: an open range", with_body("b5.1.93011", "Message-ID: b5.1.cccc\r\nByte-Range: 1-*/5\r\nContent-Type: text/plain\r\n", "abcde")},
    {"Jitsi: a message that is typed",
     with_body("b5.1.93012", "Message-ID: b5.2.cccc\r\nContent-Type: application/im-iscomposing+xml\r\n",
               "<isComposing><state>active</state></isComposing>")},
    {"Jitsi: an aborted message", with_body("b5.1.93013", "Message-ID: b5.3.cccc\r\nByte-Range: 1-*/9\r\nContent-Type: text/plain\r\n", "abc", '#')},
    {"RCS: a Message-ID with a host", with_body("Zk31x90A", "Message-ID: 1c9f@192.0.2.9\r\nContent-Type: message/cpim\r\n", cpim)},
    {"RCS: the SEND that opens a session", chunk("Zk31x90B", "SEND", "Message-ID: Zk31\r\nByte-Range: 0-0/0\r\n")},
    {"RCS: a file beyond 4 GiB",
     with_body("Zk31x90C", "Message-ID: Zk32\r\nByte-Range: 4294967297-4294967300/5000000000\r\nContent-Type: video/mp4\r\n"
               "Content-Disposition: render; filename=\"f.mp4\"\r\n", std::string("\0\r\n\xFF", 4), '+')},
    {"RCS: a total that is the largest there is",
     with_body("Zk31x90D", "Message-ID: Zk33\r\nByte-Range: 1-*/9223372036854775808\r\nContent-Type: video/mp4\r\n", "abcd", '+')},
    {"RCS: both reports asked for in words of another standard",
     with_body("Zk31x90E", "Message-ID: Zk34\r\nSuccess-Report: always\r\nFailure-Report: always\r\nContent-Type: text/plain\r\n", "abc")},
    {"RCS: a report of delivery within another namespace", chunk("Zk31x90F", "REPORT", "Message-ID: 1c9f@192.0.2.9\r\nStatus: 001 200\r\n")},
    {"Doubango: a number for a name, no Byte-Range", with_body("1804289383", "Message-ID: 846930886\r\nFailure-Report: no\r\nContent-Type: text/plain\r\n", "abc")},
    {"Doubango: no Message-ID", with_body("1804289384", "Byte-Range: 1-3/3\r\nContent-Type: text/plain\r\n", "abc")},
    {"an empty Message-ID", with_body("1804289385", "Message-ID:\r\nContent-Type: text/plain\r\n", "abc")},
    {"a body without a type", with_body("1804289386", "Message-ID: 7\r\n", "abc"), "400"},
    {"an empty body whose end follows the headers", chunk("1804289387", "SEND", "Message-ID: 8\r\nContent-Type: text/plain\r\n\r\n")},
    {"a blank behind the method", chunk("1804289388", "SEND ", "Message-ID: 9\r\nByte-Range: 1-0/0\r\n")},
    {"a header over two lines", chunk("1804289389", "SEND", "X-Long: one,\r\n two\r\n"), "400"},
    {"two Message-IDs", chunk("180428938a", "SEND", "Message-ID: 10\r\nMessage-ID: 11\r\n"), "400"},
    {"paths that changed places", "MSRP 180428938b SEND\r\nFrom-Path: @FROM\r\nTo-Path: @TO\r\nMessage-ID: 12\r\n-------180428938b$\r\n", "400"},
    {"a Byte-Range in words", chunk("180428938c", "SEND", "Byte-Range: bytes 1-5/5\r\n"), "400"},
    {"a REPORT with two Message-IDs", chunk("180428938d", "REPORT", "Message-ID: 10\r\nMessage-ID: 11\r\n"), "-"},
    {"a response with an empty body", chunk("180428938e", "200 OK", "\r\n")},
};

std::string filled(const std::string& text, std::string_view to, std::string_view from) {
  auto out = text;
  out.replace(out.find("@TO"), 3, to);
  out.replace(out.find("@FROM"), 5, from);
  return out;
}

struct relays {
  explicit relays(std::size_t limit, relay_paths p = {}) : paths(std::move(p)) {
    rechunker_config config;
    config.max_message_bytes = limit;
    chunker.emplace(config, paths, splits, counters);
    checker.emplace(parser_limits{}, paths, splits, counters, limit);
  }
  void from_stream(std::string_view text, std::size_t portion) {
    for (std::size_t at = 0; at < text.size(); at += portion) {
      const std::string part(text.substr(at, portion));
      for (bytes_view in = as_bytes(part);;) {
        const auto out = chunker->next(in);
        REQUIRE(out.has_value());
        if (!*out) break;
        ((*out)->to == side::wic ? to_channel : to_stream).emplace_back(as_text((*out)->head));
      }
    }
  }
  void from_channel(std::string_view message) {
    const auto out = checker->check(as_bytes(message));
    REQUIRE(out.has_value());
    if (!*out) return;
    ((*out)->to == side::wic ? to_channel : to_stream).push_back(std::string(as_text((*out)->head)).append(as_text((*out)->rest)));
  }

  relay_paths paths;
  id_source ids;
  split_transactions splits{ids};
  direction_counters counters;
  std::optional<rechunker> chunker;
  std::optional<message_checker> checker;
  std::vector<std::string> to_channel;
  std::vector<std::string> to_stream;
};

relay_paths aware_paths() {
  relay_paths paths;
  paths.mode = relay_mode::aware;
  paths.core.own = "msrp://gw.example.com:4000/core;tcp";
  paths.core.peer = "msrp://relay.example.com:1/r;tcp " + std::string(alice);
  paths.wic.own = "msrps://gw.example.com:9/wic;dc";
  paths.wic.peer = bob;
  return paths;
}

std::string status_of(const std::vector<std::string>& replies, const std::string& id) {
  if (replies.empty()) return "-";
  REQUIRE(replies.size() == 1);
  REQUIRE(replies[0].compare(0, 6 + id.size(), "MSRP " + id + " ") == 0);
  return replies[0].substr(6 + id.size(), 3);
}

std::string id_of(const std::string& text) { return text.substr(5, text.find(' ', 5) - 5); }

}  // namespace

TEST_CASE("every dialect passes an agnostic relay octet by octet, in both directions") {
  CHECK(dialects.size() >= 26);
  const auto plain = make_chunk("plain");
  for (const auto& d : dialects) {
    INFO(d.name);
    const auto text = filled(d.text, bob, alice);
    for (const std::size_t portion : {1ul, 7ul, 10000ul}) {
      relays r(4096);
      r.from_stream("\r\n" + text + "\r\n" + plain, portion);
      // Only the way to the end of an empty body may change.
      auto got = r.to_channel.at(0);
      if (const auto at = got.find("\r\n\r\n\r\n---"); text.find("\r\n\r\n---") != std::string::npos && at != std::string::npos) got.erase(at, 2);
      CHECK(got == text);
      CHECK(r.to_channel.at(1) == plain);
    }
    relays r(4096);
    r.from_channel(text);
    CHECK(r.to_stream == std::vector<std::string>{text});
  }
}

TEST_CASE("every dialect's SEND can be split, and its pieces keep all that it says") {
  for (const auto& d : dialects) {
    auto text = filled(d.text, bob, alice);
    const auto body_at = text.find("\r\n\r\n");
    if (body_at == std::string::npos || text.find(" SEND") > text.find("\r\n") || text.find("\r\n\r\n---") != std::string::npos) continue;
    INFO(d.name);
    const auto end_at = text.rfind("\r\n-------");
    const auto more = std::string(5000, '\x01');
    text.insert(end_at, more);
    const auto body = text.substr(body_at + 4, end_at + more.size() - body_at - 4);
    relays r(1500);
    r.from_stream(text, 400);
    REQUIRE(r.to_channel.size() >= 4);
    std::string got;
    for (const auto& piece : r.to_channel) {
      const auto seen = parse_whole(piece);
      REQUIRE_FALSE(seen.error);
      REQUIRE(seen.chunks.size() == 1);
      REQUIRE(seen.chunks[0].range);
      got += seen.chunks[0].body;
      bytes_view all = as_bytes(text);
      chunk_parser original;
      REQUIRE(original.next(all).has_value());
      for (const auto& field : original.header().fields) {
        if (field.line.find("ange:") == std::string_view::npos) CHECK(piece.find(field.line) != std::string::npos);
      }
      CHECK(seen.chunks[0].range->total == (original.header().range ? original.header().range->total : std::nullopt));
    }
    CHECK(got == body);
  }
}

TEST_CASE("an aware relay passes every dialect that is unambiguous, answers the others, and goes on") {
  const auto paths = aware_paths();
  send_options o;
  for (const auto& d : dialects) {
    INFO(d.name);
    const auto id = id_of(d.text);
    {
      relays r(4096, paths);
      o.to = paths.core.own;
      r.from_stream(filled(d.text, paths.core.own, alice) + make_chunk("plain", o), 50);
      const bool passes = std::string_view(d.aware).empty();
      REQUIRE(r.to_channel.size() == (passes ? 2 : 1));
      if (passes) {
        CHECK(r.to_channel[0].find("To-Path: " + std::string(bob) + "\r\nFrom-Path: " + paths.wic.own + "\r\n") != std::string::npos);
        CHECK(r.to_stream.empty());
      } else {
        CHECK(status_of(r.to_stream, id) == d.aware);
      }
    }
    {
      relays r(4096, paths);
      o.to = paths.wic.own;
      r.from_channel(filled(d.text, paths.wic.own, bob));
      r.from_channel(make_chunk("plain", o));
      const bool passes = std::string_view(d.aware).empty();
      REQUIRE(r.to_stream.size() == (passes ? 2 : 1));
      if (passes) {
        // Requests carry the whole path of the peer, responses that of the next hop.
        const bool response = r.to_stream[0].find("200 OK") < 60 || r.to_stream[0].find(" 40") < 40;
        const auto to = response ? std::string(first_uri(paths.core.peer)) : paths.core.peer;
        CHECK(r.to_stream[0].find("To-Path: " + to + "\r\nFrom-Path: " + paths.core.own + "\r\n") != std::string::npos);
      } else {
        CHECK(status_of(r.to_channel, id) == d.aware);
      }
    }
  }
}
