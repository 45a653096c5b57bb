#include "ice/glib_loop.hpp"

#include <pthread.h>

namespace agw::ice {

glib_loop& glib_loop::instance() {
  static glib_loop loop;
  return loop;
}

glib_loop::glib_loop() : context_(g_main_context_new()), loop_(g_main_loop_new(context_, FALSE)) {
  thread_ = std::thread([this] {
    ::pthread_setname_np(::pthread_self(), "agw-ice");
    g_main_context_push_thread_default(context_);
    g_main_loop_run(loop_);
    g_main_context_pop_thread_default(context_);
  });
}

glib_loop::~glib_loop() {
  run([this] { g_main_loop_quit(loop_); });
  thread_.join();
  g_main_loop_unref(loop_);
  g_main_context_unref(context_);
}

void glib_loop::run(std::function<void()> task) {
  // An idle source of its own, never g_main_context_invoke(): that would run here when the context is not acquired yet.
  auto* source = g_idle_source_new();
  g_source_set_priority(source, G_PRIORITY_DEFAULT);
  const GSourceFunc call = [](gpointer data) -> gboolean {
    (*static_cast<std::function<void()>*>(data))();
    return G_SOURCE_REMOVE;
  };
  const GDestroyNotify drop = [](gpointer data) { delete static_cast<std::function<void()>*>(data); };
  g_source_set_callback(source, call, new std::function<void()>(std::move(task)), drop);
  g_source_attach(source, context_);
  g_source_unref(source);
}

}  // namespace agw::ice
