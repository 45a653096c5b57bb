// Any bytes: what is accepted as session descriptions comes back the same, and can still be read when it has been filled in.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include <agw/h248/sdp.hpp>

using namespace agw::h248;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  auto all = sdp::parse({reinterpret_cast<const char*>(data), size});
  if (!all) {
    if (all.error().to_text().empty()) std::abort();
    return 0;
  }
  const std::string text = to_text(*all);  // the first of several may have got its v= line
  const auto again = sdp::parse(text);
  if (!again || to_text(*again) != text || again->size() != all->size()) std::abort();
  for (auto& one : *all) {
    one.connection();
    one.media();
    one.candidates();
    one.fingerprints();
    one.sctp_port();
    one.max_message_size();
    for (const auto& map : one.dcmaps()) {
      if (sdp_dcmap::parse(map.to_text()) != map) std::abort();
    }
    for (const auto& dcsa : one.dcsas()) one.dcsa(dcsa.id, dcsa.attribute);
    one.fill_address("192.0.2.1");
    one.fill_port(1);
    one.fill_candidates({});
    one.fill_dcmap_id(1);
    if (!sdp::parse(one.to_text())) std::abort();
  }
  return 0;
}
