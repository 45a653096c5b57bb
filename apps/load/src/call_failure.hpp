// Why a call could not be set up or ended early, in the words that the report counts it under.
#pragma once

#include <stdexcept>
#include <string>

namespace agw::load {

class call_failure : public std::runtime_error {
 public:
  explicit call_failure(std::string cause) : std::runtime_error(std::move(cause)) {}
};

}  // namespace agw::load
