// agw-server: the media gateway.
#include "agw/core/log.hpp"
#include "agw/core/settings.hpp"
#include "server.hpp"

int main(int argc, char** argv) {
  const auto parsed = agw::server::parse(argc, argv);
  if (const auto* exit = std::get_if<agw::early_exit>(&parsed)) return agw::finish(*exit);
  const auto& options = std::get<agw::server::server_options>(parsed);
  agw::log::configure(options.log_level);
  return agw::server::run(options);
}
