#include "agw/transports/sctp_association.hpp"

#include <stdexcept>

#include "sctp/core.hpp"

namespace agw::sctp {

association::association(std::shared_ptr<association_core> core) noexcept : core_(std::move(core)) {}

association::~association() { core_->abandon(); }

// The coroutines below keep the core: it may be abandoned, but not gone, while one of them waits.
awaitable<std::unique_ptr<data_channel>> association::open_channel(std::uint16_t id, std::string label, std::string protocol,
                                                                   channel_transfer transfer) {
  const auto core = core_;
  co_return co_await core->channels().open(id, std::move(label), std::move(protocol), transfer);
}

awaitable<std::unique_ptr<data_channel>> association::accept_channel(channel_expectation expected) {
  const auto core = core_;
  co_return co_await core->channels().accept(std::move(expected));
}

awaitable<std::unique_ptr<data_channel>> association::open_with_dcep(dcep_open wanted, std::optional<std::uint16_t> id) {
  const auto core = core_;
  co_return co_await core->channels().open_with_dcep(std::move(wanted), id);
}

awaitable<void> association::close(deadline by) {
  const auto core = core_;
  co_await core->close(by);
}

std::string_view association::obstacle(std::uint16_t id) const { return core_->channels().obstacle(id); }

std::string_view association::obstacle(const config& options, std::uint16_t id) noexcept { return channel_table::obstacle(options, id); }

association_statistics association::statistics() const { return core_->statistics(); }

awaitable<std::unique_ptr<association>> open(task_group& tasks, datagram_pipe& lower, config options) {
  if (options.max_message_bytes == 0 || options.streams == 0 || options.send_buffer_bytes < 4096 ||
      options.receive_buffer_bytes < 4096) {
    throw std::invalid_argument("sctp::config");
  }
  const auto core = std::make_shared<association_core>(tasks.get_executor(), lower, options);
  auto out = std::make_unique<association>(core);  // aborts, when what follows is cancelled
  core->start();
  tasks.spawn("sctp", [core] { return association_core::pump(core); });
  co_await core->established();
  co_return out;
}

}  // namespace agw::sctp
