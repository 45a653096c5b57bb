// agw-server: the media gateway.
#include "agw/examples/stages.hpp"
#include "agw/server/server.hpp"

int main(int argc, char** argv) {
  const auto parsed = agw::server::parse(argc, argv);
  if (const auto* exit = std::get_if<agw::early_exit>(&parsed)) return agw::finish(*exit);
  return agw::server::run(std::get<agw::server::server_options>(parsed), {agw::examples::add_stages});
}
