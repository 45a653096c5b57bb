// stage(name, awaitable): the one place that gives every stage its deadline, cancellation, duration histogram, failure counter,
// log line, trace span and report to the controller. The author of a stage writes an awaitable and gets all of that.
#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <utility>

#include "agw/core/awaitable.hpp"
#include "agw/core/clock.hpp"
#include "agw/core/error.hpp"
#include "agw/core/task_group.hpp"
#include "agw/core/until.hpp"

namespace agw {

class metrics;

/// What happened to a stage, for observers (the gateway turns it into H.248 events) and trace hooks.
struct stage_event {
  enum class kind { started, done, failed, cancelled };
  kind what = kind::started;
  std::string_view scope;             ///< the label of the scope, "context 7 stream 1"
  std::string_view stage;             ///< "ice", "dtls", "sctp", "channel", "tcp", "tls", "msrp" or a stage of one's own
  unsigned stream = 0;                ///< the H.248 StreamID
  clock::duration took{};             ///< since `started`; zero for `started`
  const stage_error* error = nullptr; ///< with `failed`
};
using stage_observer = std::function<void(const stage_event&)>;

/// What all scopes of a process share. Read-only once the shards run.
struct stage_services {
  agw::metrics* metrics = nullptr;                                ///< may be null: nothing is counted then
  std::map<std::string, clock::duration, std::less<>> deadlines;  ///< by stage name; a stage that is not listed has none
  stage_observer trace;                                           ///< sees every event of every scope, on the scope's shard; may be empty
};

/// How long a stage lives.
enum class stage_life {
  setup,    ///< ends when its layer is up; timed, with the configured deadline
  patient,  ///< ends when its layer is up; timed, with a deadline of its own making
  lasting,  ///< as long as the call
};

/// A node of the tree that stages run in: a stream group, a component or a termination's bearer. Shard-bound; outlives its stages.
class stage_scope {
 public:
  /// `services` outlives the scope. `observer` may be empty.
  stage_scope(const stage_services& services, std::string label, unsigned stream, stage_observer observer)
      : services_(services), label_(std::move(label)), stream_(stream), observer_(std::move(observer)) {}

  /// Runs a stage. `name` is a string literal. A `setup` stage is cancelled when the deadline configured under its name passes,
  /// and then fails with the reason "timeout"; its duration goes into the histogram. A `lasting` stage has neither; a `patient`
  /// one is timed, but sets its own deadline.
  /// Throws stage_error, reported once, when the stage fails; operation_aborted when it is cancelled. An exception of any other type
  /// becomes the reason "error".
  template <class T>
  awaitable<T> stage(std::string_view name, awaitable<T> operation, stage_life life = stage_life::setup) {
    const auto begin = started(name);
    try {
      if constexpr (std::is_void_v<T>) {
        co_await until(deadline_of(name, life), std::move(operation));
        done(name, begin, life);
        co_return;
      } else {
        T value = co_await until(deadline_of(name, life), std::move(operation));
        done(name, begin, life);
        co_return value;
      }
    } catch (...) {
      failed(name, begin, std::current_exception());
    }
  }

  /// Counts, logs and tells the observer of a failure that came outside stage() (an established layer that died). Once per error.
  /// The reason "closed" is an orderly end by the peer: it is logged and told, but no failure that is counted.
  void report(stage_error& error);
  /// What the log adds to a failure: the peer's address, or what was seen of it. Called on the shard.
  void remark_with(std::function<std::string()> remark) { remark_ = std::move(remark); }

  const std::string& label() const noexcept { return label_; }
  /// For what is logged from now on.
  void rename(std::string label) { label_ = std::move(label); }
  unsigned stream() const noexcept { return stream_; }
  const stage_services& services() const noexcept { return services_; }

 private:
  deadline deadline_of(std::string_view name, stage_life life) const;
  clock::time_point started(std::string_view name);
  void done(std::string_view name, clock::time_point begin, stage_life life);
  [[noreturn]] void failed(std::string_view name, clock::time_point begin, const std::exception_ptr& error);
  void emit(const stage_event& event);

  const stage_services& services_;
  std::string label_;
  unsigned stream_;
  stage_observer observer_;
  std::function<std::string()> remark_;
};

}  // namespace agw
