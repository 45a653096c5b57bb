#include "agw/msrp/relay_paths.hpp"

namespace agw::msrp {

boost::system::result<void> validate(const relay_paths& paths) {
  if (paths.mode == relay_mode::agnostic) return {};
  for (const auto* leg : {&paths.wic, &paths.core}) {
    for (const auto* path : {&leg->own, &leg->peer}) {
      if (const auto uris = split_path(*path); !uris) return uris.error();
    }
  }
  return {};
}

unsigned refusal_status(const relay_paths& paths, side from, const chunk_header& header) {
  if (paths.mode == relay_mode::agnostic) return 0;
  if (header.to_path.empty()) return 400;
  if (!matches(header.to_path, last_uri(paths.of(from).own), paths.match)) {
    const bool elsewhere = paths.sessions != nullptr && paths.sessions->bound(header.to_path, paths.match);
    return elsewhere ? 506 : 481;
  }
  if (!header.request()) return 0;
  return paths.of(from).in_use ? 506 : refusal_status(header);
}

std::optional<path_pair> paths_beyond(const relay_paths& paths, side from, const chunk_header& header) {
  if (paths.mode == relay_mode::agnostic) return std::nullopt;
  const auto& leg = paths.of(other(from));
  return path_pair{header.request() ? std::string_view(leg.peer) : first_uri(leg.peer), last_uri(leg.own)};
}

}  // namespace agw::msrp
