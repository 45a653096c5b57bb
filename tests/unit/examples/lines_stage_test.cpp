#include <optional>

#include <catch2/catch.hpp>

#include "agw/examples/stages.hpp"
#include "support/loop.hpp"
#include "unit/msrp/memory_pipes.hpp"

using namespace agw;
using namespace std::chrono_literals;
using gateway::component_counters;
using gateway::component_end;
using msrp::flow_gate;
using msrp::side;
using msrp::stream_mode;
using msrp::test::unlimited;

namespace {

// The component, played by the test: pipes in memory, and what the stage registered.
class played_component final : public gateway::component_context {
 public:
  message_pipe& channel() override { return wic; }
  awaitable<byte_stream*> bearer() override {
    while (!bearer_is_up) co_await bearer_changed.wait();
    co_return &core;
  }
  flow_gate& gate() override { return mode; }
  void count_with(std::function<component_counters()> f) override { count = std::move(f); }
  void finish_with(std::function<void()> f) override { finish = std::move(f); }
  const gateway::channel_local& local() const override { return local_; }
  const gateway::channel_remote& remote() const override { return remote_; }
  const gateway::bearer_local* core_local() const override { return nullptr; }
  const gateway::bearer_remote* core_remote() const override { return nullptr; }

  msrp::test::memory_channel wic;
  msrp::test::memory_stream core;
  flow_gate mode{stream_mode::send_receive, stream_mode::send_receive};
  bool bearer_is_up = true;
  event bearer_changed;
  std::function<component_counters()> count;
  std::function<void()> finish;

 private:
  gateway::channel_local local_;
  gateway::channel_remote remote_;
};

// The stage under its name, on a test clock.
struct call {
  explicit call(bool bearer_is_up = true, std::size_t channel_limit = 65536) {
    component.bearer_is_up = bearer_is_up;
    component.wic.limit = channel_limit;
    gateway::subprotocol_registry registry;
    examples::add_stages(registry);
    stage = *registry.find("lines");
    auto body = [this]() -> awaitable<void> { end = co_await stage(component); };
    asio::co_spawn(context, std::move(body), asio::bind_cancellation_slot(cancel.slot(), [this](std::exception_ptr e) {
                     error = std::move(e);
                     ended = true;
                   }));
    settle();
  }
  ~call() {
    if (!ended) cancel.emit(asio::cancellation_type::terminal);
    settle();
    if (!ended) std::terminate();
  }
  void settle() { time.settle(); }
  void say(std::string_view line) { component.wic.arrive(line, message_kind::text); }
  std::string failure() {
    try {
      if (error) std::rethrow_exception(error);
    } catch (const stage_error& e) {
      return e.cause();
    } catch (const system_error& e) {
      return e.code() == asio::error::operation_aborted ? "cancelled" : e.what();
    }
    return "";
  }

  asio::io_context context{1};
  agw::test::manual_clock time{context};
  played_component component;
  gateway::subprotocol_stage stage;
  asio::cancellation_signal cancel;
  std::optional<component_end> end;
  std::exception_ptr error;
  bool ended = false;
};

using lines = std::vector<std::string>;

}  // namespace

TEST_CASE("messages become lines, and lines become text messages") {
  call c;
  c.say("hello");
  c.say("");
  c.component.core.arrive("wel");
  c.settle();
  CHECK(c.component.core.sent == "hello\n\n");
  CHECK(c.component.core.writes == 1);
  CHECK(c.component.wic.sent.empty());
  c.component.core.arrive("come\r\nback\n");
  c.settle();
  CHECK(c.component.wic.sent == lines{"welcome", "back"});
  CHECK(c.component.wic.kinds == std::vector<message_kind>{message_kind::text, message_kind::text});
  const auto counted = c.component.count();
  CHECK(counted.messages_from_wic == 2);
  CHECK(counted.octets_from_wic == 5);
  CHECK(counted.messages_to_wic == 2);
  CHECK(counted.octets_to_wic == 11);
  CHECK_FALSE(c.ended);
}

TEST_CASE("nothing is taken from the wic before the core's stream is up") {
  call c(false);
  c.say("early");
  c.settle();
  CHECK(c.component.wic.waiting() == 1);
  c.component.bearer_is_up = true;
  c.component.bearer_changed.set();
  c.settle();
  CHECK(c.component.core.sent == "early\n");
}

TEST_CASE("a wic without room stops the reading of the stream, and nothing is lost") {
  call c;
  c.component.wic.window = 2;
  std::string stream;
  lines all;
  for (int i = 0; i < 5000; ++i) {
    all.push_back("line " + std::to_string(i));
    stream += all.back() + "\n";
  }
  c.component.core.arrive(stream);
  c.settle();
  CHECK(c.component.wic.sent.size() == 2);
  CHECK(c.component.core.waiting() == stream.size() - 4096);
  c.component.wic.give_room(unlimited);
  c.settle();
  CHECK(c.component.wic.sent == all);
}

TEST_CASE("a core that does not read stops the receiving of messages") {
  call c;
  c.component.core.window = 3;
  c.say("first");
  c.settle();
  c.say("second");
  c.settle();
  CHECK(c.component.core.sent == "fir");
  CHECK(c.component.wic.waiting() == 1);
  c.component.core.give_room(unlimited);
  c.settle();
  CHECK(c.component.core.sent == "first\nsecond\n");
}

TEST_CASE("StreamMode holds lines back and drops none") {
  call c;
  c.component.mode.set(side::stream, stream_mode::inactive);
  c.say("out");
  c.component.core.arrive("in\n");
  c.settle();
  CHECK(c.component.core.sent.empty());
  CHECK(c.component.wic.sent.empty());
  c.component.mode.set(side::stream, stream_mode::send_only);
  c.settle();
  CHECK(c.component.core.sent == "out\n");
  CHECK(c.component.wic.sent.empty());
  c.component.mode.set(side::stream, stream_mode::send_receive);
  c.settle();
  CHECK(c.component.wic.sent == lines{"in"});
}

TEST_CASE("what a peer may not send ends the stage with the word for it, after what came before") {
  {
    call c;
    c.say("good");
    c.say("two\nlines");
    c.settle();
    CHECK(c.failure() == "lines:syntax");
    CHECK(c.component.core.sent == "good\n");
    CHECK(c.component.count().messages_from_wic == 1);
  }
  {
    call c;
    c.component.wic.arrive("binary");
    c.settle();
    CHECK(c.failure() == "lines:syntax");
  }
  {
    call c;
    c.component.core.arrive("good\n\xFF\n");
    c.settle();
    CHECK(c.failure() == "lines:syntax");
    CHECK(c.component.wic.sent == lines{"good"});
  }
  {
    call c;
    c.component.core.arrive(std::string(8194, 'x'));
    c.settle();
    CHECK(c.failure() == "lines:too-large");
  }
  {
    call c(true, 100);  // the browser's a=max-message-size
    c.component.core.arrive(std::string(100, 'x') + "\n" + std::string(101, 'x') + "\n");
    c.settle();
    CHECK(c.failure() == "lines:too-large");
    CHECK(c.component.wic.sent == lines{std::string(100, 'x')});
  }
}

TEST_CASE("the side that closes is named, and its last words are handed on") {
  {
    call c;
    c.say("bye");
    c.component.wic.peer_closes();
    c.settle();
    c.time.advance(20ms);
    CHECK(c.ended);
    CHECK(c.failure() == "");
    CHECK(c.end == component_end::wic);
    CHECK(c.component.core.sent == "bye\n");
  }
  {
    call c;
    c.component.core.arrive("bye");
    c.component.core.peer_closes();
    c.settle();
    c.time.advance(20ms);
    CHECK(c.failure() == "");
    CHECK(c.end == component_end::core);
    CHECK(c.component.wic.sent == lines{"bye"});
  }
}

TEST_CASE("a side that does not read is waited for no longer than half a second") {
  for (const bool reads_on : {true, false}) {
    call c;
    c.component.core.window = 2;
    c.say("hello");
    c.settle();
    c.component.core.peer_closes();
    c.settle();
    for (int i = 0; i < 24; ++i) c.time.advance(20ms);
    CHECK_FALSE(c.ended);
    if (reads_on) c.component.core.give_room(unlimited);
    c.time.advance(20ms);
    CHECK(c.ended);
    CHECK(c.failure() == "");
    CHECK(c.end == component_end::core);
    CHECK(c.component.core.sent == (reads_on ? "hello\n" : "he"));
  }
}

TEST_CASE("finish hands on what has arrived and then ends") {
  call c;
  c.say("last words");
  c.component.finish();
  c.component.finish();
  c.settle();
  CHECK_FALSE(c.ended);
  c.component.core.arrive("indeed\n");
  c.time.advance(20ms);
  CHECK_FALSE(c.ended);  // something moved meanwhile
  c.time.advance(20ms);
  CHECK(c.ended);
  CHECK(c.end == component_end::finished);
  CHECK(c.component.core.sent == "last words\n");
  CHECK(c.component.wic.sent == lines{"indeed"});
}

TEST_CASE("finish waits for the rest of a line, and for a side that does not read, as long as the component lets it") {
  call c;
  c.component.core.window = 2;
  c.component.core.arrive("ind");
  c.say("hello");
  c.settle();
  c.component.finish();
  for (int i = 0; i < 50; ++i) c.time.advance(20ms);
  CHECK_FALSE(c.ended);
  c.component.core.give_room(unlimited);
  for (int i = 0; i < 50; ++i) c.time.advance(20ms);
  CHECK_FALSE(c.ended);
  c.component.core.arrive("eed\n");
  c.time.advance(20ms);
  c.time.advance(20ms);
  CHECK(c.ended);
  CHECK(c.component.core.sent == "hello\n");
  CHECK(c.component.wic.sent == lines{"indeed"});
}

TEST_CASE("a channel that fails is a failure, but not when the call is ending anyway") {
  {
    call c;
    c.component.wic.fail();
    c.settle();
    CHECK(c.failure() == "channel:reset");
  }
  {
    call c;
    c.component.finish();
    c.settle();
    c.component.wic.fail();
    c.settle();
    c.time.advance(20ms);
    CHECK(c.ended);
    CHECK(c.failure() == "");
    CHECK(c.end == component_end::finished);
  }
}

TEST_CASE("cancel ends the stage at every wait, and the counts stay readable") {
  const auto cancelled = [](call& c) {
    CHECK_FALSE(c.ended);
    c.cancel.emit(asio::cancellation_type::terminal);
    c.settle();
    CHECK(c.ended);
    CHECK(c.failure() == "cancelled");
  };
  {
    call c(false);  // waiting for the bearer
    cancelled(c);
  }
  {
    call c;  // reading
    c.say("hello");
    c.settle();
    cancelled(c);
    CHECK(c.component.count().messages_from_wic == 1);
    CHECK_FALSE(c.component.finish);
  }
  {
    call c;  // at the gate
    c.component.mode.set(side::channel, stream_mode::inactive);
    c.say("hello");
    c.component.core.arrive("hello\n");
    c.settle();
    cancelled(c);
  }
  {
    call c;  // writing, both ways
    c.component.core.window = 1;
    c.component.wic.window = 0;
    c.say("hello");
    c.component.core.arrive("hello\n");
    c.settle();
    cancelled(c);
  }
  {
    call c;  // ending
    c.component.finish();
    c.settle();
    cancelled(c);
  }
}
