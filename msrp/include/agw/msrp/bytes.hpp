// Octets as bytes (for pipes) and as text (for parsers).
#pragma once

#include "agw/core/bytes.hpp"

namespace agw::msrp {

using agw::as_bytes;
using agw::as_text;
using agw::bytes_view;

}  // namespace agw::msrp
