// Helpers for refusing a change.
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

/// What a change says of a stream of one kind; a refusal when it speaks of another kind. Null: nothing.
template <class T, class Variant>
boost::system::result<const T*, refusal> only(const std::optional<Variant>& said, const char* descriptor) {
  if (!said) return static_cast<const T*>(nullptr);
  if (const auto* wanted = std::get_if<T>(&*said)) return wanted;
  return refuse(refusal_reason::conflict, std::string(descriptor) + " of another kind than the stream");
}

}  // namespace agw::gateway
