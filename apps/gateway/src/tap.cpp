#include "agw/gateway/tap.hpp"

#include <algorithm>
#include <optional>
#include <utility>

namespace agw::gateway {

namespace {

class tapped_channel final : public message_pipe {
 public:
  tapped_channel(message_pipe& lower, const tap& hooks) : lower_(lower), hooks_(hooks) {}

  awaitable<bool> receive(std::vector<message>& into) override { return hooks_.from_wic ? changed(into) : lower_.receive(into); }
  bool try_send(bytes_view bytes, message_kind kind) override {
    if (!hooks_.to_wic) return lower_.try_send(bytes, kind);
    // A message that found no room is sent again by its owner, and must not be changed twice.
    if (!waits_ || kind_ != kind || !std::ranges::equal(original_, bytes)) {
      kind_ = kind;
      original_.assign(bytes.begin(), bytes.end());
      changed_ = message(kind, original_);
      hooks_.to_wic(changed_);
    }
    waits_ = true;
    const bool sent = lower_.try_send(changed_.bytes, changed_.kind);
    waits_ = !sent;
    return sent;
  }
  awaitable<void> send_ready() override { return lower_.send_ready(); }
  std::size_t max_message_bytes() const noexcept override { return lower_.max_message_bytes(); }
  awaitable<void> close(deadline by) override { return lower_.close(by); }

 private:
  awaitable<bool> changed(std::vector<message>& into) {
    const auto before = into.size();
    const bool open = co_await lower_.receive(into);
    for (auto i = before; i < into.size(); ++i) hooks_.from_wic(into[i]);
    co_return open;
  }

  message_pipe& lower_;
  const tap& hooks_;
  bool waits_ = false;
  message_kind kind_ = message_kind::binary;
  std::vector<std::byte> original_;
  message changed_;
};

class tapped_stream final : public byte_stream {
 public:
  tapped_stream(byte_stream& lower, const tap& hooks) : lower_(lower), hooks_(hooks) {}

  awaitable<std::size_t> read_some(std::span<std::byte> into) override {
    return hooks_.from_core ? changed(into) : lower_.read_some(into);
  }
  awaitable<void> write(std::span<const bytes_view> pieces) override {
    return hooks_.to_core ? write_changed(pieces) : lower_.write(pieces);
  }
  awaitable<void> close(deadline by) override { return lower_.close(by); }

 private:
  awaitable<std::size_t> changed(std::span<std::byte> into) {
    const auto count = co_await lower_.read_some(into);
    if (count > 0) hooks_.from_core(into.first(count));
    co_return count;
  }
  awaitable<void> write_changed(std::span<const bytes_view> pieces) {
    std::vector<std::byte> all;
    for (const auto& piece : pieces) all.insert(all.end(), piece.begin(), piece.end());
    hooks_.to_core(all);
    const bytes_view whole(all);
    co_await lower_.write(std::span<const bytes_view>(&whole, 1));
  }

  byte_stream& lower_;
  const tap& hooks_;
};

class tapped_context final : public component_context {
 public:
  tapped_context(component_context& lower, tap hooks)
      : lower_(lower), hooks_(std::move(hooks)), channel_(lower.channel(), hooks_) {}

  message_pipe& channel() override { return channel_; }
  awaitable<byte_stream*> bearer() override {
    byte_stream* const lower = co_await lower_.bearer();
    stream_.emplace(*lower, hooks_);
    co_return &*stream_;
  }
  flow_gate& gate() override { return lower_.gate(); }
  void count_with(std::function<component_counters()> read) override { lower_.count_with(std::move(read)); }
  void finish_with(std::function<void()> finish) override { lower_.finish_with(std::move(finish)); }
  clock::duration flush_time() const override { return lower_.flush_time(); }
  const channel_local& local() const override { return lower_.local(); }
  const channel_remote& remote() const override { return lower_.remote(); }
  const bearer_local* core_local() const override { return lower_.core_local(); }
  const bearer_remote* core_remote() const override { return lower_.core_remote(); }

 private:
  component_context& lower_;
  tap hooks_;
  tapped_channel channel_;
  std::optional<tapped_stream> stream_;
};

awaitable<component_end> run_tapped(component_context& c, subprotocol_stage stage, std::function<tap(component_context&)> make) {
  tapped_context behind(c, make(c));
  co_return co_await stage(behind);
}

}  // namespace

subprotocol_stage tapped(subprotocol_stage stage, std::function<tap(component_context&)> make) {
  return [stage = std::move(stage), make = std::move(make)](component_context& c) { return run_tapped(c, stage, make); };
}

}  // namespace agw::gateway
