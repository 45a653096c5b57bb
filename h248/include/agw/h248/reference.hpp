// The tables of this library as a page to read, in Markdown: h248/REFERENCE.md is what reference_as_markdown() returned, and a
// test compares them.
#pragma once

#include <string>

namespace agw::h248 {

// The packages that are implemented, with their items and parameters, and what of them is provisional.
std::string packages_as_markdown();

// The words of the text encoding, the packages, the error codes with who gives them, the reasons of a ServiceChange.
std::string reference_as_markdown();

}  // namespace agw::h248
