// The certificates of the process, from the files of the configuration or made by itself, and their renewal.
#pragma once

#include <memory>
#include <string>

#include "agw/core/awaitable.hpp"
#include "agw/core/replaceable.hpp"
#include "agw/server/options.hpp"

namespace agw::server {

/// The keys that gateway_services shares. Streams that are reserved later get the newest; those that stand keep theirs.
class keys {
 public:
  /// `dtls` and `tls` outlive it.
  keys(const server_options& options, replaceable<const dtls::context>& dtls, replaceable<tls::context>& tls);

  /// Reads the files, or makes a certificate where none is configured. On an error what was there stays, and the error is logged.
  bool load();
  /// The same when a signal asks for it: a certificate that was made by itself stays.
  bool reload();

  /// Replaces a certificate that was made by itself whenever its lifetime is over, until cancelled. Ends at once where there is none to replace.
  awaitable<void> renew();

 private:
  bool load(bool anew);
  bool take(bool anew);

  const server_options& options_;
  replaceable<const dtls::context>& dtls_;
  replaceable<tls::context>& tls_;
};

}  // namespace agw::server
