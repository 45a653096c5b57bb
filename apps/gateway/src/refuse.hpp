// Small helpers of the termination's two files.
#pragma once

#include <string>
#include <utility>

#include "agw/gateway/model.hpp"

namespace agw::gateway {

inline refusal refuse(refusal_reason reason, std::string text) {
  refusal r;
  r.reason = reason;
  r.text = std::move(text);
  return r;
}

inline bool is_association(const stream_change& c) {
  return (c.local && std::holds_alternative<association_local>(*c.local)) ||
         (c.remote && std::holds_alternative<association_remote>(*c.remote));
}

}  // namespace agw::gateway
