#include "agw/msrp/session_directory.hpp"

#include <algorithm>

namespace agw::msrp {

session_directory::binding::~binding() {
  if (directory_ == nullptr) return;
  const std::lock_guard lock(directory_->mutex_);
  directory_->sessions_.erase(at_);
}

session_directory::binding session_directory::bind(std::string_view own_uri) {
  binding out;
  const auto parsed = parse_uri(own_uri);
  if (!parsed) return out;
  std::string id(parsed->session_id.value_or(std::string_view()));
  const std::lock_guard lock(mutex_);
  const auto [first, last] = sessions_.equal_range(id);
  const auto same = [own_uri](const auto& entry) { return equivalent(entry.second, own_uri); };
  if (std::any_of(first, last, same)) return out;
  out.at_ = sessions_.emplace(std::move(id), own_uri);
  out.directory_ = this;
  return out;
}

bool session_directory::bound(std::string_view uri, uri_match match) const {
  const auto parsed = parse_uri(uri);
  if (!parsed) return false;
  const std::string id(parsed->session_id.value_or(std::string_view()));
  const std::lock_guard lock(mutex_);
  const auto [first, last] = sessions_.equal_range(id);
  return std::any_of(first, last, [&](const auto& entry) { return matches(uri, entry.second, match); });
}

std::size_t session_directory::size() const {
  const std::lock_guard lock(mutex_);
  return sessions_.size();
}

}  // namespace agw::msrp
