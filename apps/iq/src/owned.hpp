// Descriptors that outlive the message they came in: copies whose strings are their own.
#pragma once

#include <forward_list>
#include <memory>
#include <string>

#include "agw/h248/command.hpp"

namespace agw::iq {

/// Copies of the strings that a descriptor refers to.
class string_pool {
 public:
  std::string_view keep(std::string_view text) { return strings_.emplace_front(text); }

 private:
  std::forward_list<std::string> strings_;
};

/// An Events descriptor as it was commanded; embedded ones point into it.
struct owned_events {
  explicit owned_events(const h248::events_descriptor& from);
  string_pool strings;
  h248::events_descriptor descriptor;
};

/// The same for Signals.
struct owned_signals {
  explicit owned_signals(const h248::signals_descriptor& from);
  string_pool strings;
  h248::signals_descriptor descriptor;
};

}  // namespace agw::iq
