// A URI that parses is equivalent to itself and to its copy in other case; comparing arbitrary texts is symmetric.
#include <cstdint>
#include <cstdlib>
#include <string>

#include "agw/msrp/uri.hpp"

using namespace agw::msrp;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  const auto split = input.find('\n');
  const std::string a(input.substr(0, split));
  const std::string b(split == std::string_view::npos ? input : input.substr(split + 1));
  if (equivalent(a, b) != equivalent(b, a)) std::abort();
  if (const auto uri = parse_uri(a)) {
    std::string upper = a;
    const auto authority_end = a.find(uri->host, a.find("://") + 3 + uri->userinfo.size()) + uri->host.size();
    for (std::size_t i = 0; i < authority_end; ++i) {
      if (upper[i] >= 'a' && upper[i] <= 'z') upper[i] = static_cast<char>(upper[i] - 32);
    }
    if (!equivalent(*uri, *uri) || !equivalent(a, upper)) std::abort();
  }
  if (const auto path = split_path(a); path && (path->empty() || path->front() != first_uri(a))) std::abort();
  return 0;
}
