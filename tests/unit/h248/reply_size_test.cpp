// What a reply will take as text is known without writing it.
#include <string>
#include <variant>

#include <catch2/catch.hpp>

#include <agw/h248/endpoint.hpp>
#include <agw/h248/reply_size.hpp>
#include <agw/h248/text.hpp>

#include "unit/h248/random_message.hpp"

using namespace agw::h248;

namespace {

std::string written(const transaction_reply& reply) {
  std::string out;
  write_transaction(out, transaction(reply), 3);
  return out;
}

}  // namespace

TEST_CASE("the size of random replies is never put above what their text takes, and seldom far below") {
  std::size_t counted = 0, taken = 0, replies = 0;
  for (int version = 1; version <= 3; ++version) {
    h248_tests::message_generator generate(static_cast<std::uint64_t>(version), version);
    for (int n = 0; n < 700; ++n) {
      const std::string text = generate.next();
      const parsed_message m = parse(text);
      REQUIRE(m.ok());
      for (const auto& t : m->transactions) {
        const auto* reply = std::get_if<transaction_reply>(&t);
        if (!reply) continue;
        std::string out;
        write_transaction(out, t, m->version);
        INFO(out);
        REQUIRE(octets_of(*reply) <= out.size());
        counted += octets_of(*reply);
        taken += out.size();
        ++replies;
      }
    }
  }
  REQUIRE(replies > 300);
  REQUIRE(counted * 4 > taken * 3);
}

TEST_CASE("the answers of an audit are counted nearly whole") {
  const std::string text =
      "!/3 mg P=1{C=7{AV=ip/1/access/1{M{TS{SI=IV},ST=1{O{MO=SR,ipdc/realm=access},L{\nv=0\nc=IN IP4 192.0.2.1\nm=message 9 TCP/MSRP *\n},"
      "R{\nv=0\nc=IN IP4 192.0.2.2\nm=message 9 TCP/MSRP *\n}}},E=4{g/cause},SA{nt/dur=1000,nt/os=12345}},AV=ip/1/core/2{M{TS{SI=IV}}}}}";
  const parsed_message m = parse(text);
  REQUIRE(m.ok());
  const auto& reply = std::get<transaction_reply>(m->transactions.front());
  REQUIRE(octets_of(reply) * 10 > written(reply).size() * 9);
}

TEST_CASE("equal descriptors have equal digests, whatever the case of their names") {
  const parsed_message a = parse("!/3 mg P=1{C=7{AV=T1{SA{nt/dur=1,nt/os=A},PG{g-1,nt-2}}}}");
  const parsed_message b = parse("!/3 mg P=1{C=7{AV=T1{SA{NT/dur=1,nt/OS=a},PG{g-1,nt-3}}}}");
  REQUIRE(a.ok());
  REQUIRE(b.ok());
  const auto& one = std::get<transaction_reply>(a->transactions.front()).actions.front().commands.front().descriptors;
  const auto& other = std::get<transaction_reply>(b->transactions.front()).actions.front().commands.front().descriptors;
  REQUIRE(one.front() == other.front());
  REQUIRE(digest_of(one.front()) == digest_of(other.front()));
  REQUIRE(digest_of(one.back()) != digest_of(other.back()));
}

TEST_CASE("an outgoing reply is full when what was counted is beyond its bound") {
  outgoing_reply reply(20);
  command answer;
  answer.terminations.push_back({"ip/1/access/1"});
  reply.count_growing(&answer);
  REQUIRE_FALSE(reply.full());
  answer.add(error_descriptor{error_code::unknown_termination, "ip/1/access/1"});
  REQUIRE(reply.full());
  reply.uncount_growing();
  REQUIRE_FALSE(reply.full());
  reply.count_growing(&answer);
  reply.count_growing(nullptr);
  answer = command();
  REQUIRE(reply.full());
  REQUIRE_FALSE(outgoing_reply().full());
}
