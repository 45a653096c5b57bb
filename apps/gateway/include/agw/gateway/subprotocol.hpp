// How a stage for a data channel's subprotocol is chosen, and what it works with. Most stages are a translator in a relay: relay_stage.hpp.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "agw/core/flow_gate.hpp"
#include "agw/core/pipe.hpp"
#include "agw/core/relay.hpp"
#include "agw/gateway/model.hpp"

namespace agw::gateway {

/// What a component's stage counted. Octets and messages are those of the data channel.
using component_counters = relay_counters;

/// What ended a component's stage orderly: the side that closed, or, with nothing, that it was asked to finish.
using component_end = std::optional<side>;

/// What a subprotocol stage works with. Belongs to the component and outlives the stage.
class component_context {
 public:
  virtual ~component_context() = default;
  /// The open data channel towards the WIC.
  virtual message_pipe& channel() = 0;
  /// The TCP or TLS stream of the same stream number, as soon as it is up. A stage that terminates the subprotocol itself never calls it.
  virtual awaitable<byte_stream*> bearer() = 0;
  /// StreamMode: a stage awaits its passes() after each read, before it uses what it read, because the gate may have closed while the read
  /// waited; and before each read as well, so that what may not pass stays with its sender. A stage without a bearer passes when the access
  /// side's mode allows it.
  virtual flow_gate& gate() = 0;
  /// Where Subtract, audits and metrics read the stage's counts: called on the shard until the stage ends, and once after it.
  virtual void count_with(std::function<component_counters()> read) = 0;
  /// `finish` is called when the call is about to end, or one end of the stream is about to move to another context: the stage passes on
  /// what it has taken, unit by unit, and returns however long that takes. After the flush time it is cancelled if the call ends; an end
  /// that was to move stays. A stage that sets nothing is cancelled at once.
  virtual void finish_with(std::function<void()> finish) = 0;
  /// How long a stage passes on what one side had sent when the other one closed, or takes nothing any more.
  virtual clock::duration flush_time() const = 0;
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
  const std::map<std::string, subprotocol_stage, std::less<>>& all() const noexcept { return stages_; }

 private:
  std::map<std::string, subprotocol_stage, std::less<>> stages_;
};

}  // namespace agw::gateway
