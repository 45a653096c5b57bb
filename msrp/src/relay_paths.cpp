#include "agw/msrp/relay_paths.hpp"

#include "agw/msrp/uri.hpp"

namespace agw::msrp {

boost::system::result<void> validate(const relay_paths& paths) {
  if (paths.mode == relay_mode::agnostic) return {};
  for (const auto* leg : {&paths.channel, &paths.stream}) {
    for (const auto* path : {&leg->own, &leg->peer}) {
      if (const auto uris = split_path(*path); !uris) return uris.error();
    }
  }
  return {};
}

bool addressed_to_us(const relay_paths& paths, side from, const chunk_header& header) {
  return paths.mode == relay_mode::agnostic || equivalent(header.to_path, last_uri(paths.of(from).own));
}

path_pair paths_beyond(const relay_paths& paths, side from, const chunk_header& header) {
  if (paths.mode == relay_mode::agnostic) return {header.to_path, header.from_path};
  const auto& leg = paths.of(from == side::channel ? side::stream : side::channel);
  return {header.request() ? std::string_view(leg.peer) : first_uri(leg.peer), last_uri(leg.own)};
}

}  // namespace agw::msrp
