// How a stage for a data channel's subprotocol is written and chosen. The built-in one is MSRP; apps/examples holds another.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>

#include "agw/core/pipe.hpp"
#include "agw/gateway/model.hpp"
#include "agw/msrp/flow_gate.hpp"

namespace agw::gateway {

/// What a component's stage counted.
struct component_counters {
  std::uint64_t octets_to_wic = 0;
  std::uint64_t octets_from_wic = 0;
  std::uint64_t messages_to_wic = 0;
  std::uint64_t messages_from_wic = 0;
  std::uint64_t chunks_forwarded = 0;
  std::uint64_t chunks_rejected = 0;
};

/// What ended a component's stage orderly: one side closed, or the stage was asked to finish.
enum class component_end : std::uint8_t { wic, core, finished };

/// What a subprotocol stage works with. Belongs to the component and outlives the stage.
class component_context {
 public:
  virtual ~component_context() = default;
  /// The open data channel towards the WIC.
  virtual message_pipe& channel() = 0;
  /// The TCP or TLS stream of the same stream number, as soon as it is up. A stage that terminates the subprotocol itself never calls it.
  virtual awaitable<byte_stream*> bearer() = 0;
  /// StreamMode: await its passes() before each read and again after it, because the gate may close while the read waits. A stage
  /// without a bearer passes when the access side's mode allows it.
  virtual msrp::flow_gate& gate() = 0;
  /// Where Subtract, audits and metrics read the stage's counts: called on the shard until the stage ends, and once after it.
  virtual void count_with(std::function<component_counters()> read) = 0;
  /// `finish` is called when the call is about to end, or one end of the stream is about to move to another context: the stage passes on
  /// what it has taken, unit by unit, and returns however long that takes. After the flush time it is cancelled if the call ends; an end
  /// that was to move stays. A stage that sets nothing is cancelled at once.
  virtual void finish_with(std::function<void()> finish) = 0;
  virtual const channel_local& local() const = 0;
  virtual const channel_remote& remote() const = 0;
  /// What the core termination of the stream was told, when there is one: for paths and the MSRP mode.
  virtual const bearer_local* core_local() const = 0;
  virtual const bearer_remote* core_remote() const = 0;
};

/// A stage runs until one side ends orderly (and says which), throws stage_error when it fails, and is cancelled otherwise.
using subprotocol_stage = std::function<awaitable<component_end>(component_context&)>;

/// By the name in a=dcmap's subprotocol.
class subprotocol_registry {
 public:
  void add(std::string name, subprotocol_stage stage) { stages_.insert_or_assign(std::move(name), std::move(stage)); }
  /// Null: no stage serves it.
  const subprotocol_stage* find(std::string_view name) const {
    const auto found = stages_.find(name);
    return found == stages_.end() ? nullptr : &found->second;
  }
  /// The registry's own copy of the name, which lives as long as the registry: what log and metrics call the stage.
  std::string_view name_of(std::string_view name) const {
    const auto found = stages_.find(name);
    return found == stages_.end() ? std::string_view() : std::string_view(found->first);
  }

 private:
  std::map<std::string, subprotocol_stage, std::less<>> stages_;
};

}  // namespace agw::gateway
