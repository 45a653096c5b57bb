#include <agw/h248/link_tcp.hpp>

#include <deque>
#include <map>

#include <boost/asio/connect.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/write.hpp>

#include <agw/core/error.hpp>
#include <agw/core/event.hpp>
#include <agw/core/log.hpp>
#include <agw/core/metrics.hpp>
#include <agw/core/task_group.hpp>
#include <agw/core/until.hpp>
#include <agw/h248/error.hpp>
#include <agw/h248/link_rest.hpp>
#include <agw/h248/link_tpkt.hpp>

namespace agw::h248 {
namespace {

using asio::ip::tcp;

constexpr std::size_t read_bytes = 16384;

peer_address peer_at(const tcp::endpoint& at) { return {transport::tcp, unmapped(at.address()), at.port()}; }

class tcp_link final : public message_link {
 public:
  tcp_link(asio::any_io_executor executor, const peer_address& local, tcp_link_config config)
      : executor_(std::move(executor)), acceptor_(executor_), local_(local), config_(config) {}

  boost::system::error_code listen() {
    boost::system::error_code ec;
    const tcp::endpoint at(local_.host, local_.port);
    acceptor_.open(at.protocol(), ec);
    if (!ec) acceptor_.set_option(tcp::acceptor::reuse_address(true), ec);
    if (!ec) acceptor_.bind(at, ec);
    if (!ec) acceptor_.listen(asio::socket_base::max_listen_connections, ec);
    if (!ec) local_.port = acceptor_.local_endpoint(ec).port();
    return ec;
  }

  transport kind() const noexcept override { return transport::tcp; }
  bool reliable() const noexcept override { return true; }
  std::size_t max_message_bytes() const noexcept override { return tpkt_max_message_bytes; }
  peer_address local() const override { return local_; }
  void set_filter(peer_filter filter) override { filter_ = std::move(filter); }

  awaitable<void> run(receiver on_message, state_observer on_state) override {
    on_message_ = std::move(on_message);
    on_state_ = std::move(on_state);
    auto body = [this](task_group& group) -> awaitable<void> {
      group_ = &group;
      for (auto& [peer, c] : connections_) start(peer, *c);  // messages that were sent before
      if (config_.listen) co_await accept();
      co_await sleep_until(no_deadline);
    };
    struct at_end {
      tcp_link* of;
      ~at_end() { of->group_ = nullptr; }
    } const stop{this};
    co_await with_tasks("h248 tcp", std::move(body));
  }

  void send(const peer_address& to, std::string_view text) override {
    auto at = connections_.find(to);
    if (at == connections_.end()) {
      if (!config_.dial || connections_.size() >= config_.max_connections) return count_drop("h248", "no-connection");
      resting_.forget_old(clock::now());
      if (resting_.rests(to, clock::now())) return count_drop("h248", "no-connection");
      at = connections_.emplace(to, std::make_shared<connection>(tcp::socket(executor_))).first;
      if (group_ != nullptr) start(to, *at->second);
    }
    auto& c = *at->second;
    if (c.queue.size() + text.size() > config_.max_queue_bytes) return count_drop("h248", "send-buffer-full");
    if (!append_tpkt(c.queue, text)) return count_drop("h248", "too-long");
    c.wake.set();
  }

 private:
  struct connection {
    explicit connection(tcp::socket s) : socket(std::move(s)) {}
    tcp::socket socket;
    std::string queue;  // framed, not yet given to the system
    event wake;
    bool up = false;
  };

  awaitable<void> accept() {
    for (;;) {
      tcp::socket socket(executor_);
      boost::system::error_code ec;
      auto token = asio::redirect_error(asio::use_awaitable, ec);
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
      } else if (connections_.size() >= config_.max_connections || connections_.contains(from)) {
        count_drop("h248", "too-many-connections");
      } else {
        auto made = std::make_shared<connection>(std::move(socket));
        made->up = true;
        start(from, *connections_.emplace(from, std::move(made)).first->second);
      }
    }
  }

  void start(const peer_address& peer, connection&) {
    auto child = [this, peer, c = connections_.at(peer)]() -> awaitable<void> { co_await serve(peer, c); };
    group_->spawn("connection", std::move(child));
  }

  // A connection from its beginning to its end. Its failure is its own: peers come and go.
  awaitable<void> serve(peer_address peer, std::shared_ptr<connection> c) {
    struct entry {
      tcp_link& of;
      const peer_address& peer;
      ~entry() { of.connections_.erase(peer); }
    };
    std::string why = "closed";
    std::exception_ptr cancelled;
    {
      const entry listed{*this, peer};
      try {
        if (!c->up) co_await until(deadline_after(config_.connect_timeout), connect(peer, c));
        c->up = true;
        resting_.reached(peer);
        boost::system::error_code ignored;
        c->socket.set_option(tcp::no_delay(true), ignored);
        c->socket.set_option(asio::socket_base::keep_alive(true), ignored);
        log::info("h248: connected with {}", to_text(peer));
        on_state_(peer, true);
        auto body = [this, &peer, &c](task_group& group) -> awaitable<void> {
          auto writer = [this, &c]() -> awaitable<void> { co_await write(c); };
          group.spawn("writer", std::move(writer));
          co_await read(peer, c);
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
    const tcp::endpoint to(peer.host, peer.port);
    boost::system::error_code ec;
    c->socket.open(to.protocol(), ec);
    const bool same_family = peer.host.is_v6() == local_.host.is_v6();
    if (!ec && same_family && !local_.host.is_unspecified()) c->socket.bind(tcp::endpoint(local_.host, 0), ec);
    if (ec) throw system_error(ec);
    co_await c->socket.async_connect(to, asio::use_awaitable);
  }

  awaitable<void> read(const peer_address& peer, std::shared_ptr<connection> c) {
    tpkt_reader frames;
    std::string buffer(read_bytes, '\0');
    for (;;) {
      // Between messages a peer may be silent for as long as it likes, inside one it may not.
      const auto by = frames.buffered_bytes() > 0 ? deadline_after(config_.frame_timeout) : no_deadline;
      const auto size = co_await until(by, c->socket.async_read_some(asio::buffer(buffer), asio::use_awaitable));
      frames.push(std::string_view(buffer).substr(0, size));
      for (;;) {
        const auto message = frames.next();
        if (!message) {
          count_drop("h248", "bad-frame");
          throw system_error(message.error());
        }
        if (message->empty()) break;
        on_message_(peer, std::string(*message));
      }
    }
  }

  awaitable<void> write(std::shared_ptr<connection> c) {
    std::string out;
    for (;;) {
      while (!c->queue.empty()) {
        out.clear();
        out.swap(c->queue);
        co_await asio::async_write(c->socket, asio::buffer(out), asio::use_awaitable);
      }
      co_await c->wake.wait();
    }
  }

  asio::any_io_executor executor_;
  tcp::acceptor acceptor_;
  peer_address local_;
  tcp_link_config config_;
  std::map<peer_address, std::shared_ptr<connection>> connections_;
  peer_rest resting_{config_.first_redial, config_.longest_redial};
  receiver on_message_;
  state_observer on_state_;
  peer_filter filter_;
  task_group* group_ = nullptr;
};

}  // namespace

result<std::unique_ptr<message_link>> open_tcp_link(asio::any_io_executor executor, const peer_address& local, tcp_link_config config) {
  auto at = local;
  at.via = transport::tcp;
  auto made = std::make_unique<tcp_link>(std::move(executor), at, config);
  if (config.listen) {
    if (const auto ec = made->listen()) return ec;
  }
  return std::unique_ptr<message_link>(std::move(made));
}

}  // namespace agw::h248
