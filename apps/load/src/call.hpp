// One call of the load: the WIC, the core peer and what the controller does for them, from set-up to release.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "agw/core/event.hpp"
#include "agw/core/stage.hpp"
#include "agw/core/task_group.hpp"
#include "agw/transports/tcp.hpp"
#include "chunk_maker.hpp"
#include "outbox.hpp"
#include "wic.hpp"

namespace agw::load {

class crew;

/// Shard-bound; outlives run(). Each call begins with one message to the core, which shows that its way is whole.
class call {
 public:
  /// `number` is the call's own among all. Set-up counts from `intended`.
  call(crew& owner, std::uint64_t number, clock::time_point intended);

  /// From set-up to release. `hold`: released so long after the first message has arrived, if end() does not come before. Never throws, and
  /// is not cancelled: end() ends it.
  awaitable<void> run(clock::duration hold);
  void end();

  /// Messages whose intended time is now or was before. False: too many of this call wait already.
  bool send(bool up, clock::time_point intended);
  /// As many as fit, until then.
  void send_until(bool up, clock::time_point end);
  /// Nothing waits to be sent, and what was sent has arrived.
  bool quiet(clock::time_point now) const noexcept;
  /// Its WIC has nothing more to send or to expect but consent.
  void rest();
  bool is_up() const noexcept { return up_ && !ending_; }

  event settled;  ///< it is up, or has failed
  event gone;     ///< run() has ended

 private:
  struct way {
    outbox waiting;
    event wanted;
    std::optional<chunk_maker> makes;
    chunk_reader reads;
    std::uint64_t sent = 0, received = 0;
  };

  awaitable<void> live(task_group& tasks, task_group& layers, clock::duration hold);
  awaitable<void> set_up(task_group& tasks, task_group& layers);
  awaitable<void> ring();
  awaitable<void> watch_gateway();
  awaitable<void> release();
  awaitable<void> send_up();
  awaitable<void> send_down();
  awaitable<void> read_up();
  awaitable<void> read_down();
  void arrived(bool up, const chunk_reader::message& m);
  void failed_at_gateway(std::string cause);

  crew& owner_;
  std::uint64_t number_;
  clock::time_point intended_;
  stage_scope scope_;
  std::unique_ptr<wic> wic_;
  std::unique_ptr<tcp::listener> listener_;
  std::unique_ptr<tcp::stream> core_;
  std::uint32_t context_ = 0;
  way up_way_, down_way_;
  event first_arrived_;
  event ended_;
  event gateway_failed_;
  std::string gateway_cause_;  // what it notified first
  std::shared_ptr<call*> self_ = std::make_shared<call*>(this);  // for what comes from the controller's loop
  bool up_ = false;
  bool ending_ = false;
  bool core_ended_ = false;
};

}  // namespace agw::load
