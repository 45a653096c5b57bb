// An agw-server that agw-load starts for itself, and ends.
#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "options.hpp"

namespace agw::load {

class server_process {
 public:
  server_process() = default;
  server_process(const server_process&) = delete;
  server_process& operator=(const server_process&) = delete;
  /// Ends it if it still runs.
  ~server_process();

  /// Starts it towards the controller at `mgc`: its configuration and its log are in a folder of its own in the system's for temporary files.
  /// Throws std::runtime_error.
  void start(const load_options& options, const h248::peer_address& mgc);
  int pid() const noexcept { return pid_; }
  bool running();
  /// SIGTERM, and SIGKILL when it has not ended 10 s later; waits for it. The folder goes when all was well.
  void stop(bool keep_folder);
  const std::filesystem::path& folder() const noexcept { return folder_; }
  /// The last lines of its log.
  std::string last_words() const;

 private:
  std::filesystem::path folder_;
  int pid_ = 0;
  std::optional<int> status_;
};

/// The configuration that is written: nothing but what differs from the defaults.
std::string server_configuration(const load_options& options);

}  // namespace agw::load
