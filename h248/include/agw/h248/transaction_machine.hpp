// The transaction layer as a whole (H.248.1 8 and D.1), without I/O: both tables and the outbox between them and the links. Time
// and what came in are arguments; what is to be sent and what has ended are taken out. So a test plays hours in milliseconds.
#pragma once

#include <vector>

#include <agw/h248/transaction_config.hpp>
#include <agw/h248/transaction_outbox.hpp>
#include <agw/h248/transaction_replies.hpp>
#include <agw/h248/transaction_requests.hpp>

namespace agw::h248 {

class transaction_machine {
 public:
  transaction_machine(const transaction_config& config, std::uint64_t seed)
      : config_(config), outbox_(config_), requests_(config_, outbox_, seed), replies_(config_, outbox_) {}
  transaction_machine(const transaction_machine&) = delete;
  transaction_machine& operator=(const transaction_machine&) = delete;

  transaction_outbox& outbox() noexcept { return outbox_; }
  request_table& requests() noexcept { return requests_; }
  reply_table& replies() noexcept { return replies_; }
  const request_table& requests() const noexcept { return requests_; }
  const reply_table& replies() const noexcept { return replies_; }

  const transaction_config& config() const noexcept { return config_; }
  void set_config(const transaction_config& config) { config_ = config; }

  struct expired {
    std::vector<request_table::failure> failed;
    std::vector<execution_id> given_up;
  };
  /// To be called at next_deadline().
  expired expire(clock::time_point now) {
    expired out;
    requests_.expire(now, out.failed);
    replies_.expire(now, out.given_up);
    return out;
  }
  clock::time_point next_deadline() const noexcept { return std::min(requests_.next_deadline(), replies_.next_deadline()); }

 private:
  transaction_config config_;
  transaction_outbox outbox_;
  request_table requests_;
  reply_table replies_;
};

}  // namespace agw::h248
