#include "agw/transports/sctp_stack.hpp"

#include <atomic>
#include <bit>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <stdexcept>
#include <system_error>
#include <thread>
#include <unordered_map>

#include <boost/asio/post.hpp>
#include <pthread.h>
#include <time.h>
#include <usrsctp.h>

#include "agw/core/clock.hpp"
#include "agw/core/log.hpp"
#include "agw/core/metrics.hpp"
#include "sctp/chunks.hpp"
#include "sctp/crc32c.hpp"
#include "sctp/mailbox.hpp"
#include "sctp/send_buffer.hpp"
#include "sctp/tick_pace.hpp"

namespace agw::sctp {

namespace {

// How long an id is kept unused before it is used again. usrsctp frees an endpoint by timers of milliseconds when it cannot at once.
constexpr auto rest_time = std::chrono::seconds(2);
// More than any window; times the packet size it fits 32 bits.
constexpr std::uint32_t unlimited_packets = 40000;

// All associations of the process. Looked up by timers only: within its own calls an association is found by `inside_usrsctp`.
struct association_table {
  std::mutex mutex;
  std::condition_variable changed;
  std::unordered_map<association_id, std::shared_ptr<mailbox>> boxes;
  // Ids that were used and that usrsctp still knows. To take its address back would set usrsctp's iterator thread on all endpoints, and
  // one that is closed meanwhile is sometimes never freed (0.9.5).
  struct resting {
    association_id id;
    clock::time_point since;
  };
  std::deque<resting> spare;
  association_id next = 1;
  bool started = false;
  bool stopping = false;
  std::atomic<bool> worked = false;  // since the last tick, with more than HEARTBEATs
  std::atomic<bool> idle = false;    // the next tick is far away

  static association_table& get() {
    static association_table table;
    return table;
  }
};

thread_local association_id current_id = 0;
thread_local mailbox_owner* current_owner = nullptr;

std::shared_ptr<mailbox> mailbox_of(association_id id) noexcept {
  auto& table = association_table::get();
  const std::lock_guard lock(table.mutex);
  const auto found = table.boxes.find(id);
  return found == table.boxes.end() ? nullptr : found->second;
}

// No exception may pass through usrsctp's C frames: its locks would stay locked for ever. What throws here (bad_alloc) ends the association.
template <class F>
void at_border(const std::shared_ptr<mailbox>& box, F f) noexcept {
  try {
    f();
  } catch (...) {
    if (box) {
      box->exhausted();
    } else if (current_owner) {
      current_owner->on_exhausted();
    }
  }
}

// usrsctp's output callback. It is called with usrsctp's locks held, so it calls nothing that could call usrsctp again.
int on_output(void* address, void* packet, size_t length, uint8_t, uint8_t) {
  const auto id = reinterpret_cast<association_id>(address);
  seal_checksum(std::span(static_cast<std::byte*>(packet), length));
  const bytes_view bytes(static_cast<const std::byte*>(packet), length);
  note_work(bytes);
  if (id == current_id && current_owner) {
    at_border(nullptr, [&] { current_owner->on_packet(bytes); });
    return 0;
  }
  if (const auto box = mailbox_of(id)) {
    at_border(box, [&] { box->put(bytes); });
  } else {
    count_drop("sctp", "orphan-packet");
  }
  return 0;
}

}  // namespace

void mailbox::put(bytes_view packet) {
  const std::lock_guard lock(mutex_);
  if (closed_) return;
  if (!packet.empty()) packets_.push(packet);
  if (posted_) return;
  asio::post(executor_, [self = shared_from_this()] { self->deliver(); });
  posted_ = true;
}

void mailbox::deliver() {
  datagram_batch packets;
  {
    const std::lock_guard lock(mutex_);
    std::swap(packets, packets_);
    posted_ = false;
    if (closed_) return;
  }
  if (exhausted_.exchange(false) && owner_) owner_->on_exhausted();
  if (owner_) owner_->on_foreign(packets);
}

void mailbox::close() {
  const std::lock_guard lock(mutex_);
  closed_ = true;
  owner_ = nullptr;
}

std::shared_ptr<mailbox> register_mailbox(loop_executor executor, mailbox_owner& owner) {
  auto& table = association_table::get();
  std::shared_ptr<mailbox> box;
  bool known = false;
  {
    const std::lock_guard lock(table.mutex);
    if (!table.started) throw std::logic_error("an SCTP association without a sctp::stack");
    known = !table.spare.empty() && clock::now() - table.spare.front().since >= rest_time;
    box = std::make_shared<mailbox>(known ? table.spare.front().id : table.next++, std::move(executor), owner);
    if (known) table.spare.pop_front();
    table.boxes.emplace(box->id(), box);
  }
  if (!known) usrsctp_register_address(reinterpret_cast<void*>(box->id()));
  table.changed.notify_one();
  return box;
}

void unregister_mailbox(mailbox& box) {
  box.close();
  auto& table = association_table::get();
  const std::lock_guard lock(table.mutex);
  table.boxes.erase(box.id());
  table.spare.push_back({box.id(), clock::now()});
}

// An error that a timer found wakes the owner: there is a notification to be read. What the owner's own calls bring up is looked
// for after each of them, so those upcalls need nothing.
void wake_owner(association_id id) {
  if (id == current_id && current_owner) return;
  if (const auto box = mailbox_of(id)) at_border(box, [&] { box->put({}); });
}

inside_usrsctp::inside_usrsctp(association_id id, mailbox_owner& owner) noexcept
    : previous_id_(std::exchange(current_id, id)), previous_owner_(std::exchange(current_owner, &owner)) {}

inside_usrsctp::~inside_usrsctp() {
  current_id = previous_id_;
  current_owner = previous_owner_;
}

void note_work(bytes_view packet) noexcept {
  auto& table = association_table::get();
  if (table.worked.load(std::memory_order_relaxed) || packet.size() <= common_header_bytes) return;
  const auto first = std::to_integer<std::uint8_t>(packet[common_header_bytes]);
  if (first == chunk::heartbeat || first == chunk::heartbeat_ack) return;
  table.worked = true;
  if (!table.idle) return;
  { const std::lock_guard lock(table.mutex); }  // the thread waits by now, or has yet to look
  table.changed.notify_one();
}

struct stack::impl {
  stack_config config;
  std::thread thread;

  // usrsctp's time advances by the milliseconds that this reports. They are measured, so that a late wake-up loses no time; what passed while there was
  // no work does not count for the timers that work begins.
  void run() {
    auto& table = association_table::get();
    tick_pace pace(config.tick, config.idle_tick);
    std::unique_lock lock(table.mutex);
    auto last = real_now();
    while (!table.stopping) {
      if (table.boxes.empty()) {
        table.changed.wait(lock, [&] { return table.stopping || !table.boxes.empty(); });
        last = real_now();
        pace.start(last);
        continue;
      }
      const bool idle = pace.idle(last);
      table.idle = idle;
      table.changed.wait_for(lock, pace.next(last), [&] { return table.stopping || (idle && table.worked); });
      const bool worked = table.worked.exchange(false);
      lock.unlock();
      if (idle && worked) last = real_now();
      const auto elapsed = std::chrono::duration_cast<std::chrono::milliseconds>(real_now() - last);
      last += elapsed;
      const auto before = cpu_time();
      if (elapsed.count() > 0) usrsctp_handle_timers(static_cast<std::uint32_t>(elapsed.count()));
      pace.looked(last, worked, cpu_time() - before);
      lock.lock();
    }
  }

  // A test's clock is not ours.
  static clock::time_point real_now() noexcept { return clock::time_point(std::chrono::steady_clock::now().time_since_epoch()); }
  static clock::duration cpu_time() noexcept {
    timespec t{};
    ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return std::chrono::seconds(t.tv_sec) + std::chrono::nanoseconds(t.tv_nsec);
  }
};

stack::stack(const stack_config& config) : impl_(std::make_unique<impl>()) {
  auto& table = association_table::get();
  {
    const std::lock_guard lock(table.mutex);
    if (std::exchange(table.started, true)) throw std::logic_error("a second sctp::stack");
    table.stopping = false;
  }
  impl_->config = config;
  set_send_memory(config.send_memory_bytes);
  const auto buckets = std::bit_ceil(std::max<std::uint32_t>(config.hash_buckets, 64));
  usrsctp_tunable_set_sctp_hashtblsize(buckets);  // before init only: later calls return 0 and change nothing
  usrsctp_tunable_set_sctp_pcbtblsize(16);  // of each endpoint, which has one association
  usrsctp_init_nothreads(0, &on_output, nullptr);
  usrsctp_enable_crc32c_offload();  // the checksum is computed in sctp_crc32c.cpp: by the processor's instruction where it has one
  usrsctp_sysctl_set_sctp_blackhole(0);
  usrsctp_sysctl_set_sctp_ecn_enable(0);
  usrsctp_sysctl_set_sctp_asconf_enable(0);
  usrsctp_sysctl_set_sctp_auto_asconf(0);
  usrsctp_sysctl_set_sctp_auth_enable(0);
  usrsctp_sysctl_set_sctp_nrsack_enable(0);
  usrsctp_sysctl_set_sctp_pktdrop_enable(0);
  usrsctp_sysctl_set_sctp_pr_enable(1);
  usrsctp_sysctl_set_sctp_reconfig_enable(1);
  // Windows and bursts are ours: see congestion.hpp and pacer.hpp.
  usrsctp_sysctl_set_sctp_max_burst_default(0);
  usrsctp_sysctl_set_sctp_fr_max_burst_default(0);
  usrsctp_sysctl_set_sctp_initial_cwnd(unlimited_packets);
  usrsctp_sysctl_set_sctp_peer_chunk_oh(chunk_overhead_bytes);
  usrsctp_sysctl_set_sctp_max_retran_chunk(0);  // a closed window is probed for as long as it is closed (see sctp_socket.cpp)
  usrsctp_sysctl_set_sctp_max_chunks_on_queue(config.max_queued_chunks);
  if (!config.own_thread) return;
  try {
    impl_->thread = std::thread([this] { impl_->run(); });
    ::pthread_setname_np(impl_->thread.native_handle(), "agw-sctp");
  } catch (const std::system_error& e) {
    usrsctp_finish();
    const std::lock_guard lock(table.mutex);
    table.started = false;
    throw std::system_error(e.code(), "the thread of SCTP's timers");
  }
}

stack::~stack() {
  auto& table = association_table::get();
  {
    const std::lock_guard lock(table.mutex);
    table.stopping = true;
    if (!table.boxes.empty()) log::error("sctp: the stack ends with {} associations alive", table.boxes.size());
  }
  table.changed.notify_one();
  if (impl_->thread.joinable()) impl_->thread.join();
  // Endpoints whose association could not be freed at once wait for a timer.
  int busy = usrsctp_finish();
  for (int i = 0; busy != 0 && i < 1000; ++i) {
    usrsctp_handle_timers(1000);
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
    busy = usrsctp_finish();
  }
  if (busy != 0) log::error("sctp: usrsctp could not be ended");
  const std::lock_guard lock(table.mutex);
  table.boxes.clear();
  table.spare.clear();
  table.started = false;
}

void stack::advance(std::chrono::milliseconds by) { usrsctp_handle_timers(static_cast<std::uint32_t>(by.count())); }

std::size_t stack::associations() noexcept {
  auto& table = association_table::get();
  const std::lock_guard lock(table.mutex);
  return table.boxes.size();
}

stack_counts stack::counts() noexcept {
  struct sctpstat all {};
  usrsctp_get_stat(&all);
  stack_counts out;
  out.associations = associations();
  out.established = all.sctps_currestab;
  return out;
}

}  // namespace agw::sctp
