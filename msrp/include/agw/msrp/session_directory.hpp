// Which MSRP sessions of this process are bound to a connection.
#pragma once

#include <cstddef>
#include <map>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>

#include "agw/msrp/uri.hpp"

namespace agw::msrp {

/// Tells a request for an unknown session (481) from one for a session that another connection has (506, RFC 4975, 7.3 and 10). Safe
/// from any thread; relays take its lock when they begin and end, and for requests that they refuse. Outlives every binding.
class session_directory {
 public:
  /// One session, bound for as long as the object lives. Holds nothing when another connection has the session.
  class binding {
   public:
    binding() = default;
    binding(binding&& other) noexcept : directory_(std::exchange(other.directory_, nullptr)), at_(other.at_) {}
    binding& operator=(binding&& other) noexcept {
      std::swap(directory_, other.directory_);
      std::swap(at_, other.at_);
      return *this;
    }
    ~binding();
    bool holds() const noexcept { return directory_ != nullptr; }

   private:
    friend class session_directory;
    session_directory* directory_ = nullptr;
    std::multimap<std::string, std::string>::iterator at_;
  };

  session_directory() = default;
  session_directory(const session_directory&) = delete;
  session_directory& operator=(const session_directory&) = delete;

  /// Binds the session of `own_uri`, a valid MSRP URI; compared as RFC 4975, 6.1 says.
  binding bind(std::string_view own_uri);
  /// Whether some connection has the session that `uri` names. False for a text that is no URI.
  bool bound(std::string_view uri, uri_match match) const;

  std::size_t size() const;

 private:
  mutable std::mutex mutex_;
  std::multimap<std::string, std::string> sessions_;  // session id → URI
};

}  // namespace agw::msrp
