#include <agw/h248/ids.hpp>

#include <algorithm>

namespace agw::h248 {

std::size_t termination_id::fields() const noexcept {
  return name.empty() ? 0 : static_cast<std::size_t>(std::count(name.begin(), name.end(), '/')) + 1;
}

std::string_view termination_id::field(std::size_t n) const noexcept {
  std::string_view rest = name;
  for (; n > 0; --n) {
    const auto slash = rest.find('/');
    if (slash == std::string_view::npos) return {};
    rest.remove_prefix(slash + 1);
  }
  return rest.substr(0, rest.find('/'));
}

bool termination_id::matches(termination_id other) const noexcept {
  if (is_all()) return !other.is_root();
  // Greedy matching with one remembered star: linear but for patterns with many stars, and names have 64 characters at most.
  const std::string_view text = other.name;
  std::size_t p = 0, t = 0, star = std::string_view::npos, resume = 0;
  while (t < text.size()) {
    if (p < name.size() && name[p] == '*') {
      star = p++;
      resume = t;
    } else if (p < name.size() && name[p] != '$' && ascii_lower(name[p]) == ascii_lower(text[t])) {
      ++p;
      ++t;
    } else if (star != std::string_view::npos) {
      p = star + 1;
      t = ++resume;
    } else {
      return false;
    }
  }
  while (p < name.size() && name[p] == '*') ++p;
  return p == name.size();
}

std::string to_text(item_name name) {
  std::string out;
  out.reserve(name.package.size() + 1 + name.item.size());
  out.append(name.package).append(1, '/').append(name.item);
  return out;
}

}  // namespace agw::h248
