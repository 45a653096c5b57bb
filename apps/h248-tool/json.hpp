// A message as JSON, for scripts: the model member by member, absent members left out, enumerations by their long words.
#pragma once

#include <string>

#include <boost/json/value.hpp>

#include <agw/h248/message.hpp>

namespace agw::h248_tool {

boost::json::value to_json(const h248::message& m);

// The same, indented.
std::string to_json_text(const h248::message& m);

}  // namespace agw::h248_tool
