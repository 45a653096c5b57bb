#include "loop_watch.hpp"

#include <boost/asio/post.hpp>

#include "agw/core/until.hpp"

namespace agw::server {

namespace {

constexpr auto period = std::chrono::seconds(1);
constexpr std::size_t control = 0;

double seconds(clock::duration d) { return std::chrono::duration<double>(std::max(d, clock::duration{})).count(); }

std::vector<std::string> names_of(shard_pool& shards) {
  std::vector<std::string> out{"control"};
  for (std::size_t i = 0; i < shards.size(); ++i) out.push_back("shard" + std::to_string(i));
  return out;
}

}  // namespace

loop_health::loop_health(std::vector<std::string> names, clock::time_point now) {
  for (auto& name : names) loops_.push_back({std::move(name), now});
}

bool loop_health::ask(std::size_t loop, clock::time_point now) {
  auto& l = loops_.at(loop);
  if (l.waits) return false;
  l.waits = true;
  l.asked = now;
  return true;
}

void loop_health::answered(std::size_t loop, clock::time_point now) {
  auto& l = loops_.at(loop);
  l.waits = false;
  l.turned = now;
}

// A loop that nobody asks, because the control loop hangs, is not to blame.
std::vector<std::string> loop_health::stuck(clock::time_point now) const {
  std::vector<std::string> out;
  for (std::size_t i = 0; i < loops_.size(); ++i) {
    const auto& l = loops_[i];
    const bool late = i == control ? now - l.turned > patience : l.waits && now - l.asked > patience;
    if (late) out.push_back(l.name);
  }
  return out;
}

struct loop_watch::shared {
  explicit shared(std::vector<std::string> names) : health(std::move(names), clock::now()) {}
  loop_health health;
  std::vector<histogram*> lags;
};

loop_watch::loop_watch(shard_pool& shards, metrics& counted) : shards_(shards), shared_(std::make_shared<shared>(names_of(shards))) {
  static const std::vector<double> buckets{.0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2, 5};
  for (std::size_t i = 0; i < shared_->health.size(); ++i) {
    const metric_labels labels{{"loop", shared_->health.name(i)}};
    shared_->lags.push_back(
        &counted.histogram("agw_loop_lag_seconds", "Time until a loop turned that was asked to, in seconds; one sample a second.", labels, buckets));
  }
}

awaitable<void> loop_watch::run() {
  const auto executor = co_await asio::this_coro::executor;
  for (;;) {
    const auto due = deadline_after(period);
    co_await sleep_until(due);
    const auto now = clock::now();
    shared_->health.answered(control, now);
    shared_->lags[control]->Observe(seconds(now - due));
    for (std::size_t i = 0; i < shards_.size(); ++i) {
      if (!shared_->health.ask(i + 1, now)) continue;
      asio::post(shards_[i].executor(), [executor, asked = now, i, to = std::weak_ptr<shared>(shared_)] {
        const auto turned = clock::now();
        asio::post(executor, [asked, turned, i, to] {
          const auto s = to.lock();
          if (!s) return;
          s->health.answered(i + 1, turned);
          s->lags[i + 1]->Observe(seconds(turned - asked));
        });
      });
    }
  }
}

std::vector<std::string> loop_watch::stuck() const { return shared_->health.stuck(clock::now()); }

}  // namespace agw::server
