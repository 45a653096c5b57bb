#include <catch2/catch.hpp>

#include "agw/examples/stages.hpp"
#include "agw/gateway/testing/stage_run.hpp"

using namespace agw;
using namespace std::chrono_literals;
using testing::stage_run;

namespace {

using lines = std::vector<std::string>;

gateway::subprotocol_stage lines_stage() {
  gateway::subprotocol_registry registry;
  examples::add_stages(registry);
  return *registry.find("lines");
}

}  // namespace

TEST_CASE("messages become lines, and lines become text messages") {
  stage_run run(lines_stage());
  run.component.wic.arrive("hello", message_kind::text);
  run.component.wic.arrive("", message_kind::text);
  run.component.core.arrive("welcome\r\nba");
  run.settle();
  CHECK(run.component.core.sent == "hello\n\n");
  CHECK(run.component.wic.sent == lines{"welcome"});
  CHECK(run.component.wic.kinds == std::vector<message_kind>{message_kind::text});
  CHECK(run.component.count().messages_from_wic == 2);
  CHECK_FALSE(run.ended);
}

TEST_CASE("nothing is taken from the WIC before the core's stream is up") {
  stage_run run(lines_stage(), [](auto& c) { c.core_is_up = false; });
  run.component.wic.arrive("early", message_kind::text);
  run.settle();
  CHECK(run.component.wic.waiting() == 1);
  run.component.core_comes_up();
  run.settle();
  CHECK(run.component.core.sent == "early\n");
}

TEST_CASE("what is no line ends the stage with the word for it, after the lines before it") {
  struct flaw {
    std::string text;
    message_kind kind;
    std::string cause;
  };
  for (const auto& bad :
       {flaw{"two\nlines", message_kind::text, "lines:syntax"}, flaw{"cr\r", message_kind::text, "lines:syntax"},
        flaw{"\xFF", message_kind::text, "lines:syntax"}, flaw{"binary", message_kind::binary, "lines:syntax"},
        flaw{std::string(8193, 'x'), message_kind::text, "lines:too-large"}}) {
    stage_run run(lines_stage());
    run.component.wic.arrive("good", message_kind::text);
    run.component.wic.arrive(bad.text, bad.kind);
    run.settle();
    CHECK(run.failure() == bad.cause);
    CHECK(run.component.core.sent == "good\n");
  }
  for (const auto& [bad, cause] : {std::pair("\xFF\n", "lines:syntax"), std::pair("123456789\n", "lines:too-large")}) {
    stage_run run(lines_stage(), [](auto& c) { c.wic.limit = 8; });  // the browser's a=max-message-size
    run.component.core.arrive(std::string("12345678\n") + bad);
    run.settle();
    CHECK(run.failure() == cause);
    CHECK(run.component.wic.sent == lines{"12345678"});
  }
}

TEST_CASE("a last line without its end is a line, and the core is named as the side that closed") {
  stage_run run(lines_stage());
  run.component.core.arrive("bye");
  run.component.core.peer_closes();
  run.advance(20ms);
  CHECK(run.ended);
  CHECK(run.failure() == "");
  CHECK(run.end == side::core);
  CHECK(run.component.wic.sent == lines{"bye"});
}

TEST_CASE("finish waits for the rest of a line, and the counts stay readable") {
  stage_run run(lines_stage());
  run.component.core.arrive("ind");
  run.settle();
  run.finish();
  run.advance(1s);
  CHECK_FALSE(run.ended);
  run.component.core.arrive("eed\n");
  run.advance(60ms);
  CHECK(run.ended);
  CHECK_FALSE(run.end);
  CHECK(run.component.wic.sent == lines{"indeed"});
  CHECK(run.component.count().octets_to_wic == 6);
  CHECK_FALSE(run.component.finish);
}

TEST_CASE("cancel ends the stage before and after the core's stream is up") {
  for (const bool up : {false, true}) {
    stage_run run(lines_stage(), [&](auto& c) { c.core_is_up = up; });
    CHECK_FALSE(run.ended);
    run.cancel();
    CHECK(run.failure() == "cancelled");
  }
}
