#include "agw/core/log.hpp"

#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <mutex>
#include <system_error>
#include <thread>

#include <spdlog/async.h>
#include <spdlog/async_logger.h>
#include <spdlog/sinks/sink.h>

#include "agw/core/log_limit.hpp"
#include "agw/core/log_state.hpp"
#include "log_format.hpp"
#include "log_output.hpp"

namespace agw::log {

namespace {

constexpr std::size_t queue_lines = 8192;
constexpr auto line_apart = std::chrono::milliseconds(50);
constexpr unsigned line_burst = 200;

template <class Buffer>
void append_escaped(Buffer& out, unsigned char octet) {
  constexpr std::string_view digits = "0123456789abcdef";
  for (const char c : {'\\', 'x', digits[octet >> 4], digits[octet & 15u]}) out.push_back(c);
}

}  // namespace

std::string printable(std::string_view text, std::size_t max_bytes) {
  std::string out;
  out.reserve(std::min(text.size(), max_bytes));
  for (const char c : text) {
    if (out.size() >= max_bytes) {
      out += "\u2026";
      break;
    }
    const auto octet = static_cast<unsigned char>(c);
    if (octet >= 0x20 && octet < 0x7f && c != '\\') out += c;
    else append_escaped(out, octet);
  }
  return out;
}

namespace {

// What outlives a change of the configuration.
std::atomic<std::uint64_t> dropped_before{0};

/// Called by the writing thread alone.
class output_sink final : public spdlog::sinks::sink {
 public:
  output_sink(std::shared_ptr<log_output> to, std::unique_ptr<spdlog::formatter> formatter) : to_(std::move(to)), formatter_(std::move(formatter)) {}

  /// The pool whose thread calls.
  void count_with(spdlog::details::thread_pool& pool) { pool_ = &pool; }
  std::uint64_t lost() const noexcept { return lost_.load(); }

  void log(const spdlog::details::log_msg& m) override {
    tell_drops();
    if (!put(m)) lose();
  }
  void flush() override {
    if (const auto failed = to_->reopen_if_asked()) {
      if (!say(log::level::err, *failed)) lose();
    }
    tell_drops();
  }
  void set_pattern(const std::string&) override {}
  void set_formatter(std::unique_ptr<spdlog::formatter> formatter) override { formatter_ = std::move(formatter); }

 private:
  bool put(const spdlog::details::log_msg& m) {
    line_.clear();
    formatter_->format(m, line_);
    return to_->write(std::string_view(line_.data(), line_.size()));
  }
  bool say(log::level at, const std::string& text) { return put(spdlog::details::log_msg("agw", at, text)); }

  void lose() {
    ++lost_;
    why_ = to_->error();
  }

  void tell_drops() {
    const auto all = lost_.load() + pool_->overrun_counter();
    if (all <= told_) return;
    const std::string why = why_ != 0 ? std::strerror(why_) : "nobody took them in time";
    if (!say(log::level::warn, "the log dropped " + std::to_string(all - told_) + " lines: " + why)) return;
    told_ = all;
    why_ = 0;
  }

  std::shared_ptr<log_output> to_;
  std::unique_ptr<spdlog::formatter> formatter_;
  spdlog::details::thread_pool* pool_ = nullptr;
  spdlog::memory_buf_t line_;
  std::atomic<std::uint64_t> lost_{0};
  std::uint64_t told_ = 0;
  int why_ = 0;  ///< of the last line that could not be written, since drops were told
};

struct running {
  std::shared_ptr<log_output> output;
  std::shared_ptr<output_sink> sink;
  std::shared_ptr<spdlog::details::thread_pool> pool;
  std::shared_ptr<spdlog::async_logger> logger;

  std::uint64_t dropped() const { return sink->lost() + pool->overrun_counter(); }
};

/// The log's thread and queue. Ends before spdlog's registry, which is made first.
struct house {
  std::mutex mutex;
  std::unique_ptr<running> now;

  ~house() { end(std::chrono::seconds(1)); }
  void end(clock::duration patience) {
    std::unique_ptr<running> last;
    {
      const std::lock_guard lock(mutex);
      last = std::move(now);
    }
    if (!last) return;
    last->logger->set_level(level::off);
    last->output->end(patience);
    const auto overrun = last->pool->overrun_counter();
    last->pool.reset();  // writes what waits
    dropped_before += overrun + last->sink->lost();
  }
};

house& the_house() {
  spdlog::default_logger_raw();
  static house one;
  return one;
}

std::optional<level> level_of(std::string_view word) {
  const auto chosen = word == "warning" ? level::warn : spdlog::level::from_str(std::string(word));
  if (chosen == level::off && word != "off") return std::nullopt;
  return chosen;
}

// A descriptor that is opened later would otherwise become the standard error, and get lines.
void hold_standard_streams() {
  for (int fd = 0; fd <= 2; ++fd) {
    if (::fcntl(fd, F_GETFD) == -1 && errno == EBADF) (void)!::open("/dev/null", O_RDWR);
  }
}

enum class journal { none, stream, sockets };

// JOURNAL_STREAM: "device:inode" of the stream (systemd.exec(5)). Where it is a socket, that of entries may be reached as well.
journal journal_at(int fd) {
  const char* const named = std::getenv("JOURNAL_STREAM");
  struct stat is {};
  if (!named || ::fstat(fd, &is) != 0) return journal::none;
  if (std::to_string(is.st_dev) + ":" + std::to_string(is.st_ino) != named) return journal::none;
  return S_ISSOCK(is.st_mode) ? journal::sockets : journal::stream;
}

struct way_out {
  std::shared_ptr<log_output> output;
  std::unique_ptr<spdlog::formatter> formatter;
};

way_out way_out_of(const config& how) {
  if (!how.file.empty()) return {std::make_shared<log_output>(how.file), line_formatter(how.as, false)};
  const auto at = journal_at(STDERR_FILENO);
  if (at == journal::sockets) {
    auto entries = std::make_shared<log_output>(log_output::datagrams{"/run/systemd/journal/socket"});
    if (entries->good()) return {std::move(entries), entry_formatter(how.as)};
  }
  return {std::make_shared<log_output>(STDERR_FILENO), line_formatter(how.as, at != journal::none)};
}

void take_no_signals() {
  sigset_t all;
  sigfillset(&all);
  ::pthread_sigmask(SIG_BLOCK, &all, nullptr);  // SIGPIPE among them: EPIPE says the same
  ::pthread_setname_np(::pthread_self(), "agw-log");
}

struct kind_limits {
  std::mutex mutex;
  log_limit<const char*> limit{line_apart, line_burst, 1024};
};
kind_limits& limits() {
  static kind_limits one;
  return one;
}

}  // namespace

namespace detail {

std::optional<std::uint64_t> admit(const char* kind) {
  auto& l = limits();
  const std::lock_guard lock(l.mutex);
  return l.limit.take(kind, clock::now());
}

void tell_left_out(level at, std::uint64_t lines, std::string_view kind) {
  const auto line = fmt::format("{} more lines like this one were left out: \"{}\"", lines, kind);
  spdlog::default_logger_raw()->log(at, spdlog::string_view_t(line));
}

}  // namespace detail

void record(level at, std::string_view what, std::initializer_list<fact> facts) {
  auto* const to = spdlog::default_logger_raw();
  if (!to->should_log(at)) return;
  std::string text(what);
  const auto add = [&text](std::string_view piece) {
    text += fact_separator;
    for (const char c : piece) text += c == fact_separator ? ' ' : c;
  };
  for (const auto& f : facts) {
    add(f.name);
    add(f.value);
  }
  to->log(spdlog::source_loc("", 1, record_source), at, spdlog::string_view_t(text.data(), text.size()));
}

std::string_view start_stamp() {
  static const std::string stamp = [] {
    const auto now = std::chrono::system_clock::now().time_since_epoch() / std::chrono::milliseconds(1);
    return fmt::format("{:x}", now / 10);
  }();
  return stamp;
}

std::optional<std::string> configure(const config& how) {
  const auto chosen = level_of(how.level);
  if (!chosen) return "the level \"" + how.level + "\": allowed is trace, debug, info, warning, error or off";
  hold_standard_streams();
  auto next = std::make_unique<running>();
  auto way = way_out_of(how);
  next->output = std::move(way.output);
  if (!next->output->good()) return how.file + ": " + std::strerror(next->output->error());
  auto& h = the_house();
  h.end(std::chrono::seconds(1));
  next->sink = std::make_shared<output_sink>(next->output, std::move(way.formatter));
  try {
    next->pool = std::make_shared<spdlog::details::thread_pool>(queue_lines, 1, take_no_signals);
  } catch (const std::system_error& e) {
    return std::string("a thread for the log: ") + e.code().message();
  }
  next->sink->count_with(*next->pool);
  next->logger = std::make_shared<spdlog::async_logger>("agw", next->sink, next->pool, spdlog::async_overflow_policy::overrun_oldest);
  next->logger->set_level(*chosen);
  next->logger->flush_on(level::off);
  spdlog::set_default_logger(next->logger);
  const std::lock_guard lock(h.mutex);
  h.now = std::move(next);
  return std::nullopt;
}

bool configure(std::string_view word) {
  config how;
  how.level = word;
  return !configure(how);
}

bool set_level(std::string_view word) {
  const auto chosen = level_of(word);
  if (chosen) spdlog::default_logger_raw()->set_level(*chosen);
  return chosen.has_value();
}

void reopen() {
  auto& h = the_house();
  const std::lock_guard lock(h.mutex);
  if (!h.now) return;
  h.now->output->ask_reopen();
  h.now->logger->flush();
}

void drain(clock::duration patience) {
  const auto until = std::chrono::steady_clock::now() + patience;
  auto& h = the_house();
  const auto waiting = [&h] {
    const std::lock_guard lock(h.mutex);
    return h.now && h.now->pool->queue_size() > 0;
  };
  do {
    std::this_thread::sleep_for(std::chrono::milliseconds(2));  // for the line that has left the queue
  } while (waiting() && std::chrono::steady_clock::now() < until);
}

void finish(clock::duration patience) { the_house().end(patience); }

std::uint64_t dropped() noexcept {
  auto& h = the_house();
  const std::lock_guard lock(h.mutex);
  return dropped_before.load() + (h.now ? h.now->dropped() : 0);
}

clock::duration blocked() noexcept {
  auto& h = the_house();
  const std::lock_guard lock(h.mutex);
  return h.now ? h.now->output->waits_for() : clock::duration{};
}

std::uint64_t left_out() noexcept {
  auto& l = limits();
  const std::lock_guard lock(l.mutex);
  return l.limit.left_out();
}

}  // namespace agw::log
