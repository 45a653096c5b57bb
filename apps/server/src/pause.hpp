// A moment in which no shard runs: what all of them read without a lock may change.
#pragma once

#include <latch>
#include <memory>

#include <boost/asio/post.hpp>

#include "agw/core/shard.hpp"

namespace agw::server {

/// Runs `f` while every shard waits between two of its handlers. For what changes by the hour; called on a thread that no shard ever waits for.
template <class F>
void while_shards_stand(shard_pool& shards, F f) {
  struct meeting {
    explicit meeting(std::size_t shards) : all_stand(static_cast<std::ptrdiff_t>(shards)) {}
    std::latch all_stand;
    std::latch go_on{1};
  };
  const auto here = std::make_shared<meeting>(shards.size());
  for (std::size_t i = 0; i < shards.size(); ++i) {
    asio::post(shards[i].executor(), [here] {
      here->all_stand.count_down();
      here->go_on.wait();
    });
  }
  here->all_stand.wait();
  f();
  here->go_on.count_down();
}

}  // namespace agw::server
