#include "reload.hpp"

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <string>
#include <thread>
#include <vector>

#include <boost/asio/post.hpp>

#include <catch2/catch.hpp>

#include "pause.hpp"

using namespace agw;
using namespace agw::server;
using namespace std::chrono_literals;
using words = std::vector<std::string>;

namespace {

// A gateway's configuration file, and what was read of it.
struct configured {
  explicit configured(const std::string& text) {
    REQUIRE(mkdtemp(folder));
    write(text);
    const char* const argv[] = {"agw-server", "--config", path.c_str(), "--ports", "30000-30009"};
    auto read = parse(5, argv);
    REQUIRE(std::holds_alternative<server_options>(read));
    now = std::get<server_options>(std::move(read));
  }
  ~configured() { std::filesystem::remove_all(folder); }
  void write(const std::string& text) {
    path = std::string(folder) + "/agw.toml";
    std::ofstream(path) << text;
  }
  configuration_change reload(const std::string& text) {
    write(text);
    const auto read = read_again(now);
    REQUIRE(std::holds_alternative<server_options>(read));
    return take_over(now, std::get<server_options>(read));
  }
  char folder[32] = "/tmp/agw-reload-XXXXXX";
  std::string path;
  server_options now;
};

}  // namespace

TEST_CASE("a configuration that has not changed changes nothing") {
  configured c("[limits]\ncontexts = 5\n");
  const auto change = c.reload("[limits]\ncontexts = 5\n");
  CHECK(change.taken.empty());
  CHECK(change.restart.empty());
}

TEST_CASE("what can change is taken over, the rest is named and stays, until it is as it was") {
  configured c("threads = 1\n[limits]\ncontexts = 5\n");
  const std::string next =
      "threads = 2\n[log]\nlevel = \"debug\"\n[limits]\ncontexts = 7\norphaned_after = \"1h\"\n[deadlines]\nice = \"9s\"\n"
      "[shutdown]\nmode = \"graceful\"\n[h248]\nmgc = [\"127.0.0.1:1\", \"127.0.0.1:2\"]\nsilence = \"5s\"\nprofile = \"other\"\n"
      "[h248.names]\n\"it/ito\" = \"silent\"\n[interfaces.third]\naddress = \"127.0.0.3\"\n";
  auto change = c.reload(next);
  for (const auto* key : {"h248.mgc", "h248.names.it/ito", "h248.silence", "deadlines.ice", "limits.contexts", "limits.orphaned_after", "log.level", "shutdown.mode"}) {
    CAPTURE(key);
    CHECK(change.has(key));
  }
  CHECK(change.taken.size() == 8);
  CHECK(change.has("limits"));
  CHECK_FALSE(change.has("limit"));
  for (const auto* key : {"h248.profile", "interfaces.third.address", "interfaces.third.advertised", "interfaces.third.floating", "interfaces.third.realm", "threads"}) {
    CAPTURE(key);
    CHECK(std::ranges::count(change.restart, key) == 1);
  }
  CHECK(change.restart.size() == 6);
  CHECK(c.now.threads == 1);
  CHECK(c.now.registration.profile == "threegiq");
  CHECK(c.now.log.level == "debug");
  CHECK(c.now.iq.max_contexts == 7);
  CHECK(c.now.iq.orphaned_after == 1h);
  CHECK(c.now.deadlines.at("ice") == 9s);
  CHECK(c.now.shutdown_graceful);
  CHECK(c.now.registration.mgcs.size() == 2);
  CHECK(c.now.registration.silence == 5s);
  CHECK(c.now.registration.inactivity_event == "it/silent");
  // Again: what was taken is no change any more, what was not still is.
  change = c.reload(next);
  CHECK(change.taken.empty());
  CHECK(change.restart.size() == 6);
  change = c.reload("threads = 1\n[limits]\ncontexts = 7\n");
  CHECK(change.restart.empty());
  CHECK(change.has("h248.names.it/ito"));
  CHECK(c.now.names.empty());
}

TEST_CASE("a wrong file changes nothing, and its line is told") {
  configured c("[limits]\ncontexts = 5\n");
  c.write("[limits]\ncontexts = 6\nno_such = 1\n");
  const auto read = read_again(c.now);
  REQUIRE(std::holds_alternative<std::string>(read));
  CHECK(std::get<std::string>(read).find("agw.toml:3: limits.no_such: unknown key") != std::string::npos);
  CHECK(c.now.iq.max_contexts == 5);
}

TEST_CASE("a controller over a transport that has no link needs a restart") {
  configured c("");
  const auto change = c.reload("[h248]\nmgc = [\"tcp:127.0.0.1:1\"]\n");
  CHECK(change.restart == words{"h248.mgc"});
  CHECK(c.now.registration.mgcs.front().via == h248::transport::udp);
}

TEST_CASE("options override the file when it is read again, too") {
  configured c("");
  CHECK(c.reload("[ports]\nlow = 40000\nhigh = 40009\n").restart.empty());
}

TEST_CASE("while the shards stand none of them runs, and afterwards they go on") {
  shard_pool shards(3);
  std::atomic<bool> stands = false;
  std::atomic<int> ran = 0, broken = 0;
  std::atomic<bool> over = false;
  std::function<void(std::size_t)> turn = [&](std::size_t i) {
    ++ran;
    if (stands) ++broken;
    if (!over) asio::post(shards[i].executor(), [&, i] { turn(i); });
  };
  for (std::size_t i = 0; i < shards.size(); ++i) asio::post(shards[i].executor(), [&, i] { turn(i); });
  for (int round = 0; round < 5; ++round) {
    while_shards_stand(shards, [&] {
      stands = true;
      const int before = ran;
      for (int i = 0; i < 10; ++i) std::this_thread::yield();
      CHECK(ran == before);
      stands = false;
    });
  }
  const int before = ran;
  while (ran == before) std::this_thread::yield();
  over = true;
  shards.stop();
  CHECK(broken == 0);
}
