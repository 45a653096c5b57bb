// A link whose peers are connections: dials and accepts them, keeps a queue for each, tells when they come and go. What a connection
// is made of, and how messages stand in it, the Carrier knows:
//
//   using protocol;                             of Asio; its sockets are on loop_executor
//   using config_type;                          a connection_config, or more
//   static constexpr transport via;
//   explicit Carrier(const config_type&);
//   std::size_t max_message_bytes() const;
//   error_code prepare(native_handle);          before it connects or listens
//   struct queue;                               push(text) -> bool, bytes()
//   static void settle(socket&);                once it is connected
//   awaitable<void> read(socket&, deliver);     until the peer ends it: throws then. deliver(std::string) -> awaitable<void>
//   awaitable<void> write(socket&, queue&);     all that is queued
#pragma once

#include <algorithm>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include <boost/asio/basic_socket_acceptor.hpp>
#include <boost/asio/basic_stream_socket.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/socket_base.hpp>

#include <agw/core/error.hpp>
#include <agw/core/event.hpp>
#include <agw/core/log.hpp>
#include <agw/core/metrics.hpp>
#include <agw/core/scope_guard.hpp>
#include <agw/core/task_group.hpp>
#include <agw/core/until.hpp>
#include <agw/h248/error.hpp>
#include <agw/h248/link.hpp>
#include <agw/h248/link_connections.hpp>
#include <agw/h248/link_rest.hpp>

namespace agw::h248 {

template <class Carrier>
class connection_link final : public message_link {
  using protocol = typename Carrier::protocol;
  using socket_type = asio::basic_stream_socket<protocol, loop_executor>;
  using config_type = typename Carrier::config_type;

 public:
  connection_link(loop_executor executor, const peer_address& local, const config_type& config)
      : executor_(std::move(executor)), acceptor_(executor_), local_(local), config_(config), carrier_(config_) {
    local_.via = Carrier::via;
  }

  // Whether the system has the transport and lets us use the address; listens, where that is asked for.
  error_code open() {
    error_code ec;
    const typename protocol::endpoint at(local_.host, local_.port);
    acceptor_.open(at.protocol(), ec);
    if (!ec) acceptor_.set_option(asio::socket_base::reuse_address(true), ec);
    if (!ec) ec = carrier_.prepare(acceptor_.native_handle());
    if (!config_.listen) {
      error_code ignored;
      acceptor_.close(ignored);
      return ec;
    }
    if (!ec) acceptor_.bind(at, ec);
    if (!ec) acceptor_.listen(asio::socket_base::max_listen_connections, ec);
    if (!ec) local_.port = acceptor_.local_endpoint(ec).port();
    return ec;
  }

  transport kind() const noexcept override { return Carrier::via; }
  bool reliable() const noexcept override { return true; }
  std::size_t max_message_bytes() const noexcept override { return carrier_.max_message_bytes(); }
  peer_address local() const override { return local_; }
  void set_filter(peer_filter filter) override { filter_ = std::move(filter); }
  void set_pace(pace may_read) override { may_read_ = std::move(may_read); }
  void resume() override {
    for (const auto& [peer, c] : connections_) c->room.set();
  }

  awaitable<void> run(receiver on_message, state_observer on_state) override {
    on_message_ = std::move(on_message);
    on_state_ = std::move(on_state);
    auto body = [this](task_group& group) -> awaitable<void> {
      group_ = &group;
      for (auto& [peer, c] : connections_) start(peer);  // messages that were sent before
      if (config_.listen) co_await accept();
      co_await sleep_until(no_deadline);
    };
    const scope_guard stop([this] { group_ = nullptr; });
    co_await with_tasks("h248 " + std::string(to_text(Carrier::via)), std::move(body));
  }

  bool send(const peer_address& to, std::string_view text) override {
    auto at = connections_.find(to);
    if (at == connections_.end()) {
      resting_.forget_old(clock::now());
      if (!config_.dial || connections_.size() >= config_.max_connections || resting_.rests(to, clock::now())) {
        count_drop("h248", "no-connection");
        return false;
      }
      at = connections_.emplace(to, std::make_shared<connection>(socket_type(executor_))).first;
      if (group_ != nullptr) start(to);
    }
    auto& c = *at->second;
    if (c.queue.bytes() + text.size() > config_.max_queue_bytes) {
      count_drop("h248", "send-buffer-full");
    } else if (text.size() > max_message_bytes() || !c.queue.push(text)) {
      count_drop("h248", "too-long");
    } else {
      c.wake.set();
    }
    return true;
  }

  void drop(const peer_address& peer) override {
    if (const auto at = connections_.find(peer); at != connections_.end()) at->second->end.set();
  }

 private:
  struct connection {
    explicit connection(socket_type s) : socket(std::move(s)) {}
    socket_type socket;
    typename Carrier::queue queue;  // not yet given to the system
    event wake;
    event end;
    event heard;         // a message came
    event room;          // for more messages
    bool up = false;
    bool taken = false;  // the peer dialled it
  };

  static peer_address peer_at(const typename protocol::endpoint& at) { return {Carrier::via, unmapped(at.address()), at.port()}; }

  awaitable<void> accept() {
    for (;;) {
      socket_type socket(executor_);
      error_code ec;
      auto token = asio::redirect_error(use_awaitable, ec);
      co_await acceptor_.async_accept(socket, token);
      if (ec == asio::error::operation_aborted) throw system_error(ec);
      if (ec) {  // out of descriptors: the peer tries again
        log::warn("h248: cannot accept a connection: {}", ec.message());
        co_await sleep_until(deadline_after(std::chrono::milliseconds(100)));
        continue;
      }
      const auto from = peer_at(socket.remote_endpoint(ec));
      if (ec) continue;
      if (filter_ && !filter_(from)) {
        count_drop("h248", "refused-peer");
      } else if (connections_.size() >= config_.max_connections || connections_.contains(from) || taken_from(from.host) >= config_.max_connections_of_host) {
        count_drop("h248", "too-many-connections");
      } else {
        auto made = std::make_shared<connection>(std::move(socket));
        made->up = made->taken = true;
        connections_.emplace(from, std::move(made));
        start(from);
      }
    }
  }

  std::size_t taken_from(const asio::ip::address& host) const {
    return static_cast<std::size_t>(std::ranges::count_if(connections_, [&](const auto& one) { return one.second->taken && one.first.host == host; }));
  }

  void start(const peer_address& peer) {
    auto child = [this, peer, c = connections_.at(peer)]() -> awaitable<void> { co_await serve(peer, c); };
    group_->spawn("connection", std::move(child));
  }

  // A connection from its beginning to its end. Its failure is its own: peers come and go.
  awaitable<void> serve(peer_address peer, std::shared_ptr<connection> c) {
    std::string why = "closed";
    std::exception_ptr cancelled;
    {
      const scope_guard unlist([&] { connections_.erase(peer); });
      try {
        if (!c->up) co_await until(deadline_after(config_.connect_timeout), connect(peer, c));
        c->up = true;
        resting_.reached(peer);
        Carrier::settle(c->socket);
        log::info("h248: connected with {}", to_text(peer));
        on_state_(peer, true);
        auto body = [this, &peer, &c](task_group& group) -> awaitable<void> {
          auto writer = [this, &c]() -> awaitable<void> {
            for (;;) {
              co_await carrier_.write(c->socket, c->queue);
              co_await c->wake.wait();
            }
          };
          group.spawn("writer", std::move(writer));
          auto ender = [&c]() -> awaitable<void> {
            co_await c->end.wait();
            throw system_error(make_error_code(errc::timed_out));
          };
          group.spawn("ender", std::move(ender));
          auto patience = [this, &c]() -> awaitable<void> {
            co_await until(deadline_after(config_.first_message_timeout), c->heard.wait());
          };
          if (c->taken) group.spawn("patience", std::move(patience));
          auto deliver = [this, &peer, &c](std::string text) -> awaitable<void> {
            c->heard.set();
            on_message_(peer, std::move(text));
            while (may_read_ && !may_read_(peer)) co_await c->room.wait();
          };
          co_await carrier_.read(c->socket, std::move(deliver));
        };
        co_await with_tasks("h248 connection", std::move(body));
      } catch (...) {
        const auto e = std::current_exception();
        why = describe(e);
        // A shard that stops cancels this task; a peer's end does not.
        if (is_cancellation(e)) cancelled = e;
      }
    }
    if (cancelled) std::rethrow_exception(cancelled);
    log::info("h248: connection with {} ended: {}", to_text(peer), why);
    if (!c->up) resting_.failed(peer, clock::now());
    on_state_(peer, false);
  }

  awaitable<void> connect(peer_address peer, std::shared_ptr<connection> c) {
    const typename protocol::endpoint to(peer.host, peer.port);
    error_code ec;
    c->socket.open(to.protocol(), ec);
    if (!ec) ec = carrier_.prepare(c->socket.native_handle());
    const bool same_family = peer.host.is_v6() == local_.host.is_v6();
    if (!ec && same_family && !local_.host.is_unspecified()) c->socket.bind(typename protocol::endpoint(local_.host, 0), ec);
    if (ec) throw system_error(ec);
    co_await c->socket.async_connect(to, use_awaitable);
  }

  loop_executor executor_;
  asio::basic_socket_acceptor<protocol, loop_executor> acceptor_;
  peer_address local_;
  const config_type config_;
  Carrier carrier_;
  std::map<peer_address, std::shared_ptr<connection>> connections_;
  peer_rest resting_{config_.first_redial, config_.longest_redial};
  receiver on_message_;
  state_observer on_state_;
  peer_filter filter_;
  pace may_read_;
  task_group* group_ = nullptr;
};

// A link of that kind, opened, or the system's error.
template <class Carrier>
result<std::unique_ptr<message_link>> open_connection_link(loop_executor executor, const peer_address& local,
                                                           const typename Carrier::config_type& config) {
  auto made = std::make_unique<connection_link<Carrier>>(std::move(executor), local, config);
  if (const auto ec = made->open()) return ec;
  return std::unique_ptr<message_link>(std::move(made));
}

}  // namespace agw::h248
