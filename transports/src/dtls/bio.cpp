#include "dtls/bio.hpp"

#include <algorithm>
#include <cstring>
#include <new>
#include <utility>

namespace agw::dtls {

namespace {

bio_port& port_of(BIO* bio) noexcept { return *static_cast<bio_port*>(BIO_get_data(bio)); }

// As recv() does on a datagram socket: what does not fit is gone. OpenSSL's buffer holds the largest record.
int read(BIO* bio, char* into, int room) {
  BIO_clear_retry_flags(bio);
  const auto datagram = std::exchange(port_of(bio).incoming, {});
  if (datagram.empty()) {
    BIO_set_retry_read(bio);
    return -1;
  }
  const auto size = std::min(datagram.size(), static_cast<std::size_t>(std::max(room, 0)));
  std::memcpy(into, datagram.data(), size);
  return static_cast<int>(size);
}

int write(BIO* bio, const char* from, int size) {
  BIO_clear_retry_flags(bio);
  if (size <= 0) return 0;
  try {
    if (auto* out = port_of(bio).outgoing) out->push(std::as_bytes(std::span(from, static_cast<std::size_t>(size))));
  } catch (...) {
    // Out of memory: the datagram is lost, as on any network, and repeated if it was part of a flight. An exception must not pass
    // through OpenSSL's C frames.
  }
  return size;
}

long control(BIO* bio, int command, long, void* pointer) {
  switch (command) {
    case BIO_CTRL_FLUSH: return 1;
    case BIO_CTRL_DGRAM_SET_NEXT_TIMEOUT: port_of(bio).timer_changed(*static_cast<timeval*>(pointer)); return 1;
    default: return 0;  // nothing pending, no overhead below the datagram, no MTU to ask for
  }
}

BIO_METHOD* make_method() {
  auto* method = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "agw datagrams");
  if (!method || BIO_meth_set_read(method, read) != 1 || BIO_meth_set_write(method, write) != 1 ||
      BIO_meth_set_ctrl(method, control) != 1) {
    throw std::bad_alloc();
  }
  return method;
}

}  // namespace

bio_ptr make_bio(bio_port& port) {
  static const std::unique_ptr<BIO_METHOD, openssl_free<BIO_meth_free>> method(make_method());
  bio_ptr bio(BIO_new(method.get()));
  if (!bio) throw std::bad_alloc();
  BIO_set_data(bio.get(), &port);
  BIO_set_init(bio.get(), 1);
  return bio;
}

}  // namespace agw::dtls
