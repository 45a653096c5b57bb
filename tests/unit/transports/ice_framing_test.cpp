#include "../../../transports/src/ice/framing.hpp"

#include <catch2/catch.hpp>

using namespace agw;

namespace {

std::vector<std::byte> octets(std::size_t count, unsigned value) { return std::vector<std::byte>(count, static_cast<std::byte>(value)); }

std::vector<std::vector<std::byte>> all_of(const datagram_batch& batch) {
  std::vector<std::vector<std::byte>> out;
  for (std::size_t i = 0; i < batch.size(); ++i) out.emplace_back(batch[i].begin(), batch[i].end());
  return out;
}

}  // namespace

TEST_CASE("frames come out as they went in, however the stream is cut, and empty ones are skipped") {
  const std::vector<std::vector<std::byte>> frames{octets(1, 1), octets(300, 2), octets(ice::frame_reader::max_frame_bytes, 3), octets(2, 4)};
  std::vector<std::byte> stream;
  for (const auto& f : frames) {
    ice::append_frame(stream, f);
    ice::append_frame(stream, {});
  }
  for (const std::size_t piece : {std::size_t{1}, std::size_t{2}, std::size_t{3}, std::size_t{301}, stream.size()}) {
    ice::frame_reader reader;
    datagram_batch got;
    for (std::size_t at = 0; at < stream.size(); at += piece) {
      REQUIRE(reader.feed(bytes_view(stream).subspan(at, std::min(piece, stream.size() - at)), got));
    }
    REQUIRE(all_of(got) == frames);
  }
}

TEST_CASE("a frame that is too long is refused by its length alone, after those before it") {
  ice::frame_reader reader;
  std::vector<std::byte> stream;
  ice::append_frame(stream, octets(5, 1));
  stream.push_back(std::byte{0x10});
  stream.push_back(std::byte{0x01});
  datagram_batch got;
  REQUIRE_FALSE(reader.feed(stream, got));
  REQUIRE(got.size() == 1);
}
