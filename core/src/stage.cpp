#include "agw/core/stage.hpp"

#include "agw/core/log.hpp"
#include "agw/core/metrics.hpp"

namespace agw {

namespace {

double seconds(clock::duration d) { return std::chrono::duration<double>(d).count(); }

}  // namespace

deadline stage_scope::deadline_of(std::string_view name, stage_life life) const {
  if (life != stage_life::setup) return no_deadline;
  const auto found = services_.deadlines.find(name);
  return found == services_.deadlines.end() ? no_deadline : deadline_after(found->second);
}

clock::time_point stage_scope::started(std::string_view name) {
  log::debug("{}: {} started", label_, name);
  stage_event event;
  event.stage = name;
  emit(event);
  return clock::now();
}

void stage_scope::done(std::string_view name, clock::time_point begin, stage_life life) {
  stage_event event;
  event.what = stage_event::kind::done;
  event.stage = name;
  event.took = clock::now() - begin;
  log::debug("{}: {} done after {:.1f} ms", label_, name, seconds(event.took) * 1e3);
  if (services_.metrics && life != stage_life::lasting) services_.metrics->stage_took(name, seconds(event.took));
  emit(event);
}

void stage_scope::failed(std::string_view name, clock::time_point begin, const std::exception_ptr& error) {
  const auto took = clock::now() - begin;
  if (is_cancellation(error)) {
    stage_event event;
    event.what = stage_event::kind::cancelled;
    event.stage = name;
    event.took = took;
    log::debug("{}: {} cancelled after {:.1f} ms", label_, name, seconds(took) * 1e3);
    emit(event);
    std::rethrow_exception(error);
  }
  try {
    std::rethrow_exception(error);
  } catch (stage_error& e) {
    report(e);
    throw;
  } catch (const system_error& e) {
    const bool late = e.code() == core_error::timed_out;
    stage_error failure(name, late ? "timeout" : "error", e.code(), late ? std::string() : std::string(e.what()));
    report(failure);
    throw failure;
  } catch (...) {
    stage_error failure(name, "error", {}, describe(error));
    report(failure);
    throw failure;
  }
}

void stage_scope::report(stage_error& error) {
  if (error.reported()) return;
  error.mark_reported();
  const bool orderly = error.reason() == "closed";
  auto remark = remark_ ? remark_() : std::string();
  if (!remark.empty()) remark.insert(0, "; ");
  if (orderly) log::info("{}: ended: {}{}", label_, error.what(), remark);
  else log::info("{}: failed: {}{}", label_, error.what(), remark);
  if (services_.metrics && !orderly) services_.metrics->stage_failed(error.stage(), error.reason());
  stage_event event;
  event.what = stage_event::kind::failed;
  event.stage = error.stage();
  event.error = &error;
  emit(event);
}

void stage_scope::emit(const stage_event& event) {
  if (!services_.trace && !observer_) return;
  stage_event full = event;
  full.scope = label_;
  full.stream = stream_;
  if (services_.trace) services_.trace(full);
  if (observer_) observer_(full);
}

}  // namespace agw
