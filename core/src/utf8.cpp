#include "agw/core/utf8.hpp"

#include <boost/locale/utf.hpp>

namespace agw {

bool is_utf8(std::string_view text) noexcept {
  for (auto at = text.begin(); at != text.end();) {
    const auto point = boost::locale::utf::utf_traits<char>::decode(at, text.end());
    if (point == boost::locale::utf::illegal || point == boost::locale::utf::incomplete) return false;
  }
  return true;
}

}  // namespace agw
