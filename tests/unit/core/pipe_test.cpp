#include <catch2/catch.hpp>

#include <cstddef>
#include <string>
#include <utility>
#include <vector>

#include "agw/core/bytes.hpp"
#include "agw/core/give_back.hpp"
#include "agw/core/pipe.hpp"

using namespace agw;

TEST_CASE("a batch that is used again is empty, and keeps the memory of many datagrams only") {
  datagram_batch batch;
  for (const auto& [datagrams, keeps] : {std::pair(9, true), std::pair(8, false), std::pair(1, false)}) {
    for (int i = 0; i < datagrams; ++i) batch.push(as_bytes("a datagram"));
    const auto* const memory = batch[0].data();
    batch.reuse();
    REQUIRE(batch.empty());
    REQUIRE(batch.bytes() == 0);
    batch.reserve(1);
    if (keeps) REQUIRE(batch.prepare(10).data() == memory);
    batch.push(as_bytes("the next"));
    REQUIRE(batch.size() == 1);
    REQUIRE(as_text(std::as_const(batch)[0]) == "the next");
    batch.clear();
  }
}

TEST_CASE("what is given back is empty and holds nothing") {
  std::vector<int> numbers(1000);
  give_back(numbers);
  REQUIRE(numbers.capacity() == 0);
  std::string text(1000, 'x');
  give_back(text);
  REQUIRE(text.empty());
  REQUIRE(text.capacity() < 1000);
}
