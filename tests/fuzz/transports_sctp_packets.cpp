// What is looked at in an SCTP packet before there is an association: the answer to one that came out of the blue is itself a packet
// that is never answered, or two endpoints could go on for ever.
#include <cstdint>
#include <cstdlib>
#include <span>

#include "agw/transports/sctp_messages.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace agw::sctp;
  const auto packet = std::as_bytes(std::span(data, size));
  begins_association(packet);
  const auto answer = answer_out_of_the_blue(packet);
  if (!answer.empty() && !answer_out_of_the_blue(answer).empty()) std::abort();
  if (answer.size() > 16) std::abort();  // no more than a header and an ABORT: nothing that amplifies
  return 0;
}
