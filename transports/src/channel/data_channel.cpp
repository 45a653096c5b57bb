#include "agw/transports/data_channel.hpp"

#include <utility>

#include "agw/core/error.hpp"
#include "agw/core/give_back.hpp"
#include "agw/core/until.hpp"
#include "agw/transports/error.hpp"
#include "channel/state.hpp"
#include "channel/table.hpp"

namespace agw::sctp {

namespace {

// What a reader takes at once it holds in memory of its own.
constexpr std::size_t max_messages_at_once = 64;
constexpr std::size_t max_bytes_at_once = 64 << 10;

}  // namespace

data_channel::data_channel(std::shared_ptr<channel_state> state) noexcept : state_(std::move(state)) {}

data_channel::~data_channel() {
  if (state_->table) state_->table->release(*state_);
}

std::uint16_t data_channel::id() const noexcept { return state_->id; }
const std::string& data_channel::label() const noexcept { return state_->label; }
const std::string& data_channel::protocol() const noexcept { return state_->protocol; }
std::size_t data_channel::max_message_bytes() const noexcept { return state_->max_message_bytes; }
const channel_statistics& data_channel::statistics() const noexcept { return state_->statistics; }

awaitable<bool> data_channel::receive(std::vector<message>& into) {
  const auto state = state_;
  while (state->inbox.empty()) {
    if (state->failed_alone) std::rethrow_exception(state->failure);
    if (state->machine.incoming_reset()) co_return false;
    if (state->failure) std::rethrow_exception(state->failure);
    co_await state->readable.wait();
    if (is_cancelled(co_await asio::this_coro::cancellation_state)) throw system_error(asio::error::operation_aborted);
  }
  std::size_t bytes = 0;
  for (std::size_t n = 0; n < max_messages_at_once && bytes < max_bytes_at_once && !state->inbox.empty(); ++n) {
    const auto size = state->inbox.front().bytes.size();
    bytes += size;
    state->held.remove(channel_state::cost_of(size), true);
    into.push_back(std::move(state->inbox.front()));
    state->inbox.pop_front();
  }
  if (state->inbox.empty()) give_back(state->inbox);  // the channel may be idle from now on
  if (state->table) state->table->taken();
  co_return true;
}

void data_channel::in_use() noexcept { state_->held.in_use(clock::now()); }

awaitable<bool> data_channel::peer_closed() {
  const auto state = state_;
  while (!state->machine.incoming_reset() && !state->failure) co_await state->ended.wait();
  if (state->failed_alone) std::rethrow_exception(state->failure);
  co_return state->machine.incoming_reset();
}

std::size_t data_channel::unread_messages() const noexcept { return state_->inbox.size(); }
bool data_channel::holds() const noexcept { return state_->held.bytes() != 0; }

bool data_channel::try_send(bytes_view message, message_kind kind) {
  if (state_->failure) std::rethrow_exception(state_->failure);
  if (!state_->table) throw stage_error("channel", "reset", make_error_code(transport_error::channel_reset));
  return state_->table->try_send(*state_, message, kind);
}

awaitable<void> data_channel::send_ready() {
  const auto state = state_;
  co_await state->writable.wait();
}

awaitable<void> data_channel::close(deadline by) {
  const auto state = state_;
  if (state->table) state->table->start_close(*state);
  while (state->table && !state->machine.finished() && !state->failure) {
    const bool changed = co_await within(by, state->changed.wait());
    if (!changed) co_return;
  }
}

}  // namespace agw::sctp
