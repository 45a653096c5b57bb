#include "dtls/handshake_memory.hpp"

#include <cstring>
#include <vector>

#include <catch2/catch.hpp>
#include <openssl/buffer.h>
#include <openssl/ssl3.h>
#include <sys/mman.h>

#include "dtls_pair.hpp"

using namespace agw;
using namespace agw::dtls;
using namespace std::chrono_literals;

namespace {

std::size_t resident_pages(void* at, std::size_t bytes) {
  std::vector<unsigned char> pages((bytes + 4095) / 4096);
  if (::mincore(at, bytes, pages.data()) != 0) return 0;
  std::size_t out = 0;
  for (const auto p : pages) out += p & 1;
  return out;
}

}  // namespace

TEST_CASE("the buffer of a handshake gives its memory back, and can be written again") {
  handshake_memory memory;
  auto* buffer = BUF_MEM_new();
  {
    const handshake_memory::watch noted(memory);
    REQUIRE(BUF_MEM_grow(buffer, SSL3_RT_MAX_PLAIN_LENGTH) != 0);
  }
  REQUIRE(memory.held());
  std::memset(buffer->data, 7, buffer->max);
  REQUIRE(resident_pages(buffer->data, buffer->max) == 6);
  memory.give_back();
  CHECK_FALSE(memory.held());
  CHECK(resident_pages(buffer->data, buffer->max) == 0);
  std::memset(buffer->data, 7, buffer->max);
  CHECK(buffer->data[buffer->max - 1] == 7);
  BUF_MEM_free(buffer);
}

TEST_CASE("a buffer that is made unseen, or freed during the handshake, is left alone") {
  handshake_memory memory;
  auto* unseen = BUF_MEM_new();
  REQUIRE(BUF_MEM_grow(unseen, SSL3_RT_MAX_PLAIN_LENGTH) != 0);
  CHECK_FALSE(memory.held());
  BUF_MEM_free(unseen);
  const handshake_memory::watch noted(memory);
  auto* buffer = BUF_MEM_new();
  REQUIRE(BUF_MEM_grow(buffer, SSL3_RT_MAX_PLAIN_LENGTH) != 0);
  REQUIRE(memory.held());
  BUF_MEM_free(buffer);
  CHECK_FALSE(memory.held());
}

TEST_CASE("a server that has given its handshake's memory back still repeats its last flight") {
  test::machine_pair p;
  bool lose = true;
  p.filter = [&](bool to_server, const test::datagram&) { return to_server || !lose || p.server.state() != machine::status::established; };
  p.start();
  REQUIRE(p.run([&] { return p.server.state() == machine::status::established; }));
  REQUIRE(p.client.state() == machine::status::handshaking);
  p.server.release_buffers();
  p.server.give_handshake_back();
  lose = false;
  REQUIRE(p.run([&] { return p.established(); }));
  test::require_talking(p);
}
