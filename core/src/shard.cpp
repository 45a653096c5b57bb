#include "agw/core/shard.hpp"

#include <string>
#include <system_error>

#include <pthread.h>

namespace agw {

shard::shard(std::size_t index) : index_(index), work_(context_.get_executor()) {}

shard::~shard() { stop(); }

void shard::start() {
  thread_ = std::thread([this] { context_.run(); });
  // At most 15 characters; a name that is not taken is no loss.
  ::pthread_setname_np(thread_.native_handle(), ("agw-shard-" + std::to_string(index_)).c_str());
}

void shard::run() { context_.run(); }

void shard::stop() {
  work_.reset();
  context_.stop();
  if (thread_.joinable()) thread_.join();
}

shard_pool::shard_pool(std::size_t count, driven_t) {
  for (std::size_t i = 0; i < count; ++i) shards_.push_back(std::make_unique<shard>(i));
}

shard_pool::shard_pool(std::size_t count) : shard_pool(count, driven) {
  for (auto& s : shards_) {
    try {
      s->start();
    } catch (const std::system_error& e) {
      throw std::system_error(e.code(), "thread " + std::to_string(s->index() + 1) + " of " + std::to_string(count));
    }
  }
}

shard_pool::~shard_pool() { stop(); }

void shard_pool::stop() {
  for (auto& s : shards_) s->stop();
}

}  // namespace agw
