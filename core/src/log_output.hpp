// Where the lines of the log go: a descriptor that may be a pipe which nobody reads, a disk that is full, a terminal that is stopped.
#pragma once

#include <atomic>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "agw/core/clock.hpp"

namespace agw::log {

/// Written by one thread; end() and ask_reopen() may be called by others.
class log_output {
 public:
  /// `fd` is not closed at the end.
  explicit log_output(int fd);
  /// Appends to a file, made where it is not there. Check good().
  explicit log_output(std::string file);
  /// A socket of datagrams, which a line is written to as one. Check good().
  struct datagrams {
    std::string path;
  };
  explicit log_output(datagrams to);
  ~log_output();
  log_output(const log_output&) = delete;
  log_output& operator=(const log_output&) = delete;

  bool good() const noexcept { return fd_ >= 0; }
  /// Why good() is false, or the last write() was.
  int error() const noexcept { return error_; }

  /// Waits as long as nobody takes the line, until end() says otherwise. False: it was not written, or not whole.
  bool write(std::string_view line);

  /// Waits of now and later are over at that time.
  void end(clock::duration patience) noexcept;

  /// For how long the line that is being written has been waiting; zero: none is. Any thread.
  clock::duration waits_for() const noexcept;

  void ask_reopen() noexcept { reopen_ = true; }
  /// Opens the file anew if that was asked for. Yields why it failed; then the old one stays.
  std::optional<std::string> reopen_if_asked();

 private:
  bool writable();
  bool write_stream(std::string_view line);
  bool write_datagram(std::string_view line);

  int fd_ = -1;
  bool owned_ = false;
  int wake_ = -1;  ///< eventfd: end() was called
  int error_ = 0;
  bool broken_line_ = false;
  std::string file_;
  std::string socket_;
  std::atomic<bool> reopen_ = false;
  std::atomic<std::int64_t> until_ns_;
  std::atomic<std::int64_t> since_ns_ = 0;  ///< the line that is being written; 0: none is
};

}  // namespace agw::log
