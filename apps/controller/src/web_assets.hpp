// The files of web/, inside the program.
#pragma once

#include <span>

#include "agw/http/message.hpp"

namespace agw::controller {
std::span<const http::asset> web_assets();
}
