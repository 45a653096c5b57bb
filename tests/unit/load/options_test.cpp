#include "options.hpp"

#include <vector>

#include <catch2/catch.hpp>

#include "call_description.hpp"
#include "server_process.hpp"

using namespace agw;
using namespace agw::load;
using namespace std::chrono_literals;
using Catch::Contains;

namespace {

std::optional<early_exit> parsed(load_options& out, std::vector<const char*> words) {
  words.insert(words.begin(), "agw-load");
  return parse(out, static_cast<int>(words.size()), words.data());
}

load_options good(std::vector<const char*> words) {
  load_options out;
  const auto exit = parsed(out, std::move(words));
  INFO((exit ? exit->text : ""));
  REQUIRE_FALSE(exit);
  return out;
}

std::string refused(std::vector<const char*> words) {
  load_options out;
  const auto exit = parsed(out, std::move(words));
  REQUIRE(exit);
  CHECK(exit->code == 2);
  CHECK_THAT(exit->text, Catch::StartsWith("agw-load: "));
  return exit->text;
}

}  // namespace

TEST_CASE("each scenario has defaults of its own") {
  CHECK(good({"bulk-up"}).size == 16384);
  CHECK(good({"bulk-up"}).way == direction::up);
  CHECK(good({"bulk-down"}).way == direction::down);
  CHECK(good({"messages"}).rate == 1000);
  CHECK(good({"idle"}).sessions == 100);
  CHECK(good({"setup"}).rate == 0);
  CHECK(good({"churn"}).rate == 50);
  CHECK(good({"idle"}).h248.front().port == 12944);
  CHECK(good({"idle", "--start", "agw-server"}).h248.front().port == 0);
}

TEST_CASE("options are read, and times have units") {
  const auto o = good({"messages", "--sessions", "7", "--rate", "2500.5", "--size", "64", "--duration", "1min", "--rtt", "50ms", "--direction", "down",
                       "--h248", "tcp:127.0.0.1:2944", "--access", "127.0.0.2", "--core", "::1", "--json", "-", "--dcep", "--server-pid", "77"});
  CHECK(o.sessions == 7);
  CHECK(o.rate == 2500.5);
  CHECK(o.size == 64);
  CHECK(o.duration == 1min);
  CHECK(o.rtt == 50ms);
  CHECK(o.way == direction::down);
  CHECK(o.h248.front().via == h248::transport::tcp);
  CHECK(o.access.to_string() == "127.0.0.2");
  CHECK(o.core.is_v6());
  CHECK(o.json == "-");
  CHECK(o.dcep);
  CHECK(o.server_pid == 77);
  CHECK(good({"idle", "--duration", "1.5"}).duration == 1500ms);
}

TEST_CASE("buffers of bulk are large, and share a bound") {
  CHECK(good({"bulk-up"}).buffers() == 16u << 20);
  CHECK(good({"bulk-up", "--sessions", "64"}).buffers() == 4u << 20);
  CHECK(good({"bulk-down", "--sessions", "10000"}).buffers() == 1u << 20);
  CHECK(good({"messages"}).buffers() == 1u << 20);
  CHECK(good({"bulk-up", "--buffer", "131072"}).buffers() == 131072);
}

TEST_CASE("sweep goes with messages and setup") {
  const auto o = good({"sweep", "messages", "--p99", "2.5"});
  CHECK(o.sweep);
  CHECK(o.scenario == scenario::messages);
  CHECK(o.p99_ms == 2.5);
  CHECK(good({"sweep", "setup"}).rate == 50);
  CHECK_THAT(refused({"sweep", "idle"}), Contains("messages or setup"));
  CHECK_THAT(refused({"fast", "messages"}), Contains("only the word sweep"));
}

TEST_CASE("what cannot be is refused in one line") {
  refused({});
  CHECK_THAT(refused({"fly"}), Contains("no scenario fly"));
  refused({"idle", "--sessions", "0"});
  refused({"idle", "--duration", "soon"});
  CHECK_THAT(refused({"messages", "--rate", "0"}), Contains("--rate"));
  CHECK_THAT(refused({"idle", "--duration", "1ms"}), Contains("--duration"));
  refused({"idle", "--size", "15"});
  refused({"idle", "--access", "localhost"});
  CHECK_THAT(refused({"idle", "--h248", "nowhere"}), Contains("--h248 nowhere"));
  CHECK_THAT(refused({"idle", "--start", "x", "--server-pid", "1"}), Contains("exclude"));
  CHECK_THAT(refused({"idle", "--config", "x"}), Contains("--start"));
  refused({"idle", "--unknown"});
}

TEST_CASE("help names every scenario and the exit status") {
  load_options o;
  const auto exit = parsed(o, {"--help"});
  REQUIRE(exit);
  CHECK(exit->code == 0);
  for (const auto* word : {"bulk-up", "bulk-down", "messages", "setup", "idle", "churn", "sweep", "Exit status", "--server-pid"}) CHECK_THAT(exit->text, Contains(word));
  const auto version = parsed(o, {"--version"});
  REQUIRE(version);
  CHECK(version->code == 0);
  CHECK_THAT(version->text, Catch::StartsWith("agw-load "));
}

TEST_CASE("a gateway that is started has room for the calls") {
  load_options o;
  o.sessions = 20000;
  CHECK_THAT(server_configuration(o), Contains("contexts = 41000"));
}

TEST_CASE("the gateway's filled Local says where the WIC connects to") {
  const std::string local =
      "v=0\nc=IN IP4 192.0.2.2\nm=application 20000 UDP/DTLS/SCTP webrtc-datachannel\na=setup:passive\na=ice-lite\n"
      "a=fingerprint:sha-256 00:01:02:03:04:05:06:07:08:09:0A:0B:0C:0D:0E:0F:10:11:12:13:14:15:16:17:18:19:1A:1B:1C:1D:1E:1F\n"
      "a=ice-ufrag:abcd\na=ice-pwd:0123456789012345678901\na=candidate:1 1 UDP 2130706431 192.0.2.2 20000 typ host\na=sctp-port:5004\na=max-message-size:262144\n";
  const auto read = read_association(local);
  REQUIRE(read);
  CHECK(read->address == udp::endpoint(asio::ip::make_address("192.0.2.2"), 20000));
  CHECK(read->credentials.ufrag == "abcd");
  CHECK(read->sctp_port == 5004);
  CHECK(read->max_message_bytes == 262144);
  CHECK(read->fingerprints.size() == 1);
  for (const auto* needed : {"a=ice-ufrag", "a=ice-pwd", "a=sctp-port", "a=fingerprint", "c=", "m="}) {
    auto without = local;
    const auto at = without.find(needed);
    without.erase(at, without.find('\n', at) + 1 - at);
    CHECK_FALSE(read_association(without));
  }
}
