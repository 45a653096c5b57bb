// OpenSSL keeps the buffer in which it puts handshake messages together for as long as a DTLS session lives, 21 KB of a call, although nothing that is in
// it is looked at again behind the handshake: what is repeated is copied there first. It has no call to free it, so its pages are given back to the
// system instead; who writes there gets new ones.
#pragma once

#include <cstddef>

namespace agw::dtls {

/// Of one session. Where OpenSSL cannot be told of other memory functions (somebody has used it before), all of this does nothing.
class handshake_memory {
 public:
  handshake_memory() = default;
  handshake_memory(const handshake_memory&) = delete;
  handshake_memory& operator=(const handshake_memory&) = delete;

  /// While it lives the buffer is noted, when the calling thread's OpenSSL makes or frees one. One at a time.
  class watch {
   public:
    explicit watch(handshake_memory& of) noexcept;
    ~watch();
    watch(const watch&) = delete;
    watch& operator=(const watch&) = delete;
  };

  /// The handshake is over.
  void give_back() noexcept;
  /// Whether there is a buffer with memory of its own.
  bool held() const noexcept { return buffer_ != nullptr; }

 private:
  friend struct memory_functions;
  void* buffer_ = nullptr;
};

}  // namespace agw::dtls
