// How much may wait to be sent or acknowledged. What a path with a long way holds is more than what each association may be given at once.
#pragma once

#include <cstddef>

namespace agw::sctp {

/// The size of an association's send buffer: `least`, and more while its window asks for it, up to `most` and to what the process has for all
/// (stack_config::send_memory_bytes). What it has beyond `least` goes back with it.
class send_buffer {
 public:
  send_buffer(std::size_t least, std::size_t most) noexcept : least_(least), most_(most), size_(least) {}
  ~send_buffer();
  send_buffer(const send_buffer&) = delete;
  send_buffer& operator=(const send_buffer&) = delete;

  /// So many octets may be on their way. True when size() is another from now on.
  bool fit(std::size_t window_bytes) noexcept;
  std::size_t size() const noexcept { return size_; }

 private:
  std::size_t least_, most_, size_;
};

/// What all send buffers may have beyond their least sizes. From any thread.
void set_send_memory(std::size_t bytes) noexcept;
/// What is left of it.
std::size_t send_memory_left() noexcept;

}  // namespace agw::sctp
