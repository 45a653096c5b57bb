#include "call.hpp"

#include <boost/asio/post.hpp>

#include "agw/core/log.hpp"
#include "agw/core/scope_guard.hpp"
#include "agw/msrp/transaction_id.hpp"
#include "call_failure.hpp"
#include "crew.hpp"

namespace agw::load {

namespace {

constexpr std::size_t batch_bytes = 128u << 10;      // of one write to the core
constexpr std::size_t first_read_bytes = 2u << 10;   // an idle call is to be cheap
constexpr std::size_t largest_read_bytes = 256u << 10;
constexpr int most_without_turn = 32;                // messages, before other calls have their turn
constexpr auto first_message_limit = std::chrono::seconds(15);

}  // namespace

call::call(crew& owner, std::uint64_t number, clock::time_point intended)
    : owner_(owner),
      number_(number),
      intended_(intended),
      scope_(owner.shared().stages, "call " + std::to_string(number), 1, [&owner](const stage_event& e) { owner.on_stage(e); }) {}

void call::end() { ended_.set(); }

bool call::send(bool up, clock::time_point intended) {
  auto& w = up ? up_way_ : down_way_;
  const bool taken = w.waiting.push(intended);
  w.wanted.set();
  return taken;
}

void call::send_until(bool up, clock::time_point end) {
  auto& w = up ? up_way_ : down_way_;
  w.waiting.send_until(end);
  w.wanted.set();
}

void call::rest() {
  if (is_up()) wic_->rest();
}

bool call::quiet(clock::time_point now) const noexcept {
  return !is_up() || (up_way_.waiting.idle(now) && down_way_.waiting.idle(now) && up_way_.sent == up_way_.received && down_way_.sent == down_way_.received);
}

awaitable<void> call::run(clock::duration hold) {
  owner_.counted().calls_begun.add();
  task_group layers(co_await asio::this_coro::executor, "layers");
  std::string failure;
  try {
    auto body = [this, &layers, hold](task_group& tasks) { return live(tasks, layers, hold); };
    co_await with_tasks("call", std::move(body));
  } catch (const stage_error& e) {
    failure = e.cause();
  } catch (const std::exception& e) {
    failure = e.what();
  }
  if (!failure.empty() && !gateway_cause_.empty()) failure = "gateway " + gateway_cause_;
  if (std::exchange(up_, false)) owner_.counted().standing.subtract();
  ending_ = true;
  if (context_ != 0) co_await release();
  if (wic_) wic_->drop();
  co_await layers.stop();
  core_.reset();
  *self_ = nullptr;
  owner_.counted().calls_ended.add();
  if (!failure.empty()) owner_.failed(number_, failure);
  settled.set();
  gone.set();
}

awaitable<void> call::live(task_group& tasks, task_group& layers, clock::duration hold) {
  co_await set_up(tasks, layers);
  up_ = true;
  tasks.spawn("send up", [this] { return send_up(); });
  tasks.spawn("send down", [this] { return send_down(); });
  tasks.spawn("read up", [this] { return read_up(); });
  tasks.spawn("read down", [this] { return read_down(); });
  owner_.counted().standing.add();
  co_await ring();
  owner_.counted().calls_up.add();
  settled.set();
  const auto by = hold == clock::duration::max() ? no_deadline : deadline_after(hold);
  auto ending = ended_.wait();
  co_await within(by, std::move(ending));
  ending_ = true;
  co_await release();
}

// The first message, whose arrival ends the set-up.
awaitable<void> call::ring() {
  send(true, intended_);
  auto arriving = first_arrived_.wait();
  const bool came = co_await within(deadline_after(first_message_limit), std::move(arriving));
  if (!came) throw call_failure("msrp:timeout");
}

awaitable<void> call::set_up(task_group& tasks, task_group& layers) {
  auto executor = co_await asio::this_coro::executor;
  const auto& shared = owner_.shared();
  auto opened = wic::open(executor, shared.wics, number_);
  if (!opened) throw call_failure("port:" + opened.error().message());
  wic_ = std::move(*opened);
  auto listening = tcp::listener::open(executor, shared.core_address, *shared.wics.ports);
  if (!listening) throw call_failure("port:" + listening.error().message());
  listener_ = std::move(*listening);

  call_request request;
  request.wic = wic_->description();
  request.core.address = shared.core_address;
  request.core.port = listener_->local().port();
  const auto session = std::to_string(number_);
  request.wic_path = wic_path_of(request.wic, "w" + session);
  request.core_path = core_path_of(request.core, "c" + session);
  request.on_failure = [executor, self = self_](std::string cause) {
    asio::post(executor, [self, text = std::move(cause)]() mutable {
      if (*self) (*self)->failed_at_gateway(std::move(text));
    });
  };
  up_way_.makes.emplace(request.core_path, request.wic_path, owner_.options().size);
  down_way_.makes.emplace(request.wic_path, request.core_path, owner_.options().size);

  const auto asked = clock::now();
  auto opening = owner_.open(std::move(request));
  const auto answer = co_await std::move(opening);
  context_ = answer.context;
  tasks.spawn("gateway", [this] { return watch_gateway(); });
  owner_.took("h248", clock::now() - asked);
  co_await wic_->connect(scope_, tasks, layers, answer.gateway);
  core_ = co_await scope_.stage("tcp", listener_->accept(std::nullopt));
  listener_.reset();
}

awaitable<void> call::release() {
  const auto context = std::exchange(context_, 0);
  const auto asked = clock::now();
  auto releasing = owner_.release(context);
  co_await std::move(releasing);
  owner_.took("release", clock::now() - asked);
}

void call::failed_at_gateway(std::string cause) {
  if (ending_ || !gateway_cause_.empty()) return;
  gateway_cause_ = std::move(cause);
  gateway_failed_.set();
}

// Not before the context is known: whoever cancels the set-up releases it.
awaitable<void> call::watch_gateway() {
  co_await gateway_failed_.wait();
  throw call_failure(gateway_cause_);
}

awaitable<void> call::send_up() {
  auto& counted = owner_.counted().up;
  auto executor = co_await asio::this_coro::executor;
  try {
    for (int turn = 0;;) {
      const auto intended = up_way_.waiting.take(clock::now());
      if (!intended) {
        co_await up_way_.wanted.wait();
        continue;
      }
      const auto chunk = up_way_.makes->make(up_way_.sent, *intended);
      while (!wic_->channel().try_send(chunk)) {
        turn = 0;
        co_await wic_->channel().send_ready();
      }
      ++up_way_.sent;
      counted.messages_sent.add();
      counted.bytes_sent.add(up_way_.makes->body_bytes());
      if (++turn >= most_without_turn) {
        turn = 0;
        co_await asio::post(executor, use_awaitable);
      }
    }
  } catch (const stage_error&) {
    if (!ending_) throw;
  }
}

awaitable<void> call::send_down() {
  auto& counted = owner_.counted().down;
  std::vector<std::byte> batch;
  try {
    for (;;) {
      std::uint64_t messages = 0;
      batch.clear();
      while (batch.size() < batch_bytes) {
        const auto intended = down_way_.waiting.take(clock::now());
        if (!intended) break;
        const auto chunk = down_way_.makes->make(down_way_.sent + messages, *intended);
        batch.insert(batch.end(), chunk.begin(), chunk.end());
        ++messages;
      }
      if (messages == 0) {
        batch.shrink_to_fit();
        co_await down_way_.wanted.wait();
        continue;
      }
      if (core_ended_) co_return;
      // Counted before: the other end may see it before write() returns.
      down_way_.sent += messages;
      counted.messages_sent.add(messages);
      counted.bytes_sent.add(messages * down_way_.makes->body_bytes());
      const bytes_view whole(batch);
      co_await core_->write(std::span(&whole, 1));
    }
  } catch (const stage_error&) {
    if (!ending_) throw;
  }
}

// At the core: what the WIC has sent.
awaitable<void> call::read_up() {
  std::vector<std::byte> buffer(first_read_bytes);
  try {
    for (;;) {
      const auto size = co_await core_->read_some(buffer);
      if (size == 0) break;
      const bool good = up_way_.reads.read(bytes_view(buffer.data(), size), [this](const chunk_reader::message& m) { arrived(true, m); });
      if (!good) throw call_failure("core msrp:syntax");
      if (size == buffer.size() && size < largest_read_bytes) buffer.resize(size * 2);
    }
    // The gateway's reply to Subtract waits for our FIN.
    core_ended_ = true;
    if (ending_) co_await core_->close(deadline_after(std::chrono::seconds(1)));
  } catch (const stage_error&) {
    if (!ending_) throw;
    co_return;
  }
  if (!ending_) throw call_failure("core tcp:closed");
}

awaitable<void> call::read_down() {
  std::vector<message> got;
  try {
    for (;;) {
      got.clear();
      if (!co_await wic_->channel().receive(got)) break;
      for (const auto& m : got) {
        const bool good = down_way_.reads.read(m.bytes, [this](const chunk_reader::message& one) { arrived(false, one); });
        if (!good) throw call_failure("wic msrp:syntax");
      }
    }
    // The gateway has reset its direction, and waits for ours.
    if (ending_) co_await wic_->channel().close(deadline_after(std::chrono::seconds(1)));
  } catch (const stage_error&) {
    if (!ending_) throw;
    co_return;
  }
  if (!ending_) throw call_failure("wic channel:closed");
}

void call::arrived(bool up, const chunk_reader::message& m) {
  auto& w = up ? up_way_ : down_way_;
  auto& counted = up ? owner_.counted().up : owner_.counted().down;
  if (m.number != w.received || m.body_bytes != w.makes->body_bytes()) counted.misplaced.add();
  const auto took = clock::now() - m.intended;
  if (up && w.received == 0) {
    owner_.set_up_took(took);
    first_arrived_.set();
  } else {
    owner_.message_took(up, took);
  }
  ++w.received;
  counted.messages_received.add();
  counted.bytes_received.add(m.body_bytes);
}

}  // namespace agw::load
