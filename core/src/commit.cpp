#include "agw/version.hpp"

// By the build, for this file alone: a commit compiles nothing else anew.
#ifndef AGW_COMMIT
#define AGW_COMMIT "unknown"
#endif

namespace agw {

std::string_view commit() noexcept { return AGW_COMMIT; }

}  // namespace agw
