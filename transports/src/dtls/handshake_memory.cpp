#include "dtls/handshake_memory.hpp"

#include <cstdlib>

#include <openssl/buffer.h>
#include <openssl/crypto.h>
#include <openssl/ssl3.h>
#include <sys/mman.h>

namespace agw::dtls {

namespace {

constexpr std::size_t page_bytes = 4096;
constexpr std::size_t whole_pages(std::size_t bytes) noexcept { return (bytes + page_bytes - 1) / page_bytes * page_bytes; }

thread_local handshake_memory* watched = nullptr;
std::size_t buffer_bytes = 0;  // set once, before main()

}  // namespace

struct memory_functions {
  static void* allocate(std::size_t bytes, const char*, int) {
    if (bytes == 0) return nullptr;
    if (!watched || watched->buffer_ || bytes != buffer_bytes) return std::malloc(bytes);
    return watched->buffer_ = std::aligned_alloc(page_bytes, whole_pages(bytes));
  }
  static void* reallocate(void* block, std::size_t bytes, const char* file, int line) {
    if (!block) return allocate(bytes, file, line);
    if (bytes == 0) {
      release(block, file, line);
      return nullptr;
    }
    forget(block);
    return std::realloc(block, bytes);
  }
  static void release(void* block, const char*, int) {
    forget(block);
    std::free(block);
  }
  static void forget(void* block) noexcept {
    if (watched && watched->buffer_ == block) watched->buffer_ = nullptr;
  }

  // How much OpenSSL asks for when it makes room for the largest message is its own affair, so it is asked.
  static void install() noexcept {
    if (CRYPTO_set_mem_functions(allocate, reallocate, release) != 1) return;
    auto* probe = BUF_MEM_new();
    if (probe && BUF_MEM_grow(probe, SSL3_RT_MAX_PLAIN_LENGTH) != 0) buffer_bytes = probe->max;
    BUF_MEM_free(probe);
  }
};

namespace {
// Before anything of this program uses OpenSSL, also before main(): it takes no other functions afterwards.
[[gnu::constructor(101)]] void install_first() { memory_functions::install(); }
}  // namespace

handshake_memory::watch::watch(handshake_memory& of) noexcept { watched = &of; }
handshake_memory::watch::~watch() { watched = nullptr; }

void handshake_memory::give_back() noexcept {
  if (!buffer_) return;
  ::madvise(buffer_, whole_pages(buffer_bytes), MADV_DONTNEED);
  buffer_ = nullptr;
}

}  // namespace agw::dtls
