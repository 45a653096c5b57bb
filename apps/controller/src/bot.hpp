// The IMS peer that agw-controller plays: an MSRP endpoint over TCP that sends back what it gets. websocket.md, "The bot".
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include <openssl/evp.h>

#include "agw/core/event.hpp"
#include "agw/core/pipe.hpp"
#include "agw/core/task_group.hpp"
#include "agw/msrp/session.hpp"

namespace agw::controller {

/// SHA-256 over what is added, as lower-case hexadecimal digits.
class sha256 {
 public:
  sha256();
  void add(bytes_view bytes);
  std::string finish();

 private:
  std::unique_ptr<EVP_MD_CTX, void (*)(EVP_MD_CTX*)> context_;
};

/// One MSRP session of the bot, on one connection. Files are kept until they were sent back, up to a bound; a bigger one is only
/// hashed. Lives on the controller's loop; run() is cancelled to end it.
class bot_session {
 public:
  /// `peer_path` is what the bot puts into To-Path: the WIC's own path where the gateway is agnostic.
  bot_session(std::string own_path, std::string peer_path);
  /// Called for the first chunk that arrives.
  std::function<void()> on_first_message;

  /// What the peer takes: content types (as in accept-types; empty: any), and the size of a message. Before run().
  void set_limits(std::vector<std::string> accept_types, std::optional<std::uint64_t> max_size);

  /// Serves `stream` until the peer closes it, the bot is told to, or it is cancelled.
  awaitable<void> run(byte_stream& stream);

 private:
  struct generated {  ///< the body of "/file N": the same bytes each time it is produced
    std::uint64_t size = 0;
  };
  struct job {
    msrp::outgoing_message head;
    std::variant<std::string, generated> body;
  };
  struct incoming {
    std::string id;
    std::string content_type;
    std::string disposition;  ///< the whole header line; empty for a text
    sha256 hash;
    std::string body;
    bool whole = true;        ///< `body` is everything so far
  };

  awaitable<void> read(byte_stream& stream);
  awaitable<void> write(byte_stream& stream);
  awaitable<void> send_jobs();
  awaitable<void> watch_deadlines();
  void on_event(const msrp::session_event& event);
  void on_message(incoming message, std::uint64_t size);
  void on_order(const std::string& text);
  void say(std::string text);
  bool may_send(const msrp::outgoing_message& head) const;
  void queue(job one);
  void made_room();
  awaitable<void> send(job one);
  awaitable<void> make_file(std::uint64_t size, std::string name);

  msrp::session session_;
  std::deque<job> jobs_;
  std::size_t owed_bytes_ = 0;  // in the bodies of jobs_
  std::deque<std::pair<std::uint64_t, std::string>> wanted_files_;
  std::deque<incoming> incoming_;
  event jobs_changed_;
  event output_changed_;
  event may_read_;  // an event has one waiter
  event may_send_;
  std::vector<std::string> accept_types_;
  std::optional<std::uint64_t> max_size_;
  bool quiet_ = false;
  bool closing_ = false;
};

}  // namespace agw::controller
