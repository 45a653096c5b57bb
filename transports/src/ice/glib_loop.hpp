// The one GLib thread of the process, on whose main context all NiceAgents live.
#pragma once

#include <functional>
#include <thread>

#include <glib.h>

namespace agw::ice {

/// Started by the first user; at exit all tasks that were posted still run, then the thread is joined.
class glib_loop {
 public:
  static glib_loop& instance();
  glib_loop(const glib_loop&) = delete;
  glib_loop& operator=(const glib_loop&) = delete;
  ~glib_loop();

  GMainContext* context() noexcept { return context_; }
  /// Runs `task` on the GLib thread, after all earlier tasks. From any thread.
  void run(std::function<void()> task);

 private:
  glib_loop();

  GMainContext* context_;
  GMainLoop* loop_;
  std::thread thread_;
};

}  // namespace agw::ice
