// A media gateway with a stage of this project's own.
#include <agw/server/server.hpp>

#include "upper_stage.hpp"

int main(int argc, char** argv) {
  const auto parsed = agw::server::parse(argc, argv);
  if (const auto* exit = std::get_if<agw::early_exit>(&parsed)) return agw::finish(*exit);
  return agw::server::run(std::get<agw::server::server_options>(parsed), {add_upper});
}
